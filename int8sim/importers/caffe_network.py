"""The graph while a Caffe network is read: blobs as tensors, types, layers, constants. What the readers fill in."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace

import numpy as np

from int8sim.graph.check import float_graph, infer
from int8sim.graph.ir import Graph, Layer
from int8sim.importers.caffe_names import Names
from int8sim.importers.caffe_net import CaffeLayer, Net, input_shapes
from int8sim.importers.caffe_wire import Blob
from int8sim.model.errors import LayerError, NotAModelError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op


class Network:
    """names: TensorRT's. weights: blobs by layer name; path: the file they come from.

    blobs: blob name -> the tensor that it is now. types: of activations, dimension 0 is the batch and is 1. batch: the
    number that the file declares as dimension 0 of its inputs.
    """

    def __init__(self, net: Net, names: Names, weights: Mapping[str, tuple[Blob, ...]], path: str) -> None:
        self.net, self.names, self.weights, self.path = net, names, weights, path
        self.blobs: dict[str, str] = {}
        self.types: dict[str, TensorType] = {}
        self.inputs: dict[str, TensorType] = {}
        self.constants: dict[str, Array] = {}
        self.layers: list[Layer] = []
        self.batch = 1
        self._taken = set(names.rows)
        self._read: set[str] = set()

    def take_inputs(self, layer: CaffeLayer) -> None:
        """The tops of an Input layer, 4-D ones in NCHW."""
        for blob, tensor, shape in zip(layer.tops, self.names.made[layer], input_shapes(layer), strict=True):
            if len(shape) < 2:
                raise layer.misfit(f"input {blob!r} has the shape {shape}; the batch and one dimension more are needed")
            if self.inputs and shape[0] != self.batch:
                raise layer.misfit(f"input {blob!r} has a batch of {shape[0]}, another one of {self.batch}")
            self.blobs[blob], self.batch = tensor, shape[0]
            self.types[tensor] = TensorType((1, *shape[1:]), layout="NCHW" if len(shape) == 4 else "")
            self.inputs[tensor] = self.types[tensor]

    def bottom(self, layer: CaffeLayer) -> str:
        """The tensor that a layer of one bottom and one top reads."""
        if len(layer.bottoms) != 1 or len(layer.tops) != 1:
            counts = f"{len(layer.bottoms)} bottoms and {len(layer.tops)} tops"
            raise layer.refused(f"it has {counts}; only the form with one each is read")
        return self.blobs[layer.bottoms[0]]

    def bottoms(self, layer: CaffeLayer) -> list[str]:
        """The tensors that a layer of any number of bottoms and one top reads."""
        if len(layer.tops) != 1:
            raise layer.refused(f"it has {len(layer.tops)} tops; one is read")
        return [self.blobs[blob] for blob in layer.bottoms]

    def image(self, layer: CaffeLayer) -> str:
        """The one bottom's tensor, which must be 4-D with its channels on axis 1."""
        x = self.bottom(layer)
        if self.types[x].layout != "NCHW":
            raise layer.refused(f"its bottom is {self.types[x]}; only 4-D tensors in the order NCHW are read")
        return x

    def channelled(self, layer: CaffeLayer) -> tuple[str, int]:
        """The one bottom's tensor, an image or rows, and how many channels it has on axis 1."""
        x = self.bottom(layer)
        if len(self.types[x].shape) != 2:
            x = self.image(layer)
        return x, self.types[x].shape[1]

    def axis(self, layer: CaffeLayer, axis: int, rank: int) -> int:
        """An axis that may count from the end, counted from the front."""
        if not -rank <= axis < rank:
            raise layer.misfit(f"axis is {axis}; its bottom has {rank} axes")
        return axis % rank

    def parameters(self, layer: CaffeLayer, *shapes: tuple[int, ...]) -> list[Array]:
        """The layer's weights, float32 in these shapes. Raises NotAModelError for other counts or sizes.

        Dimensions of 1, of which the old format has more, do not count.
        """
        blobs = self.weights.get(layer.name, ())
        if len(blobs) != len(shapes):
            raise self._weights_problem(layer, f"has {len(blobs)} blobs, {len(shapes)} are needed")
        for place, (blob, shape) in enumerate(zip(blobs, shapes, strict=True)):
            if [size for size in blob.shape if size != 1] != [size for size in shape if size != 1]:
                found = f"has the shape {list(blob.shape)} in blob {place}, {list(shape)} is needed"
                raise self._weights_problem(layer, found)
        self._read.add(layer.name)
        return [blob.values.reshape(shape) for blob, shape in zip(blobs, shapes, strict=True)]

    def _weights_problem(self, layer: CaffeLayer, found: str) -> NotAModelError:
        hint = "is it complete, and of this network?"
        return NotAModelError(self.path, f"layer {layer.name!r} ({layer.type}, {layer.place}) {found}; {hint}")

    def constant(self, layer: CaffeLayer, role: str, values: Array) -> str:
        """A new constant `<layer>_<role>`, float32."""
        name = self._free(f"{layer.name}_{role}")
        self.constants[name] = np.ascontiguousarray(values, np.float32)
        return name

    def listed_constant(self, layer: CaffeLayer, values: Array) -> str:
        """A constant that TensorRT makes a tensor of, under its name: the first of the layer's."""
        name = self.names.made[layer][0]
        self.constants[name] = values
        return name

    def _free(self, name: str, others: Container[str] = ()) -> str:
        """A tensor's name: this one, with underscores behind it where it, or one of the others, is taken."""
        while name in self._taken or name in others:
            name += "_"
        self._taken.add(name)
        return name

    def add(self, layer: CaffeLayer, op: Op, *inputs: str) -> None:
        """The layer becomes a layer of the graph, its output the last tensor that TensorRT makes of it."""
        output = self.names.made[layer][-1]
        self._append(layer, Layer(layer.name, op, inputs, output))
        self.blobs[layer.tops[0]] = output

    def insert(self, layer: CaffeLayer, op: Op, source: str, suffix: str = "") -> str:
        """A layer that TensorRT does not make; its output, which is returned, has no row in a table.

        suffix: of its name, for a layer in front of this one; none for what stands in this layer's own place.
        """
        names = {each.name for each in self.net.layers}
        output = self._free(layer.name + suffix, names) if suffix else self._free(layer.tops[0])
        self._append(layer, Layer(output if suffix else layer.name, op, (source,), output))
        return output

    def _append(self, layer: CaffeLayer, new: Layer) -> None:
        kinds = [self.types.get(name) or TensorType(self.constants[name].shape) for name in new.inputs]
        try:
            self.types[new.output] = infer(new, kinds)
        except LayerError as problem:
            raise layer.misfit(problem.reason) from None
        self.layers.append(new)

    def graph(self) -> Graph:
        """What was read, checked. Its outputs are the tensors that no layer reads. Raises NotAModelError if none is."""
        read = {name for layer in self.layers for name in layer.inputs}
        outputs = [layer.output for layer in self.layers if layer.output not in read]
        if not outputs:
            raise NotAModelError(self.net.path, "none of its layers computes anything")
        graph = float_graph(self.net.name, self.layers, self.inputs, outputs, self.constants, self.names.rows)
        return replace(graph, notes=tuple(self._notes()))

    def _notes(self) -> Iterable[str]:
        """What of the two files is not in the graph."""
        for layer in self.net.skipped:
            yield f"{layer.name}: left out, as TensorRT does: its phase is TEST"
        for name in self.weights:
            if name not in self._read:
                yield f"{name}: the .caffemodel has blobs for it, the network no layer of that name with weights"
