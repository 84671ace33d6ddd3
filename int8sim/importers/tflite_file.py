"""A .tflite file as plain Python records: everything that touches the flatbuffer is here.

Fields are known by their slots in the schema's tables (tflite_schema.py names it). Content of constants is not copied.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from int8sim.graph.check import LARGEST
from int8sim.importers.flatbuffer import Buffer, FlatTable
from int8sim.importers.tflite_schema import CUSTOM, DTYPES, IDENTIFIER, OPERATORS
from int8sim.model.errors import LayerError, NotAModelError, UnsupportedOperatorError
from int8sim.model.step import Array

WITHOUT_OUTPUT = frozenset({"ASSIGN_VARIABLE", "CALL_ONCE"})
CALLED = 0
"""The slot of CALL_ONCE's subgraph."""
LARGEST_SIDE = 1 << 20
"""Of a tensor, in elements: more is taken for damage, as more than LARGEST in all."""


@dataclass(frozen=True, eq=False)
class Tensor:
    """name: no other tensor has it. dtype: "" for one that NumPy has not. scales: none where it is not quantized.

    values: the content of a constant, of the dtype and shape; None for an activation.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    values: Array | None


@dataclass(frozen=True, eq=False)
class Operator:
    """One operator call. number: its place in the subgraph. layer: the name of its first output, "" without any.

    inputs: -1 for none.
    """

    name: str
    number: int
    layer: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: FlatTable | None

    def integer(self, slot: int, kind: str = "i", default: int = 0) -> int:
        """An integer option, by its slot and struct format."""
        return default if self.options is None else self.options.integer(slot, kind, default)

    def real(self, slot: int) -> float:
        """A float32 option, by its slot."""
        return 0.0 if self.options is None else float(self.options.number(slot, "f"))

    def text(self, slot: int) -> str:
        """A string option, by its slot."""
        return "" if self.options is None else self.options.text(slot)

    def has(self, position: int) -> bool:
        """Whether an input is there."""
        return position < len(self.inputs) and self.inputs[position] >= 0

    def refused(self, reason: str, supported: Iterable[str] = ()) -> UnsupportedOperatorError:
        """The error for a form of the operator that is not read. supported: forms, or operators, that are."""
        node = f"{self.number} ({self.layer})" if self.layer else f"{self.number}"
        return UnsupportedOperatorError(self.name, node, reason, supported)

    def misfit(self, reason: str) -> LayerError:
        """The error for options and inputs that contradict each other."""
        return LayerError(self.layer or self.name, f"operator {self.number}, {self.name}: {reason}")


@dataclass(frozen=True, eq=False)
class Subgraph:
    """Tensors and the operators that compute them, in order."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True, eq=False)
class Model(Subgraph):
    """What a file holds: its first subgraph. inputs, outputs: indices of tensors. called: others, by CALL_ONCE."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    called: Mapping[int, Subgraph]


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read a file. Raises NotAModelError, ModelBytesError."""
    buffer = Buffer.read(path, "a complete .tflite file")
    if buffer.data[4:8] != IDENTIFIER:
        raise NotAModelError(
            path, f"bytes 4 to 8 are not {IDENTIFIER.decode()}: no .tflite file, or not a complete one"
        )
    return _Reader(buffer).model()


