"""A QDQ model by its tensors: who gives them, who reads them, and the codes behind real values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from int8sim.importers.onnx_file import Model, Node
from int8sim.model.step import Array

QUANTIZE = frozenset({"QuantizeLinear", "com.microsoft.QuantizeLinear"})
DEQUANTIZE = frozenset({"DequantizeLinear", "com.microsoft.DequantizeLinear"})
CODES = ("int8", "uint8")


@dataclass(frozen=True)
class Quantized:
    """A tensor's codes, scale and zero point by name, as a DequantizeLinear reads or a QuantizeLinear makes them."""

    codes: str
    scale: str
    zero_point: str

    @property
    def names(self) -> list[str]:
        """Inputs of a quantized operator."""
        return [self.codes, self.scale, self.zero_point]

    @property
    def parameters(self) -> list[str]:
        """The last two of them."""
        return [self.scale, self.zero_point]


def made_by(quantize: Node) -> Quantized:
    """What a QuantizeLinear makes."""
    return Quantized(quantize.output, quantize.input(1), quantize.input(2))


def read_by(dequantize: Node) -> Quantized:
    """What a DequantizeLinear reads."""
    return Quantized(dequantize.input(0), dequantize.input(1), dequantize.input(2))


class Pairs:
    """producers: node by output. readers: nodes by input, once per input; None for the model's own outputs."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.producers = {name: node for node in model.nodes for name in node.outputs if name}
        self.readers: dict[str, list[Node | None]] = {name: [None] for name in model.outputs}
        for node in model.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)
        self._names = {*model.inputs, *model.values, *self.producers}

    def fresh(self, name: str) -> str:
        """A name that no tensor has."""
        while name in self._names:
            name += "_"
        self._names.add(name)
        return name

    def only(self, tensor: str) -> Node | None:
        """The producer of a tensor that has one reader; None for anything else."""
        node = self.producers.get(tensor)
        alone = node is not None and len(node.outputs) == 1 and len(self.readers[tensor]) == 1
        return node if alone else None

    def reader(self, tensor: str) -> Node | None:
        """The one node that reads a tensor; None where there are more, or it is an output of the model's."""
        found = self.readers.get(tensor, [])
        return found[0] if len(found) == 1 else None

    def value(self, name: str) -> Array | None:
        """A constant of numbers that stands in the file."""
        node = self.producers.get(name)
        stated = node.attributes.get("value") if node and node.operator == "Constant" else None
        found = stated if isinstance(stated, np.ndarray) else self.model.values.get(name)
        return found if found is not None and found.dtype.kind in "iuf" else None

    def source(self, tensor: str) -> Quantized | None:
        """The codes of one scale behind a tensor of real values; None if no DequantizeLinear gives it."""
        found = self.weight(tensor, None)
        return found if found and self.is_single(found) else None

    def is_single(self, tensor: Quantized) -> bool:
        """Whether there is one scale, and it is a constant."""
        scale = self.value(tensor.scale)
        return scale is not None and scale.size == 1

    def weight(self, tensor: str, axis: int | None) -> Quantized | None:
        """The same where there may be one scale for each place along an axis; None: along any."""
        node = self.producers.get(tensor)
        if node is None or node.operator not in DEQUANTIZE or node.attributes.get("block_size"):
            return None
        scale = self.value(node.input(1))
        if scale is None or (scale.size > 1 and axis not in {None, node.integer("axis", 1)}):
            return None
        return read_by(node)

    def dtype(self, tensor: Quantized) -> str:
        """Of the codes, where the file says it."""
        for name in (tensor.zero_point, tensor.codes):
            values = self.value(name)
            if values is not None:
                return values.dtype.name
        return "uint8" if tensor.zero_point == "" else ""

    def all_codes(self, tensors: Sequence[Quantized | None]) -> bool:
        """Whether each is there and of one 8-bit type."""
        found = {self.dtype(each) for each in tensors if each}
        return None not in tensors and len(found) == 1 and found <= set(CODES)

    def same(self, tensors: Iterable[Quantized]) -> bool:
        """Whether all have the scale and the zero point of the first."""
        first, *others = map(self._parameters, tensors)
        return all(
            a is not None and b is not None and a.dtype == b.dtype and np.array_equal(a.reshape(-1), b.reshape(-1))
            for other in others
            for a, b in zip(first, other, strict=True)
        )

    def _parameters(self, tensor: Quantized) -> list[Array | None]:
        zero_point = self.value(tensor.zero_point) if tensor.zero_point else np.zeros(1, np.uint8)
        return [self.value(tensor.scale), zero_point]
