"""A graph's tensors in a .tflite file: names, the order of their axes, and the writing of one layer as a Job.

TensorFlow Lite knows one layout, channels last. An NCHW tensor is stored NHWC under its own name, everything else as it
is: `stored_axes` says which, so that stored.transpose(argsort(stored_axes(kind))) is the graph's tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from int8sim.exporters.tflite_flatbuffer import Flatbuffer
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import NotExportableError
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams, TensorType

TARGET = "TensorFlow Lite"


def stored_axes(kind: TensorType) -> tuple[int, ...]:
    """Which of the graph's axes each axis of the stored tensor is."""
    return (0, 2, 3, 1) if kind.layout == "NCHW" else tuple(range(len(kind.shape)))


def stored_shape(kind: TensorType) -> tuple[int, ...]:
    """The shape as stored."""
    return tuple(kind.shape[axis] for axis in stored_axes(kind))


class TfliteModel:
    """The file as it grows.

    index: the tensor index of every activation and of the constants that are written as they are; rearranged: the names
    of those that are not (convolution weights, which change their axes); taken: every name in use.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.file = Flatbuffer()
        self.taken = set(graph.tensors)
        self.rearranged: set[str] = set()
        self.index = {name: self._activation(name) for name in graph.activations()}

    def _activation(self, name: str) -> int:
        kind = self.graph.tensors[name]
        return self.file.tensor(name, stored_shape(kind), kind.dtype, kind.quant)

    def fresh(self, name: str) -> str:
        """The name proposed, or that with underscores where it is taken."""
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    def auxiliary(self, name: str, shape: Sequence[int], kind: TensorType) -> int:
        """A tensor that the file needs besides the graph's: of the kind's dtype and quantization. Its index."""
        return self.file.tensor(self.fresh(name), shape, kind.dtype, kind.quant)

    def integers(self, name: str, values: Sequence[Any]) -> int:
        """An int32 constant: a shape, axes, paddings. Its index."""
        return self.file.constant(self.fresh(name), np.array(values, np.int32))

    def constant(self, name: str) -> int:
        """A constant of the graph, as it is. Its index."""
        if name not in self.index:
            self.index[name] = self.file.constant(name, self.graph.constants[name], self.graph.tensors[name].quant)
        return self.index[name]

    def transpose(self, source: int, order: Sequence[int], target: int, name: str) -> int:
        """stored axis i of the target is stored axis order[i] of the source."""
        return self.file.operator("TRANSPOSE", [source, self.integers(f"{name}_order", order)], target)

    def finish(self) -> bytes:
        """The whole file; its description lists the lowering's notes."""
        graph = self.graph
        inputs, outputs = ([self.index[name] for name in names] for names in (graph.inputs, graph.outputs))
        return self.file.finish(graph.name, "\n".join(["int8sim", *graph.notes]), inputs, outputs)


@dataclass(frozen=True)
class Job:
    """One layer to write. target: the tensor that the operator writes; activation: the one to fuse, or NONE."""

    model: TfliteModel
    layer: Layer
    target: int
    activation: str = "NONE"

    @property
    def op(self) -> Any:
        """The op, for its own attributes."""
        return self.layer.op

    @property
    def file(self) -> Flatbuffer:
        """The flatbuffer."""
        return self.model.file

    @property
    def output(self) -> TensorType:
        """The type of the output."""
        return self.model.graph.tensors[self.layer.output]

    def to(self, target: int) -> Job:
        """The same job, writing another tensor."""
        return replace(self, target=target)

    def kind(self, position: int = 0) -> TensorType:
        """The type of an input."""
        return self.model.graph.tensors[self.layer.inputs[position]]

    def source(self, position: int = 0) -> int:
        """The index of an input, as stored."""
        name = self.layer.inputs[position]
        return self.model.constant(name) if name in self.model.graph.constants else self.model.index[name]

    def values(self, position: int) -> Array:
        """The content of a constant input."""
        return self.model.graph.constants[self.layer.inputs[position]]

    def constant(self, position: int, values: Array, axis: int) -> int:
        """A constant input rearranged for this operator, its channels on `axis`; the index."""
        name, quant = self.layer.inputs[position], self.kind(position).quant
        moved = quant and QuantParams(quant.scale, quant.zero_point, axis, quant.dtype, quant.narrow)
        own = name if name not in self.model.rearranged else self.model.fresh(f"{name}_{self.layer.output}")
        self.model.rearranged.add(name)
        return self.file.constant(own, values, moved)

    def bias(self) -> list[int]:
        """The bias's index where the layer has one."""
        return [self.source(2)] if len(self.layer.inputs) > 2 else []

    def plain(self, position: int = 0) -> int:
        """An input with its axes in the graph's order: a transposed copy where it is stored otherwise."""
        kind, name = self.kind(position), self.layer.inputs[position]
        if kind.layout != "NCHW":
            return self.source(position)
        copy = self.model.auxiliary(f"{name}_nchw", kind.shape, kind)
        return self.model.transpose(self.source(position), np.argsort(stored_axes(kind)).tolist(), copy, f"{name}_nchw")

    def write_plain(self, operator: Callable[[int], None]) -> None:
        """Let an operator write the output in the graph's order, and store it as it is to be stored."""
        if self.output.layout != "NCHW":
            operator(self.target)
            return
        name = f"{self.layer.output}_nchw"
        inner = self.model.auxiliary(name, self.output.shape, self.output)
        operator(inner)
        self.model.transpose(inner, stored_axes(self.output), self.target, name)

    def operator(self, kind: str, inputs: Sequence[int] | None = None, **options: Any) -> None:
        """The operator from these inputs, or from the layer's own, to the target."""
        given = [self.source(i) for i in range(len(self.layer.inputs))] if inputs is None else inputs
        self.file.operator(kind, given, self.target, **options)

    def fused(self) -> dict[str, Any]:
        """The option that fuses the activation."""
        return {"fusedActivationFunction": self.file.activation(self.activation)}

    def refuse(self, reason: str) -> NotExportableError:
        """The error that this layer cannot be written."""
        return NotExportableError(self.layer.name, TARGET, reason)
