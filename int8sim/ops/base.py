"""What an op is: attributes, shapes, the float32 definition, its integer arithmetic by roles, the integer definition.

An op's file holds one frozen dataclass whose fields are its attributes, in this order: docstring with the formula and
its source; attributes; `infer`; `float32`; `arithmetic`; `reference`; `cases`. `float32` and `reference` are loops over
plain Python numbers: slow, and the definition that every kernel is compared with.

Every layer has one output. Dimension 0 of every activation is the batch; an op that would mix or move it is refused by
`infer`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from int8sim.model.errors import LayerError
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.profiles.base import Floats, Scheme

Operands = tuple[()] | tuple[str, tuple[int | float, ...]]
"""A role and what its step is given at one element."""


@dataclass(frozen=True, eq=False)
class Scales:
    """What an integer layer's steps are derived from.

    types: of the inputs; kind: of the output; low, high: the output codes that a fused activation leaves; bias: real,
    float32 [O], where the scheme takes it, else None.
    """

    types: tuple[TensorType, ...]
    kind: TensorType
    low: int
    high: int
    bias: Floats | None = None

    @property
    def inputs(self) -> tuple[QuantParams, ...]:
        """The inputs' quantization."""
        return tuple(kind.quantized for kind in self.types)

    @property
    def output(self) -> QuantParams:
        """The output's quantization."""
        return self.kind.quantized


@dataclass(frozen=True)
class Op(ABC):
    """The base of all ops; its fields, in a subclass, are the op's attributes.

    name: as graphs and kernel files spell it. kind: which of a profile's schemes the integer layer takes.
    weighted: inputs are (x, weight [, bias]) and the weight is a constant with output channels on axis 0.
    only_imported: its integer form comes from quantized networks; lowering leaves the op in float32.
    """

    name: ClassVar[str]
    kind: ClassVar[str] = "move"
    weighted: ClassVar[bool] = False
    only_imported: ClassVar[bool] = False

    @abstractmethod
    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        """The output's type without its quantization. Raises ShapeMismatch: all validation of the op is here."""

    @abstractmethod
    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        """The float32 result, by the scalar float functions of the spec."""

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        """The steps of an integer layer, by one of the profile's schemes; none for an op that only moves codes."""
        del scheme, scales
        return {}

    @abstractmethod
    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        """The integer result, by the steps, interpreted. inputs: codes in the tensors' own layout, batch first."""

    @classmethod
    @abstractmethod
    def cases(cls) -> Iterator[Case]:
        """Small inputs with written-out expected numbers: documentation, test and example at once."""

    def accumulator(
        self,
        types: Sequence[TensorType],  # noqa: ARG002 (only some ops accumulate)
        arithmetic: Arithmetic,  # noqa: ARG002
        inputs: Sequence[Array],  # noqa: ARG002
        index: tuple[int, ...],  # noqa: ARG002
    ) -> int | float | None:
        """What the output step is given at one output element, for the explanation of a mismatch; None if nothing."""
        return None

    def operands_at(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> Operands:
        """The role that makes one output element, and its operands; () if the element only moved.

        index: in the tensor's own layout. For the explanation of a mismatch, and whether its step is defined there.
        """
        acc = self.accumulator(types, arithmetic, inputs, index)
        return () if acc is None else ("output", (acc,))


class FloatOnly(Op):
    """An op that no engine here computes in integers: it stays in float32, and nothing calls its integer form."""

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        raise NotImplementedError


class Moving(Op):
    """An op that only moves or selects values: it does the same to codes as to real values."""

    def reference(
        self,
        types: Sequence[TensorType],
        output: TensorType,  # noqa: ARG002
        arithmetic: Arithmetic,  # noqa: ARG002
        inputs: Sequence[Array],
    ) -> Array:
        return self.float32(types, inputs)


class ShapeMismatch(Exception):  # noqa: N818 (turned into LayerError by whoever knows the layer)
    """What is wrong with an op's inputs or attributes; the graph adds the layer's name and raises LayerError."""


def named(layer: str, problem: ShapeMismatch) -> LayerError:
    """The error a user sees."""
    return LayerError(layer, str(problem))


@dataclass(frozen=True, eq=False)
class Case:
    """One example of an op. inputs: integer codes (or float32) with their types; constants: positions that are weights.

    expected: the output codes, written out by hand. arithmetic: the steps they follow from.
    """

    name: str
    op: Op
    types: tuple[TensorType, ...]
    inputs: tuple[Any, ...]
    output: TensorType
    expected: Any
    arithmetic: Arithmetic = field(default_factory=dict)
    constants: tuple[int, ...] = ()

    def arrays(self) -> list[Array]:
        """The inputs as arrays of their types."""
        return [
            np.array(values, kind.dtype).reshape(kind.shape)
            for values, kind in zip(self.inputs, self.types, strict=True)
        ]


def expect(condition: object, problem: str) -> None:
    """Raise ShapeMismatch unless the condition holds."""
    if not condition:
        raise ShapeMismatch(problem)


def codes(shape: tuple[int, ...], layout: str = "", scale: float = 1.0, zero_point: int = 0) -> TensorType:
    """An int8 tensor type, for cases."""
    return TensorType(shape, "int8", layout, QuantParams(scale, zero_point))


def channels_last(array: Array, layout: str) -> Array:
    """A 4-D array of either layout as NHWC (a view)."""
    return array.transpose(0, 2, 3, 1) if layout == "NCHW" else array


def from_channels_last(array: Array, layout: str) -> Array:
    """The inverse of `channels_last`."""
    return array.transpose(0, 3, 1, 2) if layout == "NCHW" else array


def place_of(index: tuple[int, ...], shape: tuple[int, ...], layout: str) -> tuple[int, int]:
    """Of an element of a tensor in its own layout: the index in the tensor as stored, channels last, and its size."""
    order = (0, 2, 3, 1) if layout == "NCHW" else tuple(range(len(shape)))
    place = 0
    for axis in order:
        place = place * shape[axis] + index[axis]
    return place, math.prod(shape)


def spatial(kind: TensorType, what: str = "x") -> tuple[int, int, int, int]:
    """(batch, height, width, channels) of a 4-D tensor with a layout. Raises ShapeMismatch."""
    expect(len(kind.shape) == 4 and kind.layout, f"{what} is {kind}; a 4-D tensor in NCHW or NHWC is needed")
    n, a, b, c = kind.shape
    return (n, b, c, a) if kind.layout == "NCHW" else (n, a, b, c)


def image(kind: TensorType, batch: int, height: int, width: int, channels: int) -> TensorType:
    """A float tensor type of the same layout as `kind` with other sizes."""
    nchw = kind.layout == "NCHW"
    shape = (batch, channels, height, width) if nchw else (batch, height, width, channels)
    return TensorType(shape, "float32", kind.layout)
