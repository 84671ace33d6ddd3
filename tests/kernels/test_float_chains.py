"""Float32 convolutions and products by every set of tiles, against one chain of exact FMAs per output, bit for bit."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.kernels import cache
from int8sim.kernels.cpu.chains import PIXELS
from int8sim.kernels.cpu.float_conv2d import prepare_float
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, float_instruction_set
from int8sim.kernels.cpu.matmul import matmul_float
from int8sim.kernels.cpu.regions import STRETCH, cells, regions
from int8sim.kernels.geometry import geometry
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.window import Window
from int8sim.spec.float32 import fma

ROOT = Path(__file__).parents[2]
FORMS = sorted(FLOAT_TILES)
SPECIAL = np.array([0.0, -0.0, 1e-45, -1e-45, 1e-23, -1e-23, 1.1754944e-38, -1e-39, 3e38, -3e38, 1.0], np.float32)


def exact_fma(x, y, z):
    """x * y + z of float32 arrays with one rounding: the sum is rounded to odd in float64, as spec/float32.py does."""
    with np.errstate(all="ignore"):
        z = z.astype(np.float64)
        product = x.astype(np.float64) * y
        total = product + z
        part = total - product
        error = (product - (total - part)) + (z - part)
        inexact = np.isfinite(error) & (error != 0) & (total.view(np.int64) & 1 == 0)
        return np.where(inexact, np.nextafter(total, np.copysign(np.inf, error)), total).astype(np.float32)


def definition(op, x, weights, bias):
    """x [N, H, W, C] -> [N, .., .., O]: taps inside the input in the order (channel, row, column), then the bias."""
    outputs, per_group, *kernel = weights.shape
    window = Window(tuple(kernel), op.strides, op.dilations, op.pads)
    out = np.zeros((len(x), *window.output_size(*x.shape[1:3]), outputs), np.float32)
    first = np.arange(outputs) // (outputs // op.group) * per_group
    for oy, ox in np.ndindex(*out.shape[1:3]):
        under = list(window.cells(oy, ox, *x.shape[1:3]))
        for c in range(per_group):
            for u, v, row, column in under:
                out[:, oy, ox] = exact_fma(x[:, row, column, first + c], weights[:, c, u, v], out[:, oy, ox])
    with np.errstate(over="ignore", invalid="ignore"):
        return out if bias is None else out + bias


def computed(form, op, x, weights, bias):
    kind = TensorType(x.shape, "float32", "NHWC")
    offsets = np.full(len(weights), -0.0, np.float32) if bias is None else bias
    return prepare_float(op, geometry(op, kind, weights), weights, offsets, FLOAT_TILES[form])(x)


def values(rng, shape, special=0.2):
    """Random values, some of them zeros, subnormals, or so small or great that products leave the range."""
    found = rng.standard_normal(shape).astype(np.float32)
    return np.where(rng.random(shape) < special, rng.choice(SPECIAL, shape), found)


def same(found, expected):
    """Bit for bit; NaN, which infinities of both signs make, is NaN whatever its pattern."""
    assert found.shape == expected.shape
    nan = np.isnan(expected)
    assert np.array_equal(np.isnan(found), nan)
    wrong = np.flatnonzero((found.view(np.uint32) != expected.view(np.uint32)) & ~nan)
    assert wrong.size == 0, f"{wrong.size} of {found.size} differ: {found.flat[wrong[:3]]}, {expected.flat[wrong[:3]]}"
    return found.size - int(nan.sum())


def check(form, op, x, weights, bias):
    return same(computed(form, op, x, weights, bias), definition(op, x, weights, bias))


def test_the_witness_is_the_definition(compared):
    rng = np.random.default_rng(1)
    x, y, z = (values(rng, 3000, 0.3) for _ in range(3))
    with np.errstate(over="ignore", under="ignore"):
        x[::3] *= np.float32(1e-20)
        y[::3] *= np.float32(1e-22)
        finite = np.isfinite(x * y)
        z[::4] = np.where(finite, -(x * y), z)[::4]
    expected = [fma(*each) for each in zip(*(part[finite].tolist() for part in (x, y, z)), strict=True)]
    compared(same(exact_fma(x, y, z)[finite], np.array(expected, np.float32)), least=2000)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias", [True, False])
def test_the_ops_own_definition(form, bias, compared):
    """Not the vectorised witness but Conv2d.float32 itself."""
    rng = np.random.default_rng(2)
    op = Conv2d((2, 1), (1, 2, 0, 1), (1, 2), 2)
    x, weights = values(rng, (2, 6, 7, 6), 0.0), values(rng, (10, 3, 3, 2), 0.0)
    inputs = [x, weights, *([values(rng, 10, 0.0)] if bias else [])]
    types = [TensorType(each.shape, "float32", "NHWC" if each.ndim == 4 else "") for each in inputs]
    found = computed(form, op, x, weights, inputs[2] if bias else None)
    compared(same(found, op.float32(types, inputs)), least=400)


SIZES = st.tuples(st.integers(1, 9), st.integers(1, 9))
PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    size=SIZES,
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    strides=PAIRS,
    dilations=PAIRS,
    pads=st.tuples(*[st.integers(0, 5)] * 4),
    group=st.integers(1, 4),
    channels=st.integers(1, 4),
    outputs=st.integers(1, 40),
    batch=st.integers(1, 3),
    bias=st.booleans(),
)
def test_any_convolution(form, seed, size, kernel, strides, dilations, pads, group, channels, outputs, batch, bias):
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    size = tuple(max(s, span - pads[i] - pads[i + 2]) for i, (s, span) in enumerate(zip(size, spans, strict=True)))
    rng = np.random.default_rng(seed)
    op = Conv2d(strides, pads, dilations, group)
    x, weights = values(rng, (batch, *size, group * channels)), values(rng, (group * outputs, channels, *kernel))
    check(form, op, x, weights, values(rng, group * outputs) if bias else None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("outputs", [1, 7, 8, 9, 16, 17, 31, 32, 33, 48, 63, 64, 65, 96, 100, 128, 130])
def test_every_width(form, outputs, compared):
    """Whole and partial blocks of channels, by the wide tile and by the narrow one."""
    rng = np.random.default_rng(outputs)
    x, weights = values(rng, (2, 5, 4, 3)), values(rng, (outputs, 3, 3, 3))
    compared(check(form, Conv2d(pads=(1, 1, 1, 1)), x, weights, values(rng, outputs)), least=25 * outputs)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("channels", [1, 3, 4, 8, 15, 16, 31, 32, 33, 64, 100, 144])
def test_depthwise(form, channels, compared):
    """The last tile reads beyond the last channel: the next pixel's, or nothing at the very end."""
    rng = np.random.default_rng(channels)
    x, weights = values(rng, (3, 6, 7, channels)), values(rng, (channels, 1, 3, 3))
    op = Conv2d((1, 2), (1, 1, 1, 1), (1, 1), channels)
    compared(check(form, op, x, weights, values(rng, channels)), least=60 * channels)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("channels", "kernel"), [(STRETCH, 1), (STRETCH + 1, 1), (2 * STRETCH + 7, 1), (60, 3), (3, 17)]
)
def test_stretches_of_the_depth(form, channels, kernel, compared):
    """Depths at, behind and far beyond one stretch; a kernel greater than a stretch."""
    rng = np.random.default_rng(channels)
    x, weights = values(rng, (2, 4, 4, channels), 0.01), values(rng, (20, channels, kernel, kernel), 0.01)
    compared(check(form, Conv2d(pads=(kernel // 2,) * 4), x, weights, values(rng, 20)), least=400)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("batch", "size"), [(1, 15), (5, 9), (PIXELS - 1, 1), (PIXELS, 1), (2 * PIXELS + 1, 1), (50, 3)]
)
def test_many_pixels(form, batch, size, compared):
    """Regions of more pixels than one round takes, of one image and across images."""
    rng = np.random.default_rng(batch)
    x, weights = values(rng, (batch, size, size, 2)), values(rng, (9, 2, 2, 2))
    compared(check(form, Conv2d(pads=(0, 1, 1, 0)), x, weights, None), least=9 * PIXELS // 2)


@pytest.mark.parametrize("form", FORMS)
def test_padding_does_not_touch_a_negative_zero(form, compared):
    """1e-30 * -1e-30 underflows to -0.0, and an FMA with a zero for padding would make it 0.0."""
    x, weights = np.full((1, 2, 2, 1), 1e-30, np.float32), np.full((3, 1, 3, 3), 1e-30, np.float32)
    weights[:, :, :2, :2] *= -1
    weights[:, :, 1, 1] = -1e-30
    found = computed(form, Conv2d(pads=(0, 0, 2, 2)), x, weights, None)
    assert np.signbit(found[0, 1, 1]).all()
    compared(check(form, Conv2d(pads=(0, 0, 2, 2)), x, weights, None), least=12)


@pytest.mark.parametrize("form", FORMS)
def test_padding_is_not_multiplied(form):
    """An infinite weight over padding is no NaN; a window of nothing but padding is the bias."""
    x, weights = np.ones((1, 2, 2, 1), np.float32), np.full((2, 1, 3, 3), np.inf, np.float32)
    weights[:, :, 1, 1] = 2
    found = computed(form, Conv2d((5, 5), (4, 4, 4, 4)), x, weights, np.array([1.5, -0.0], np.float32))
    assert found.ravel().tolist() == [1.5, 0, 1.5, 0, 1.5, 0, math.inf, math.inf]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "shape", [(1, 1, 1, 1), (2, 3, 5, 7), (3, 13, 33, 65), (1, 50, 300, 10), (2, 1, 64, 128)], ids=str
)
def test_matmul(form, shape, compared):
    """One chain per output, no bias: a sum of -0.0 stays."""
    (count, rows, depth, columns), rng = shape, np.random.default_rng(sum(shape))
    a, b = values(rng, (count, rows, depth)), values(rng, (count, depth, columns))
    out, expected = np.empty((count, rows, columns), np.float32), np.zeros((count, rows, columns), np.float32)
    for k in range(depth):
        expected = exact_fma(a[:, :, k, None], b[:, k, None, :], expected)
    matmul_float(a, b, out, FLOAT_TILES[form])
    compared(same(out, expected), least=math.prod(out.shape) // 3)


@pytest.mark.parametrize("form", FORMS)
def test_operands_that_do_not_lie_side_by_side(form, compared):
    """One matrix out of a tensor of images: its values are one stride apart, and NumPy's reshape keeps that."""
    rng = np.random.default_rng(9)
    a, b = (np.moveaxis(values(rng, shape), 2, 0) for shape in ((5, 7, 3), (7, 9, 3)))
    out, copied = np.empty((3, 5, 9), np.float32), np.empty((3, 5, 9), np.float32)
    matmul_float(a, b, out, FLOAT_TILES[form])
    matmul_float(a.copy(), b.copy(), copied, FLOAT_TILES[form])
    compared(same(out, copied), least=100)
    x = values(rng, (4, 5, 6, 6))[:, :, ::2, ::2]
    weights = values(rng, (8, 3, 2, 2))
    compared(check(form, Conv2d(), x, weights, None), least=200)


@given(
    size=st.tuples(st.integers(1, 8), st.integers(1, 8)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    strides=PAIRS,
    dilations=PAIRS,
    pads=st.tuples(*[st.integers(0, 6)] * 4),
    channels=st.integers(1, 3),
)
def test_regions_are_the_windows(size, kernel, strides, dilations, pads, channels):
    """Every output pixel once, and under it the window's cells in order."""
    window = Window(kernel, strides, dilations, pads)
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    size = tuple(max(s, span - pads[i] - pads[i + 2]) for i, (s, span) in enumerate(zip(size, spans, strict=True)))
    outputs = window.output_size(*size)
    under = [cells(size[i], outputs[i], kernel[i], strides[i], dilations[i], pads[i]) for i in (0, 1)]
    found = regions(*under, size[1], 4, channels)
    assert found.stretch == channels
    seen = {}
    for tap, last_tap, pixel, last_pixel in found.bounds.tolist():
        for first, number in found.pixels[:, pixel:last_pixel].T.tolist():
            seen[number] = [(first + behind, line) for behind, line in found.taps[tap:last_tap].tolist()]
    assert sorted(seen) == list(range(outputs[0] * outputs[1]))
    for number, places in seen.items():
        inside = window.cells(*divmod(number, outputs[1]), *size)
        wanted = [(u * kernel[1] + v, (row * size[1] + column) * 4) for u, v, row, column in inside]
        area = kernel[0] * kernel[1]
        assert places == [(place + c, c * area + tap) for c in range(channels) for tap, place in wanted]


def test_the_machines_own_tiles_are_known():
    assert float_instruction_set() in FLOAT_TILES


PROGRAM = """
import hashlib, sys
import numpy as np
from int8sim.kernels.compile import build
from int8sim.kernels.cpu.chains import chains
from int8sim.kernels.cpu.float_conv2d import prepare_float
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, float_instruction_set
from int8sim.kernels.geometry import geometry
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d

rng, digest = np.random.default_rng(5), hashlib.sha256()
for channels, outputs, group in ((5, 70, 1), (6, 6, 6), (4, 20, 2)):
    op, x = Conv2d((1, 2), (1, 1, 1, 1), (1, 1), group), rng.standard_normal((3, 9, 8, channels)).astype(np.float32)
    weights = rng.standard_normal((outputs, channels // group, 3, 3)).astype(np.float32)
    shape = geometry(op, TensorType(x.shape, "float32", "NHWC"), weights)
    digest.update(prepare_float(op, shape, weights, weights[:, 0, 0, 0])(x).tobytes())
stats = build(chains, {}, {"products": FLOAT_TILES[float_instruction_set()].products}).stats
print(digest.hexdigest(), float_instruction_set(), sum(stats.cache_hits.values()), sum(stats.cache_misses.values()))
"""


def in_a_new_process(folder, **environment):
    found = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), cache.VARIABLE: str(folder), **environment},
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.split()


def test_a_processor_without_fma_gives_the_same_bits_and_a_second_process_compiles_nothing(tmp_path):
    """NUMBA_CPU_NAME=generic has neither FMA nor AVX: every FMA is a call of C's fmaf there."""
    here, again = in_a_new_process(tmp_path), in_a_new_process(tmp_path)
    without = in_a_new_process(tmp_path, NUMBA_CPU_NAME="generic")
    assert here[1:] == [float_instruction_set(), "0", "1"]
    assert again[1:] == [float_instruction_set(), "1", "0"]
    assert without[1:] == ["portable", "0", "1"]
    assert here[0] == again[0] == without[0]