class _Reader:
    def __init__(self, buffer: Buffer) -> None:
        self.buffer = buffer
        self.root = FlatTable(buffer, buffer.behind(0, "the model"), "the model")

    def problem(self, reason: str) -> NotAModelError:
        return NotAModelError(self.buffer.path, reason)

    def model(self) -> Model:
        """The first subgraph, and those that its CALL_ONCEs name: others are called by operators that are not read."""
        subgraphs = self.root.tables(2, "subgraph")
        if not subgraphs:
            raise self.problem("it holds no subgraph: not a complete .tflite file")
        main = subgraphs[0]
        tensors = self.tensors(main)
        operators = self.operators(main, tensors)
        ends = [self.indices(main, slot, what, tensors) for slot, what in ((1, "an input"), (2, "an output"))]
        if not operators or not all(ends):
            raise self.problem("its first subgraph lacks operators, inputs or outputs")
        called = {node.integer(CALLED) for node in operators if node.name == "CALL_ONCE"}
        others = {number: self.subgraph(subgraphs, number) for number in called}
        return Model(tensors, operators, Path(self.buffer.path).stem, ends[0], ends[1], others)

    def subgraph(self, subgraphs: Sequence[FlatTable], number: int) -> Subgraph:
        """One of the others."""
        if not 0 < number < len(subgraphs):
            raise self.problem(f"CALL_ONCE names subgraph {number}; the file has {len(subgraphs)}, the first calls it")
        tensors = self.tensors(subgraphs[number])
        return Subgraph(tensors, self.operators(subgraphs[number], tensors))

    def indices(self, table: FlatTable, slot: int, what: str, tensors: Sequence[Tensor]) -> tuple[int, ...]:
        """Indices of tensors, none left out."""
        found = tuple(table.integers(slot, "i"))
        for index in found:
            if not 0 <= index < len(tensors):
                raise self.problem(f"{what} of {table.name} is tensor {index}; the subgraph has {len(tensors)}")
        return found

    def tensors(self, main: FlatTable) -> tuple[Tensor, ...]:
        buffers = self.root.tables(4, "buffer")
        names: set[str] = set()
        found = []
        for index, table in enumerate(main.tables(0, "tensor")):
            name = table.text(3) or f"tensor_{index}"
            name = f"{name}_{index}" if name in names else name
            names.add(name)
            found.append(self.tensor(table, name, buffers))
        return tuple(found)

    def tensor(self, table: FlatTable, name: str, buffers: Sequence[FlatTable]) -> Tensor:
        shape, dtype = tuple(table.integers(0, "i")), DTYPES.get(table.integer(1, "b"), "")
        if any(not 0 <= size <= LARGEST_SIDE for size in shape) or math.prod(shape) > LARGEST:
            raise self.problem(f"tensor {name!r} has the shape {list(shape)}; it is damaged, or too large")
        scales, zero_points = self.quantization(table, name)
        if table.table(6, "sparsity") is not None:
            raise self.problem(f"tensor {name!r} is stored sparse; only dense ones are read")
        number = table.integer(2, "I")
        if number >= max(len(buffers), 1):
            raise self.problem(f"tensor {name!r} has its values in buffer {number}; the file has {len(buffers)}")
        values = self.values(buffers[number], name, shape, dtype) if number else None
        return Tensor(name, shape, dtype, scales, zero_points, values)

    def quantization(self, table: FlatTable, name: str) -> tuple[tuple[float, ...], tuple[int, ...]]:
        """Scales and as many zero points. quantized_dimension is not read: each operator has one that it can be."""
        quantization = table.table(4, f"the quantization of {table.name}")
        if quantization is None:
            return (), ()
        scales = tuple(float(value) for value in quantization.numbers(2, "f"))
        zero_points = tuple(quantization.integers(3, "q")) or (0,) * len(scales)
        if scales and len(zero_points) not in {1, len(scales)}:
            raise self.problem(f"tensor {name!r} has {len(scales)} scales and {len(zero_points)} zero points")
        return scales, zero_points

    def values(self, table: FlatTable, name: str, shape: tuple[int, ...], dtype: str) -> Array | None:
        """A constant's content; None for a buffer without any, which is an activation's."""
        if table.integer(1, "Q") > 1:
            raise self.problem(f"tensor {name!r} has its values behind the flatbuffer; models over 2 GB are not read")
        place, size = table.bytes_at(0)
        if not size or not dtype:
            return None
        kind = np.dtype(dtype).newbyteorder("<")
        if size != math.prod(shape) * kind.itemsize:
            raise self.problem(f"tensor {name!r}, {dtype}{list(shape)}, has {size} bytes of values")
        return np.frombuffer(self.buffer.data, kind, math.prod(shape), place).reshape(shape)

    def operators(self, main: FlatTable, tensors: Sequence[Tensor]) -> tuple[Operator, ...]:
        names = [self.operator_name(code) for code in self.root.tables(1, "operator code")]
        return tuple(
            self.operator(table, number, names, tensors) for number, table in enumerate(main.tables(3, "operator"))
        )

    def operator_name(self, code: FlatTable) -> str:
        """The greater of the two numbers counts: the byte is full at 127."""
        number = max(code.integer(0, "b"), code.integer(3, "i"))
        if number == CUSTOM:
            return f"CUSTOM {code.text(1)}"
        return OPERATORS[number] if 0 <= number < len(OPERATORS) else f"operator number {number}"

    def operator(self, table: FlatTable, number: int, names: Sequence[str], tensors: Sequence[Tensor]) -> Operator:
        code = table.integer(0, "I")
        if code >= len(names):
            raise self.problem(f"{table.name} has operator code {code}; the file has {len(names)}")
        outputs = self.indices(table, 2, "an output", tensors)
        inputs = tuple(table.integers(1, "i"))
        for index in inputs:
            if not -1 <= index < len(tensors):
                raise self.problem(f"an input of {table.name} is tensor {index}; the subgraph has {len(tensors)}")
        if not outputs and names[code] not in WITHOUT_OUTPUT:
            raise self.problem(f"{table.name}, {names[code]}, has no output")
        options = table.table(4, f"the options of {table.name}")
        layer = tensors[outputs[0]].name if outputs else ""
        return Operator(names[code], number, layer, inputs, outputs, options)
