"""An ONNX file as plain Python records: everything that touches protobuf is here.

Only what a file states is read; nothing is taken from its value_info or its declared outputs' shapes, which may be
missing or wrong. Source: onnx/onnx:docs/IR.md and onnx/onnx.proto.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import external_data_helper, numpy_helper

from int8sim.graph.check import LARGEST
from int8sim.model.errors import (
    BatchMovedError,
    LayerError,
    NotAModelError,
    OutsideDataError,
    UnsupportedOperatorError,
)
from int8sim.model.step import Array

FIRST_OPSET, LAST_OPSET = 7, 28
"""The versions of ONNX's operator set whose definitions were read for this importer."""

OWN_DOMAINS = frozenset({"", "ai.onnx"})
FLOATS = frozenset({"float32", "float16", "bfloat16", "float64"})
CODES = frozenset({"int8", "uint8", "int16", "uint16"})
TENSORS = FLOATS | CODES
"""What an input can be; codes in a quantized network only."""

UINT8, FLOAT32 = int(onnx.TensorProto.UINT8), int(onnx.TensorProto.FLOAT)

Attribute = int | float | str | tuple[int, ...] | tuple[float, ...] | Array | None
"""An attribute's value; None for kinds that no reader takes (graphs, strings in lists, sparse tensors ...)."""


