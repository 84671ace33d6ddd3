"""Integer convolutions by every set of tiles, against sums over the window's cells in int64, modulo 2**32, exactly."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.kernels.cpu import integer_conv2d
from int8sim.kernels.cpu.amx_conv2d import AmxConvolution
from int8sim.kernels.cpu.conv2d import prepare
from int8sim.kernels.cpu.convolve import PIXELS
from int8sim.kernels.cpu.tile import DOT_PRODUCTS
from int8sim.kernels.cpu.tiled_conv2d import TiledConvolution
from int8sim.kernels.geometry import PIXELWISE, geometry
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.window import Window

every_form = pytest.mark.parametrize("form", DOT_PRODUCTS.available())


def keep(acc: int, offset: int) -> int:
    """The accumulator, and something of its channel's."""
    return acc + offset


def definition(op, x, zero, weights, bias):
    """x [N, H, W, C] less its zero point, int64 -> int32 [N, .., .., O]; padding is nothing."""
    outputs, per_group, *kernel = weights.shape
    window = Window(tuple(kernel), op.strides, op.dilations, op.pads)
    size = window.output_size(*x.shape[1:3])
    out = np.zeros((len(x), *size, outputs), np.int64) + bias
    channel = (np.arange(outputs) // (outputs // op.group) * per_group)[:, None] + np.arange(per_group)
    real = x.astype(np.int64) - zero
    for oy, ox in np.ndindex(*size):
        for u, v, row, column in window.cells(oy, ox, *x.shape[1:3]):
            out[:, oy, ox] += (real[:, row, column, channel] * weights[:, :, u, v]).sum(-1)
    return ((out + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)


def check(form, op, x, zero, weights, bias, weight_zero=0):
    """The number of outputs."""
    own = weights.astype(np.int64) - weight_zero
    expected = definition(op, x, zero, own, bias)
    kinds = [TensorType((1, *x.shape[1:]), x.dtype.name, "NHWC", QuantParams(1.0, zero, dtype=x.dtype.name))]
    kinds += [
        TensorType(weights.shape, weights.dtype.name, "", QuantParams(1.0, weight_zero, dtype=weights.dtype.name))
    ]
    y, offset = TensorType(expected.shape, "int32", "NHWC"), np.arange(len(weights)) % 3 - 1
    with DOT_PRODUCTS.forced(form), patch.object(integer_conv2d, "LEAST_DEPTH", 0):
        call = prepare(op, kinds, y, {1: weights, 2: bias}, {"output": Step(keep, {"offset": offset})})
    found = from_storage(call(to_storage(x, kinds[0])), y)
    assert found.dtype == np.int32
    wrong = np.flatnonzero(found != (expected.astype(np.int64) + offset).astype(np.int32))
    assert wrong.size == 0, f"{wrong.size} of {found.size} differ, the first at {wrong[0]}"
    return found.size


def codes(rng, shape, dtype="uint8"):
    """Random ones, many of them at the ends."""
    info = np.iinfo(dtype)
    drawn = rng.integers(info.min, info.max + 1, shape)
    return np.where(rng.random(shape) < 0.2, rng.choice([info.min, info.max], shape), drawn).astype(dtype)


def biases(rng, count):
    return rng.integers(-(2**31), 2**31, count)


SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@every_form
@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    size=SIZES,
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=PAIRS,
    dilations=PAIRS,
    pads=st.tuples(*[st.integers(0, 5)] * 4),
    group=st.integers(1, 4),
    channels=st.integers(1, 9),
    outputs=st.integers(1, 40),
    batch=st.integers(1, 3),
    dtype=st.sampled_from(["int8", "uint8"]),
    zero=st.integers(0, 127),
)
def test_any_convolution(
    form, seed, size, kernel, strides, dilations, pads, group, channels, outputs, batch, dtype, zero
):
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    size = tuple(max(s, span - pads[i] - pads[i + 2]) for i, (s, span) in enumerate(zip(size, spans, strict=True)))
    rng = np.random.default_rng(seed)
    x = codes(rng, (batch, *size, group * channels), dtype)
    weights = codes(rng, (group * outputs, channels, *kernel), "int8")
    check(form, Conv2d(strides, pads, dilations, group), x, zero, weights, biases(rng, group * outputs))


@every_form
@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48, 49, 63, 64, 65, 96, 100, 128, 144])
def test_every_width(form, outputs, compared):
    """Whole and partial panels, by every tile."""
    rng = np.random.default_rng(outputs)
    x, weights = codes(rng, (2, 5, 4, 3)), codes(rng, (outputs, 3, 3, 3), "int8")
    compared(check(form, Conv2d(pads=(1, 1, 1, 1)), x, 3, weights, biases(rng, outputs)), least=25 * outputs)


