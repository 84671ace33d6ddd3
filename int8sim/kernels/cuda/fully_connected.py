"""Fully connected: a 1x1 convolution over as many pixels as there are rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cuda import conv2d
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.layout import in_own_layout
from int8sim.kernels.geometry import PIXELWISE
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x [..., K] in storage form -> y [..., O] in storage form."""
    del op
    weights = {**constants, 1: constants[1][:, :, None, None]}
    types = [inputs[0].with_shape((1, 1, 1, inputs[0].shape[-1]), "NHWC"), *inputs[1:]]
    convolve, own = conv2d.prepare(PIXELWISE, types, output_type, weights, arithmetic), in_own_layout(inputs[0])

    def call(stored: DeviceArray) -> DeviceArray:
        x = own(stored)
        return convolve(x.reshape(-1, 1, 1, x.shape[-1])).reshape(*x.shape[:-1], -1)

    return call