@dataclass(frozen=True, eq=False)
class Node:
    """One operator call.

    operator: its name, with the domain in front unless that is ONNX's own. layer: the name of the layer that it becomes
    and by which errors call it. inputs: tensor names, "" for one that is left out.
    """

    operator: str
    layer: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    @property
    def output(self) -> str:
        """The first output."""
        return self.outputs[0]

    def input(self, position: int) -> str:
        """The tensor at a position; "" if it is left out."""
        return self.inputs[position] if position < len(self.inputs) else ""

    def refused(self, reason: str, supported: Iterable[str] = ()) -> UnsupportedOperatorError:
        """The error for a form of the operator that is not read. supported: forms, or operators, that are."""
        return UnsupportedOperatorError(self.operator, self.layer, reason, supported)

    def moves_batch(self, reason: str) -> BatchMovedError:
        """The error for what an axis 0 that is the batch does not allow."""
        return BatchMovedError(self.operator, self.layer, reason)

    def misfit(self, reason: str) -> LayerError:
        """The error for attributes and inputs that contradict each other."""
        return LayerError(self.layer, reason)

    def integer(self, name: str, default: int | None) -> int:
        """An integer attribute; a default of None makes it required."""
        value = self._attribute(name, default)
        if not isinstance(value, int):
            raise self.refused(f"attribute {name} is {value!r}; an integer is needed")
        return value

    def real(self, name: str, default: float) -> float:
        """A float attribute, as the Python float of its float32."""
        value = self._attribute(name, default)
        if not isinstance(value, float):
            raise self.refused(f"attribute {name} is {value!r}; a float is needed")
        return value

    def text(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self._attribute(name, default)
        if not isinstance(value, str):
            raise self.refused(f"attribute {name} is {value!r}; a string is needed")
        return value

    def integers(
        self, name: str, default: tuple[int, ...] | None, count: int | None = None, low: int | None = None
    ) -> tuple[int, ...]:
        """A list of integers: `count` of them, none below `low`, where these are given."""
        value = self._attribute(name, default)
        whole = isinstance(value, tuple) and all(isinstance(each, int) for each in value)
        if not isinstance(value, tuple) or not whole or (count is not None and len(value) != count):
            raise self.refused(f"attribute {name} is {value!r}; {count or 'a list of'} integers are needed")
        if low is not None and any(each < low for each in value):
            raise self.misfit(f"attribute {name} is {value!r}; no value may be below {low}")
        return tuple(int(each) for each in value)

    def _attribute(self, name: str, default: Attribute) -> Attribute:
        if name in self.attributes:
            return self.attributes[name]
        if default is None:
            raise self.refused(f"attribute {name} is missing")
        return default


@dataclass(frozen=True, eq=False)
class Model:
    """What a file holds.

    inputs: by name, the declared shape, 1 as dimension 0 where the file leaves it open. batch: dimension 0 of all
    inputs, or 0 if they differ. values: initializers, in the types that the file gives them. dtypes: of the inputs.
    """

    name: str
    opset: int
    batch: int
    inputs: Mapping[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    values: Mapping[str, Array]
    dtypes: Mapping[str, str]


def read_model(path: str | os.PathLike[str]) -> Model:
    """Read a file. Raises NotAModelError."""
    proto = _parse(path)
    if not _is_text(proto.graph):
        raise NotAModelError(path, "a name in it is not text: the file is damaged")
    return _Reader(path).model(proto)


def _parse(path: str | os.PathLike[str]) -> Any:
    """The ModelProto, with external data loaded, from the model's folder only. Raises NotAModelError."""
    try:
        _check_file(Path(path))
        proto = onnx.load(path, format="protobuf", load_external_data=False)
        for tensor in filter(external_data_helper.uses_external_data, _tensors(proto.graph)):
            _load_data(Path(path), tensor)
    except NotAModelError:
        raise
    except Exception as problem:  # onnx and protobuf raise many types, some of them their own
        first_line = (str(problem).splitlines() or [""])[0]
        raise NotAModelError(path, f"it cannot be read as an ONNX model ({first_line}); is it complete?") from None
    return proto


def _tensors(graph: Any) -> Iterator[Any]:
    """Those that are read: initializers and attributes."""
    yield from graph.initializer
    for node in graph.node:
        yield from (attribute.t for attribute in node.attribute if attribute.HasField("t"))


def _load_data(path: Path, tensor: Any) -> None:
    """The values of a tensor that lie in another file, which must be in the model's folder wherever links lead."""
    folder, stated = path.parent.resolve(), {entry.key: entry.value for entry in tensor.external_data}
    location = stated.get("location", "")
    if Path(location).is_absolute() or not (folder / location).resolve().is_relative_to(folder):
        raise OutsideDataError(path, tensor.name, location)
    try:
        external_data_helper.load_external_data_for_tensor(tensor, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as problem:
        found = f"the values of tensor {tensor.name!r}, in the file {location!r}, cannot be read ({problem})"
        raise NotAModelError(path, found) from None


def _check_file(path: Path) -> None:
    if not path.exists():
        raise NotAModelError(path, "there is no such file")
    if not path.is_file():
        raise NotAModelError(path, "this is not a file")
    if path.stat().st_size == 0:
        raise NotAModelError(path, "the file is empty")


def _is_text(graph: Any) -> bool:
    """Whether every name is UTF-8. Protobuf looks when it is asked, then gives bytes or, in old versions, raises."""
    try:
        return all(isinstance(name, str) for name in _names(graph))
    except UnicodeDecodeError:
        return False


def _names(graph: Any) -> Iterator[Any]:
    yield graph.name
    for each in (*graph.input, *graph.output, *graph.initializer):
        yield each.name
    for node in graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        for attribute in node.attribute:
            yield attribute.name


class _Reader:
    """Protobuf messages to records. path: for errors."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path

    def problem(self, reason: str) -> NotAModelError:
        return NotAModelError(self.path, reason)

    def model(self, proto: Any) -> Model:
        graph = proto.graph
        if not graph.node or not graph.output:
            raise self.problem("it holds no graph: no ONNX model, or not a complete one")
        if graph.sparse_initializer:
            raise self.problem("it holds sparse initializers; int8sim reads dense ones: export it without them")
        opset = self.opset(proto)
        self.refuse_repeated("initializer", graph.initializer)
        self.refuse_repeated("input", graph.input)
        values = {tensor.name: self.array(f"initializer {tensor.name!r}", tensor) for tensor in graph.initializer}
        inputs = {value.name: self.dimensions(value) for value in graph.input if value.name not in values}
        return Model(
            graph.name or Path(self.path).stem,
            opset,
            self.batch([batch for batch, _ in inputs.values()]),
            {name: (batch or 1, *rest) for name, (batch, rest) in inputs.items()},
            tuple(value.name for value in graph.output),
            self.nodes(graph.node),
            values,
            {value.name: dtype_name(value.type.tensor_type.elem_type) for value in graph.input if value.name in inputs},
        )

    def refuse_repeated(self, what: str, entries: Iterable[Any]) -> None:
        for name, times in Counter(entry.name for entry in entries).items():
            if times > 1:
                raise self.problem(f"{what} {name!r} is there {times} times; a tensor is given once")

    def opset(self, proto: Any) -> int:
        """The version of ONNX's own operators; a file without one means version 1 (onnx.proto, opset_import)."""
        version = max((each.version for each in proto.opset_import if each.domain in OWN_DOMAINS), default=1)
        if not FIRST_OPSET <= version <= LAST_OPSET:
            raise self.problem(
                f"it uses opset {version}; {FIRST_OPSET} to {LAST_OPSET} are read: "
                "convert it with onnx.version_converter, or export it again"
            )
        return int(version)

    def dimensions(self, value: Any) -> tuple[int, tuple[int, ...]]:
        """(declared batch or 0, shape of one sample) of a graph input."""
        kind = value.type.tensor_type
        what = f"input {value.name!r}"
        if not value.type.HasField("tensor_type") or dtype_name(kind.elem_type) not in TENSORS:
            raise self.problem(f"{what} is no float tensor, nor one of 8-bit codes: start from the float model")
        if not kind.shape.dim:
            raise self.problem(f"{what} has no shape; declare it, as [batch, channels, height, width] for an image")
        known = [self.size(each) for each in kind.shape.dim]
        for axis, size in enumerate(known[1:], 1):
            if size == 0:
                raise self.problem(
                    f"dimension {axis} of {what} is unknown ({_spelled(kind.shape.dim[axis])}); only dimension 0, "
                    "the batch, may be: export the model with a fixed size, or set it with "
                    "onnx.tools.update_model_dims or onnxruntime.tools.make_dynamic_shape_fixed"
                )
        if math.prod(known[1:]) > LARGEST:
            raise self.problem(f"{what} has the shape {known}, more than {LARGEST:,} values: the file is damaged")
        return known[0], tuple(known[1:])

    @staticmethod
    def size(dimension: Any) -> int:
        """A dimension's fixed size, or 0; zero and negative ones are some exporters' words for unknown."""
        return max(int(dimension.dim_value), 0)

    @staticmethod
    def batch(declared: Sequence[int]) -> int:
        fixed = {size for size in declared if size} or {1}
        return fixed.pop() if len(fixed) == 1 else 0

    def nodes(self, protos: Sequence[Any]) -> tuple[Node, ...]:
        names = _layer_names(protos)
        return tuple(self.node(proto, layer) for proto, layer in zip(protos, names, strict=True))

    def node(self, proto: Any, layer: str) -> Node:
        if not proto.output or not proto.output[0]:
            raise self.problem(f"node {layer!r}, operator {proto.op_type}, has no output")
        operator = proto.op_type if proto.domain in OWN_DOMAINS else f"{proto.domain}.{proto.op_type}"
        attributes = {each.name: self.attribute(layer, each) for each in proto.attribute}
        return Node(operator, layer, tuple(proto.input), tuple(proto.output), attributes)

    def attribute(self, layer: str, proto: Any) -> Attribute:
        kinds = onnx.AttributeProto
        match proto.type:
            case kinds.INT:
                return int(proto.i)
            case kinds.FLOAT:
                return float(proto.f)
            case kinds.STRING:
                return str(proto.s.decode("utf-8", "replace"))
            case kinds.INTS:
                return tuple(proto.ints)
            case kinds.FLOATS:
                return tuple(proto.floats)
            case kinds.TENSOR:
                return self.array(f"attribute {proto.name!r} of node {layer!r}", proto.t)
        return None

    def array(self, what: str, tensor: Any) -> Array:
        """A TensorProto's values, in its own type and shape."""
        try:
            values: Array = np.asarray(numpy_helper.to_array(tensor))
        except Exception as problem:  # unknown types, data that does not fill the shape ...
            raise self.problem(f"{what} is damaged ({problem})") from None
        if values.shape != tuple(tensor.dims):
            raise self.problem(f"{what} is damaged (its values do not fill its shape {list(tensor.dims)})")
        return values


def code_dtype(element: int) -> Any:
    """NumPy's dtype of an ONNX element type. Raises KeyError."""
    return onnx.helper.tensor_dtype_to_np_dtype(element)


def dtype_name(element: int) -> str:
    """NumPy's name of an ONNX element type; "" for a number that is none."""
    try:
        return str(code_dtype(element).name)
    except (KeyError, ValueError):
        return ""


def _spelled(dimension: Any) -> str:
    return repr(dimension.dim_param) if dimension.dim_param else str(dimension.dim_value)


def _layer_names(protos: Sequence[Any]) -> list[str]:
    """A name per node: its own where no other node has it, else its output's; underscores where that is taken too."""
    count = Counter(proto.name for proto in protos)
    taken = {name for name, times in count.items() if name and times == 1}
    names = []
    for position, proto in enumerate(protos):
        name = proto.name
        if name not in taken or count[name] > 1:
            name = next(iter(proto.output), "") or f"node {position}"
            while name in taken:
                name += "_"
            taken.add(name)
        names.append(name)
    return names