@every_form
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 8, 12, 31, 64, 144])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (7, 7), (1, 5), (10, 4)])
def test_every_depth(form, channels, kernel, compared):
    """Runs that are no multiple of four bytes, and ones that are; the last one of an image ends at its end."""
    rng = np.random.default_rng(channels)
    x, weights = codes(rng, (2, 11, 9, channels), "int8"), codes(rng, (5, channels, *kernel), "int8")
    op = Conv2d((2, 1), (kernel[0] // 2, kernel[1] // 2, kernel[0] // 3, kernel[1] // 2))
    compared(check(form, op, x, -7, weights, biases(rng, 5)), least=300)


@every_form
@pytest.mark.parametrize("zero_point", [0, 1, 127, 128, 200, 255])
@pytest.mark.parametrize("channels", [3, 4])
def test_weights_less_their_zero_point_leave_int8(form, zero_point, channels, compared):
    """uint8 weights, 0 .. 255: every window's bytes meet a second and a third set of weights."""
    rng = np.random.default_rng(zero_point)
    x, weights = codes(rng, (2, 6, 5, channels)), codes(rng, (9, channels, 3, 2))
    compared(check(form, Conv2d(pads=(1, 1, 1, 0)), x, 128, weights, biases(rng, 9), zero_point), least=500)


@every_form
@pytest.mark.parametrize("channels", [1, 3, 15, 16, 17, 32, 47, 48, 49, 63, 64, 65, 96, 130, 144, 256])
@pytest.mark.parametrize("kernel", [(3, 3), (1, 1), (5, 5), (2, 3)])
def test_depthwise(form, channels, kernel, compared):
    """Blocks of 64, 32 and 16 channels; the last one reads beyond the last channel: the next pixel's, or nothing."""
    rng = np.random.default_rng(channels)
    x, weights = codes(rng, (3, 8, 7, channels)), codes(rng, (channels, 1, *kernel), "int8")
    op = Conv2d((1, 2), (1, 1, 1, 1), (1, 1), channels)
    compared(check(form, op, x, 100, weights, biases(rng, channels)), least=48 * channels)


@every_form
@pytest.mark.parametrize("zero_point", [0, 128, 255])
def test_depthwise_weights_less_their_zero_point_leave_int8(form, zero_point, compared):
    rng = np.random.default_rng(zero_point)
    x, weights = codes(rng, (2, 5, 5, 20)), codes(rng, (20, 1, 3, 3))
    op = Conv2d((1, 1), (1, 1, 1, 1), (1, 1), 20)
    compared(check(form, op, x, 7, weights, biases(rng, 20), zero_point), least=1000)


@every_form
def test_depthwise_windows_of_nothing_but_padding(form, compared):
    rng = np.random.default_rng(1)
    x, weights = codes(rng, (1, 2, 2, 21)), codes(rng, (21, 1, 3, 3), "int8")
    op = Conv2d((5, 5), (4, 4, 4, 4), (1, 1), 21)
    compared(check(form, op, x, 255, weights, biases(rng, 21)), least=84)


@every_form
@pytest.mark.parametrize(
    ("batch", "size"), [(1, 15), (5, 9), (PIXELS - 1, 1), (PIXELS, 1), (2 * PIXELS + 1, 1), (50, 3)]
)
def test_many_pixels(form, batch, size, compared):
    """Regions of more pixels than one round takes, of one image and across images."""
    rng = np.random.default_rng(batch)
    x, weights = codes(rng, (batch, size, size, 2)), codes(rng, (9, 2, 2, 2), "int8")
    compared(check(form, Conv2d(pads=(0, 1, 1, 0)), x, 9, weights, biases(rng, 9)), least=9 * PIXELS // 2)


@every_form
def test_windows_of_nothing_but_padding(form, compared):
    rng = np.random.default_rng(1)
    x, weights = codes(rng, (1, 2, 2, 4)), codes(rng, (6, 4, 3, 3), "int8")
    compared(check(form, Conv2d((5, 5), (4, 4, 4, 4)), x, 255, weights, biases(rng, 6)), least=24)


@pytest.mark.skipif("amx_int8" not in DOT_PRODUCTS.available(), reason="this machine has no AMX, or does not permit it")
@pytest.mark.parametrize(("channels", "kind"), [(383, TiledConvolution), (384, AmxConvolution)])
def test_amx_takes_deep_windows(channels, kind):
    x = TensorType((1, 2, 2, channels), "uint8", "NHWC", QuantParams(1.0, 0, dtype="uint8"))
    y, weights = TensorType((1, 2, 2, 3), "int32", "NHWC"), np.ones((3, channels, 1, 1), np.int64)
    with DOT_PRODUCTS.forced("amx_int8"):
        made = integer_conv2d.integer_convolution(
            PIXELWISE, geometry(PIXELWISE, x, weights), x, y, Step(keep, {"offset": 0})
        )
    assert type(made) is kind
