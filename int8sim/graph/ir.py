"""A network as data: layers in order of execution, tensor types, constants; float and lowered graphs alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op


@dataclass(frozen=True, eq=False)
class Layer:
    """One op between named tensors.

    inputs: activations and constants, in the op's order. arithmetic: None in a float layer; in an integer layer the
    step of each role (empty for an op that only moves codes). covers: the float tensors whose computation this layer
    holds (a convolution with its batch normalization and ReLU covers three), the last one comparable with `output`.
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    output: str
    arithmetic: Arithmetic | None = None
    covers: tuple[str, ...] = ()

    @property
    def stands_for(self) -> str:
        """The float tensor that `output` is comparable with."""
        return self.covers[-1] if self.covers else self.output


@dataclass(frozen=True, eq=False)
class State:
    """What a streaming network keeps between steps: the graph output that is the graph input of the next step.

    initial: the input of the first one, [1, ...], of the input's dtype.
    """

    input: str
    output: str
    initial: Array


@dataclass(frozen=True, eq=False)
class Graph:
    """layers: in order of execution. tensors: the type of every tensor, constants included. constants: their values.

    inputs, outputs: tensor names. profile: by which a lowered graph was lowered, "" for a float graph. listed: the
    tensors that a calibration table of this network has rows for, in its order, where that is not every activation
    (a Caffe network as TensorRT names it: no row for a Flatten, one for PReLU's constant). states: of a streaming
    network, among the inputs and outputs, the inputs behind all others.
    """

    layers: tuple[Layer, ...]
    tensors: Mapping[str, TensorType]
    constants: Mapping[str, Array]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    name: str = "graph"
    profile: str = ""
    notes: tuple[str, ...] = field(default=())
    listed: tuple[str, ...] = field(default=())
    states: tuple[State, ...] = field(default=())

    @property
    def data_inputs(self) -> tuple[str, ...]:
        """The inputs that are no states."""
        return self.inputs[: len(self.inputs) - len(self.states)]

    def types(self, layer: Layer) -> tuple[TensorType, ...]:
        """The types of a layer's inputs."""
        return tuple(self.tensors[name] for name in layer.inputs)

    def activations(self) -> tuple[str, ...]:
        """Graph inputs and layer outputs, in topological order."""
        return (*self.inputs, *(layer.output for layer in self.layers))

    def table_rows(self) -> tuple[str, ...]:
        """The tensors that a calibration table has rows for, in its order."""
        return self.listed or self.activations()

    def producer(self, tensor: str) -> Layer | None:
        """The layer that computes a tensor; None for inputs and constants."""
        return next((layer for layer in self.layers if layer.output == tensor), None)

    def consumers(self, tensor: str) -> list[Layer]:
        """The layers that read a tensor."""
        return [layer for layer in self.layers if tensor in layer.inputs]
