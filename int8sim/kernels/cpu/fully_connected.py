"""Fully connected: a 1x1 convolution over as many pixels as there are rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from int8sim.kernels.cpu import conv2d
from int8sim.kernels.storage import own_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


@dataclass(frozen=True)
class _Pixelwise:
    """The attributes of a 1x1 convolution."""

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x [..., K] in storage form -> y [..., O] in storage form."""
    del op
    weights = {**constants, 1: constants[1][:, :, None, None]}
    convolve = conv2d.prepare(_Pixelwise(), inputs, output_type, weights, arithmetic)

    def call(stored: Array) -> Array:
        x = own_layout(stored, inputs[0])
        return convolve(x.reshape(-1, 1, 1, x.shape[-1])).reshape(*x.shape[:-1], -1)

    return call
