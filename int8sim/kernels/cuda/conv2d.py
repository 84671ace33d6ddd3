"""2-D convolution: which kernel a layer takes, by its types, its shape and its profile's accumulator.

Integer, 8 bits: x is stored as uint8 (code + flip), so the sum over stored values starts from a constant per channel,
bias - (flip + zero point) * sum(w), and padding is the stored zero point. The accumulator is 32 bits and wraps, as the
definition's does; where the profile accumulates otherwise and the layer's weights do not exclude that it matters, and
for 16 bits, the true operands go through ordered.py. Float32 is in float_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.bounds import EXACT, accumulates_in_sequence
from int8sim.kernels.compile import bind
from int8sim.kernels.cuda.depthwise import prepare_depthwise
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.float_conv2d import prepare_float
from int8sim.kernels.cuda.ordered import prepare_ordered
from int8sim.kernels.cuda.products import Dp4a, Mma, takes_mma
from int8sim.kernels.cuda.windows import folded, lines, taps, window
from int8sim.kernels.geometry import Convolution, Geometry, geometry, output_shape
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.weights import centred
from int8sim.model.accumulation import accumulation, is_wide
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType


def prepare(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form. Also for the ops that are convolutions in disguise."""
    weights = constants[1]
    none = np.zeros(weights.shape[0], np.int32) if arithmetic else np.full(weights.shape[0], -0.0, np.float32)
    bias = constants.get(2, none)  # x + -0.0 is x, also where x is -0.0
    shape = geometry(op, inputs[0], weights)
    if arithmetic is None:
        return prepare_float(op, shape, weights, bias)
    step = accumulation(arithmetic) if accumulates_in_sequence(inputs, constants, arithmetic) else None
    own, finish = centred(weights, inputs[1]), arithmetic["output"]
    if step is not None or is_wide(inputs[0]):
        return prepare_ordered(op, shape, inputs[0], output_type, own, bias, step or EXACT, finish)
    if shape.channels == 1 and 1 < len(weights) == shape.groups:
        return prepare_depthwise(op, shape, inputs[0], output_type, own, bias, finish)
    return prepare_tiles(op, shape, inputs[0], output_type, own, bias, finish)


def prepare_tiles(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form. weights: minus their zero point, int64 [O, C / group, rows, columns]."""
    bytewise, copies = lines(weights)
    product = Mma(bytewise, shape, step) if takes_mma(shape) else Dp4a(bytewise, shape, step)
    start, numbers, outputs = place(folded(weights, bias, x)), parameters(bind(step)[1]), len(weights)
    per_input: dict[tuple[int, ...], DeviceArray] = {}

    def call(stored: DeviceArray) -> DeviceArray:
        size = stored.shape[1:]
        if size not in per_input:
            per_input[size] = place(taps(shape, stored.shape, copies, product.grain))
        out = empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        g = tuple(window(op, shape, stored.shape, product.grain))
        product.launch(stored.reshape(-1), per_input[size], start, numbers, out.reshape(-1, outputs), g, flip(y))
        return out

    return call
