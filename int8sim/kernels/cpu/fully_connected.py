"""Fully connected: a 1x1 convolution over as many pixels as there are rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu import conv2d
from int8sim.kernels.geometry import PIXELWISE
from int8sim.kernels.storage import own_layout
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


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
    types = [inputs[0].with_shape((1, 1, 1, inputs[0].shape[-1]), "NHWC"), *inputs[1:]]
    convolve = conv2d.prepare(PIXELWISE, types, output_type, weights, arithmetic)

    def call(stored: Array) -> Array:
        x = own_layout(stored, inputs[0])
        return convolve(x.reshape(-1, 1, 1, x.shape[-1])).reshape(*x.shape[:-1], -1)

    return KernelsOnly(call) if isinstance(convolve, KernelsOnly) and not inputs[0].layout else call
