"""The graph while it is read: tensor types so far, layers, constants, aliases. What the readers fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from int8sim.graph.check import float_graph, infer
from int8sim.graph.ir import Graph, Layer
from int8sim.importers.onnx_file import FLOATS, Model, Node
from int8sim.model.errors import GraphError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op

ALIASES = frozenset({"Identity", "Dropout"})
"""Operators whose first output is their first input under another name."""

TO_NCHW = (0, 3, 1, 2)


class Network:
    """values: constants by tensor name, as the file holds them. types: activations. Dimension 0 is the batch, and is 1.

    constants: float32 values that layers read. aliases: name -> the activation that it is another name of.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.values: dict[str, Array] = dict(model.values)
        self.aliases: dict[str, str] = {}
        self.constants: dict[str, Array] = {}
        self.layers: list[Layer] = []
        self._reading: dict[str, list[Node]] = {}
        for node in model.nodes:
            for name in node.inputs:
                self._reading.setdefault(name, []).append(node)
        self._names = {*model.inputs, *model.values}
        for node in model.nodes:
            self._claim(node)
        self.types = {name: self.typed((1, *shape), name) for name, shape in model.inputs.items()}
        self._sources = dict(self.types)

    def _claim(self, node: Node) -> None:
        for name in filter(None, node.outputs):
            if name in self._names:
                raise GraphError(f"tensor {name!r} has two producers; the second is node {node.layer!r}")
            self._names.add(name)

    def typed(self, shape: tuple[int, ...], name: str) -> TensorType:
        """A float type: 4-D tensors are NCHW, or NHWC where nothing but Transposes to NCHW read them.

        ONNX has no layouts; models converted from TensorFlow begin with such a Transpose.
        """
        return TensorType(shape, layout=self.layout(name) if len(shape) == 4 else "")

    def layout(self, name: str) -> str:
        """The layout of a 4-D tensor whose axes can mean either."""
        readers = self.readers(name)
        to_nchw = [
            reader is not None and reader.operator == "Transpose" and reader.attributes.get("perm") == TO_NCHW
            for reader in readers
        ]
        return "NHWC" if to_nchw and all(to_nchw) else "NCHW"

    def readers(self, tensor: str) -> list[Node | None]:
        """The nodes that read a tensor, under any of its names, once per input; None for the graph's outputs."""
        found: list[Node | None] = []
        names = [tensor]
        for name in names:
            found += [None] * self.model.outputs.count(name)
            for node in self._reading.get(name, ()):
                if node.operator in ALIASES:
                    names.append(node.output)
                else:
                    found.append(node)
        return found

    def resolve(self, name: str) -> str:
        """The tensor that a name stands for."""
        return self.aliases.get(name, name)

    def activation(self, node: Node, position: int = 0) -> str:
        """The name of an input that must be an activation. Raises UnsupportedOperatorError, GraphError."""
        name = self.resolve(node.input(position))
        if name in self.types:
            return name
        if name in self.values:
            raise node.refused(f"input {position} ({name!r}) is a constant; an activation is needed: fold it first")
        raise self._missing(node, position)

    def image(self, node: Node) -> str:
        """The name of the first input, which must be a 4-D activation in NCHW."""
        name = self.activation(node)
        kind = self.types[name]
        if len(kind.shape) != 4 or kind.layout != "NCHW":
            raise node.refused(f"x is {name!r}, {kind}; only 4-D tensors in the order NCHW are read (2-D images)")
        return name

    def constant(self, node: Node, position: int, what: str) -> Array:
        """The values of an input that must be constant, in their own type."""
        name = node.input(position)
        if name in self.values:
            return self.values[name]
        if self.resolve(name) in self.types:
            raise node.refused(f"the {what} (input {position}, {name!r}) is computed; it must be a constant")
        raise self._missing(node, position)

    def _missing(self, node: Node, position: int) -> Exception:
        name = node.input(position)
        if not name:
            return node.refused(f"input {position} is missing")
        return GraphError(
            f"node {node.layer!r} reads {name!r}, which no input, no initializer and no node before it gives: "
            "a missing node, a cycle, or nodes out of order"
        )

    def floats(self, node: Node, position: int, what: str) -> Array:
        """A constant as float32.

        float16 and bfloat16 widen exactly; float64 is rounded to the nearest, ties to even, and must stay finite.
        """
        values = self.constant(node, position, what)
        if values.dtype.name not in FLOATS or values.size == 0:
            raise node.refused(f"the {what} is {values.dtype.name}{list(values.shape)}; float values are needed")
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = np.ascontiguousarray(values, np.float32).reshape(values.shape)
        if values.dtype.name == "float64" and np.isinf(narrow).sum() > np.isinf(values).sum():
            raise node.refused(f"the {what} holds float64 values beyond the range of float32")
        return narrow

    def scalar(self, node: Node, position: int, what: str, default: float) -> float:
        """A constant of one value, exactly float32, or the default where the input is left out."""
        if not node.input(position):
            return default
        values = self.floats(node, position, what)
        if values.size != 1:
            raise node.refused(f"the {what} has the shape {list(values.shape)}; one value is needed")
        return float(values.reshape(()))

    def integers(self, node: Node, position: int, what: str) -> tuple[int, ...]:
        """A constant vector of integers."""
        values = self.constant(node, position, what)
        if values.dtype.kind not in "iu" or values.ndim != 1:
            raise node.refused(f"the {what} is {values.dtype.name}{list(values.shape)}; a vector of integers is needed")
        return tuple(values.tolist())

    def parameter(self, node: Node, position: int, what: str) -> str:
        """A float32 constant under its own name, for a layer to read."""
        self.constants[node.input(position)] = self.floats(node, position, what)
        return node.input(position)

    def derived(self, layer: str, role: str, values: Array) -> str:
        """A new constant `<layer>_<role>`, float32, for a layer to read."""
        name = f"{layer}_{role}"
        while name in self._names:
            name += "_"
        self._names.add(name)
        self.constants[name] = np.ascontiguousarray(values, np.float32)
        return name

    def define(self, node: Node, values: Array) -> None:
        """The node's output is a constant."""
        self.values[node.output] = values

    def alias(self, node: Node) -> None:
        """The node's output is its first input, a constant or an activation, under another name."""
        if node.input(0) in self.values:
            self.define(node, self.values[node.input(0)])
        else:
            self.aliases[node.output] = self.activation(node)

    def add(self, node: Node, op: Op, *inputs: str) -> None:
        """The node becomes a layer. Raises LayerError if its inputs do not fit the op."""
        layer = Layer(node.layer, op, inputs, node.output)
        kinds = [self.types[name] if name in self.types else self._constant_type(name) for name in inputs]
        self.types[node.output] = infer(layer, kinds)
        self.layers.append(layer)

    def _constant_type(self, name: str) -> TensorType:
        return TensorType(self.constants[name].shape)

    def producer(self, tensor: str) -> Layer | None:
        """The layer that computes a tensor."""
        return next((layer for layer in reversed(self.layers) if layer.output == tensor), None)

    def extend(self, layer: Layer, node: Node, parameter: str) -> None:
        """Give a layer one more constant input, and let it compute the node's output in place of its own."""
        longer = replace(layer, inputs=(*layer.inputs, parameter), output=node.output)
        self.layers[self.layers.index(layer)] = longer
        self.types[node.output] = self.types.pop(layer.output)

    def graph(self) -> Graph:
        """What was read, checked. An output that is another name of a tensor becomes that tensor's name."""
        names: dict[str, str] = {}
        for output in self.model.outputs:
            source = self.resolve(output)
            if source != output and source not in self._sources and source not in self.model.outputs:
                names.setdefault(source, output)
        layers = [_renamed(layer, names) for layer in self.layers]
        sources = [self.resolve(output) for output in self.model.outputs]
        outputs = dict.fromkeys(names.get(source, source) for source in sources)
        return float_graph(self.model.name, layers, self._sources, outputs, self.constants)


def _renamed(layer: Layer, names: Mapping[str, str]) -> Layer:
    inputs = tuple(names.get(name, name) for name in layer.inputs)
    return replace(layer, inputs=inputs, output=names.get(layer.output, layer.output))
