"""The graph while it is read: tensor types so far, layers, constants, aliases. What the readers fill in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import numpy as np

from int8sim.graph.check import float_graph, infer
from int8sim.graph.ir import Graph, Layer
from int8sim.importers.onnx_file import FLOATS, Model, Node
from int8sim.model.errors import GraphError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op
from int8sim.ops.reshape import Reshape

ALIASES = frozenset({"Identity", "Dropout", "Cast"})
"""Operators whose first output is their first input under another name."""

TO_NCHW = (0, 3, 1, 2)
LARGEST_COMPUTED, AGAIN = 1 << 28, 16
"""Values of all constants that are computed: so many, and so many times those that the file holds."""


class Network:
    """values: constants by tensor name, as the file holds them. types: activations. Dimension 0 is the batch, and is 1.

    lead: how many axes stand before the model's own axis 0: none where that is the batch; one where operators move it,
    and the batch is an axis that the model knows nothing of. constants: float32 values that layers read. aliases: name
    -> the activation that it is another name of. folding: operations that constants took so far.

    Windows slide over 4-D tensors in NCHW. A tensor that is none has an image form, `<name>_image`, of height 1 where
    the model's has three axes; what is computed from image forms alone stays one until something else reads it.
    """

    quantized: ClassVar[bool] = False
    """Whether an engine's arithmetic is asked for, where it says which that is of real values too."""

    def __init__(self, model: Model, lead: int = 0) -> None:
        self.model, self.lead = model, lead
        self.folding = 0
        self.values: dict[str, Array] = dict(model.values)
        self.room = LARGEST_COMPUTED + AGAIN * sum(values.size for values in model.values.values())
        self.aliases: dict[str, str] = {}
        self.constants: dict[str, Array] = {}
        self.layers: list[Layer] = []
        self._reading: dict[str, list[Node]] = {}
        for node in model.nodes:
            for name in node.inputs:
                self._reading.setdefault(name, []).append(node)
        self._names = {*model.inputs, *model.values}
        self._layer_names = {node.layer for node in model.nodes}
        for node in model.nodes:
            self._claim(node)
        self.types = {name: self.typed((1, *shape[1 - lead :]), name) for name, shape in model.inputs.items()}
        self._images: dict[str, str] = {}
        self._waiting: set[str] = set()
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
        return TensorType(shape, layout=self.layout(name) if len(shape) == 4 and not self.lead else "")

    def shape(self, name: str) -> tuple[int, ...]:
        """An activation's shape as the model knows it."""
        return self.types[name].shape[self.lead :]

    def rank(self, node: Node) -> int:
        """How many axes the first input has, an activation, as the model knows it."""
        name = self.resolve(node.input(0))
        return len(self.shape(name if name in self.types else self.activation(node)))

    def declared(self, name: str) -> tuple[int, ...]:
        """An activation's shape with the batch that the model declares, 1 if it leaves it open."""
        shape = self.shape(name)
        return shape if self.lead else (self.model.batch, *shape[1:])

    def axis(self, node: Node, axis: int, rank: int) -> int:
        """An axis of the model's, from either end, as the graph counts it: not the batch. rank: the model's."""
        if not -rank <= axis < rank:
            raise node.misfit(f"axis is {axis}; the tensor has {rank} axes")
        place = axis % rank + self.lead
        if place == 0:
            raise node.moves_batch(f"axis {axis} is the batch")
        return place

    def layout(self, name: str) -> str:
        """The layout of a 4-D tensor whose axes can mean either."""
        readers = self.readers(name)
        to_nchw = [reader is not None and _takes_channels_last(reader) for reader in readers]
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
        if name in self._waiting:
            self._leave_image(name)
        if name in self.types:
            return name
        if name in self.values:
            raise node.refused(f"input {position} ({name!r}) is a constant; an activation is needed: fold it first")
        raise self._missing(node, position)

    def _leave_image(self, name: str) -> None:
        self._waiting.remove(name)
        kind = self.typed(self.types[name].shape, name)
        layer = Layer(self.fresh(f"{name}_layer"), Reshape(kind.shape[1:], kind.layout), (self._images[name],), name)
        self.types[name] = kind
        self.layers.append(layer)

    def image(self, node: Node) -> str:
        """The image form of the first input, or itself where it is 4-D in NCHW."""
        name = self.resolve(node.input(0))
        if name in self._images:
            return self._images[name]
        kind = self.types[self.activation(node)]
        if kind.layout == "NCHW":
            return name
        self._images[name] = self.fresh(f"{name}_image")
        op = Reshape(self._image_sizes(node, name), "NCHW")
        self.write(Layer(self._images[name], op, (name,), self._images[name]))
        return self._images[name]

    def _image_sizes(self, node: Node, name: str) -> tuple[int, ...]:
        shape = self.shape(name)
        if len(shape) not in {3, 4} or (self.lead and shape[0] != 1):
            spelled = f"{name!r}, {list(shape)}"
            raise node.refused(f"x is {spelled}; only [N, C, W] and [N, C, H, W] are read (N 1 where axis 0 moves)")
        return (*shape[1:-1], 1, shape[2]) if len(shape) == 3 else shape[1:]

    def spatial(self, node: Node) -> int:
        """How many axes of the first input's are no batch and no channels: 1 or 2."""
        self.image(node)
        return self.rank(node) - 2

    def add_image(self, node: Node, op: Op, *constants: str) -> None:
        """The node becomes a layer of the first input's image form."""
        rank, x = self.rank(node), self.image(node)
        if rank == 4 and not self.lead:
            self.add(node, op, x, *constants)
            return
        made = self.fresh(f"{node.output}_image")
        self.write(Layer(node.layer, op, (x, *constants), made))
        _, channels, height, width = self.types[made].shape
        sample = (channels, width) if rank == 3 else (channels, height, width)
        self.types[node.output] = TensorType((1, *[1] * self.lead, *sample))
        self._images[node.output] = made
        self._waiting.add(node.output)

    def add_each(self, node: Node, op: Op) -> None:
        """The node becomes a layer that treats every value of the first input alone."""
        if self.resolve(node.input(0)) in self._waiting:
            self.add_image(node, op)
        else:
            self.add(node, op, self.activation(node))

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

    def numbers(self, node: Node, position: int, what: str) -> Array:
        """A constant as float32, of integers too."""
        values = self.constant(node, position, what)
        if values.dtype.kind in "iu" and values.size:
            return values.astype(np.float32)
        return self.floats(node, position, what)

    def scalar(self, node: Node, position: int, what: str, default: float) -> float:
        """A constant of one value, exactly float32, or the default where the input is left out."""
        if not node.input(position):
            return default
        values = self.floats(node, position, what)
        if values.size != 1:
            raise node.refused(f"the {what} has the shape {list(values.shape)}; one value is needed")
        return float(values.reshape(()))

    def reals(self, node: Node, position: int, what: str) -> tuple[float, ...]:
        """A constant vector of floats, of float32."""
        values = self.floats(node, position, what)
        if values.ndim != 1:
            raise node.refused(f"the {what} has the shape {list(values.shape)}; a vector is needed")
        return tuple(values.tolist())

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
        name = self.fresh(f"{layer}_{role}")
        self.constants[name] = np.asarray(values, np.float32, order="C")
        return name

    def fresh(self, name: str) -> str:
        """A name that no tensor and no layer has."""
        while name in self._names or name in self._layer_names:
            name += "_"
        self._names.add(name)
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
        self.write(Layer(node.layer, op, inputs, node.output))

    def write(self, layer: Layer) -> str:
        """A layer, checked. Returns its output."""
        kinds = [self.types[name] if name in self.types else self._constant_type(name) for name in layer.inputs]
        self.types[layer.output] = infer(layer, kinds)
        self.layers.append(layer)
        return layer.output

    def reshaped(self, node: Node, name: str, shape: tuple[int, ...], output: str = "") -> str:
        """A tensor in another shape of the model's, as a layer of the node's. output: "" for a tensor of its own."""
        sample = shape[1 - self.lead :]
        target = output or self.fresh(f"{node.layer}_{name}")
        op = Reshape(sample, self.typed((1, *sample), target).layout)
        return self.write(Layer(node.layer if output else target, op, (name,), target))

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

    def ends(self) -> tuple[list[Layer], list[str], dict[str, str]]:
        """Layers and outputs, and tensors by new names: an output that is another name of a tensor becomes its name."""
        for name in dict.fromkeys(map(self.resolve, self.model.outputs)):
            if name in self._waiting:
                self._leave_image(name)
        names: dict[str, str] = {}
        for output in self.model.outputs:
            source = self.resolve(output)
            if source != output and source not in self._sources and source not in self.model.outputs:
                names.setdefault(source, output)
        layers = [_renamed(layer, names) for layer in self.layers]
        sources = [self.resolve(output) for output in self.model.outputs]
        return layers, list(dict.fromkeys(names.get(source, source) for source in sources)), names

    def graph(self) -> Graph:
        """What was read, checked."""
        layers, outputs, _ = self.ends()
        return float_graph(self.model.name, layers, self._sources, outputs, self.constants)


def _takes_channels_last(node: Node) -> bool:
    if node.operator == "Transpose":
        return node.attributes.get("perm") == TO_NCHW
    return node.attributes.get("channels_last") == 1 or node.operator.endswith("NhwcMaxPool")


def _renamed(layer: Layer, names: Mapping[str, str]) -> Layer:
    inputs = tuple(names.get(name, name) for name in layer.inputs)
    return replace(layer, inputs=inputs, output=names.get(layer.output, layer.output))
