"""The compiled twins of the spec's float primitives, and cvt over the whole range of patterns."""

from __future__ import annotations

import math

import numpy as np
import pytest

from int8sim.kernels.compile import build
from int8sim.spec.cvt import float32_to_int8
from int8sim.spec.float32 import exp, float32, float32_bits, float32_from_bits, fma, half_even, log, power, power_of_two
from int8sim.spec.rounding import Rounding

COUNT = 20_000
STRIDE = 1009  # every exponent has 8,300 patterns of it
SPECIAL = [0x00000000, 0x80000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x34000000]


ROUNDINGS = {
    Rounding.HALF_EVEN: np.rint,
    Rounding.TOWARD_ZERO: np.trunc,
    Rounding.FLOOR: np.floor,
    Rounding.CEIL: np.ceil,
}


def primitives(x, y, z, d, n, bits, out, whole):
    for i in range(out.shape[0]):
        out[i, 0] = float32(d[i])
        out[i, 1] = float32(n[i])
        out[i, 2] = float32_from_bits(bits[i])
        out[i, 3] = fma(x[i], y[i], z[i])
        out[i, 4] = exp(x[i])
        out[i, 5] = power_of_two(n[i] & 127)
        out[i, 6] = float32(x[i] * y[i])
        out[i, 7] = float32(x[i] + z[i])
        out[i, 8] = float32(x[i] / y[i])
        whole[i] = half_even(float32(n[i] & 0xFFFFFFF) / float32(256.0))


def convert(first, stride, rounding, signed, flush, out):
    for i in range(out.shape[0]):
        out[i] = float32_to_int8(first + i * stride, rounding, signed, flush)


def finite(rng: np.random.Generator) -> np.ndarray:
    """Float32 of random patterns, all exponents alike, and the special ones."""
    bits = rng.integers(0, 255 << 23, COUNT) | rng.integers(0, 2, COUNT) << 31
    bits[: len(SPECIAL) ** 2] = rng.choice(SPECIAL, len(SPECIAL) ** 2)
    return bits.astype(np.uint32).view(np.float32)


def test_compiled_primitives_equal_the_definitions():
    rng = np.random.default_rng(3)
    x, y, z = finite(rng), finite(rng), finite(rng)
    with np.errstate(all="ignore"):  # addends near the product, where most cancels
        near = (-x.astype(np.float64) * y).astype(np.float32)
    z[::2] = np.where(np.isfinite(near), near, z)[::2]
    z[::4] = np.nextafter(z[::4], np.float32(0))
    y[y == 0] = 1
    d = rng.integers(-(2**63), 2**63, COUNT).view(np.float64)
    d[::2] = (x * (1 + 2.0**-24))[::2]  # around the midpoint of two float32
    d[np.isnan(d)] = 1e300
    n = rng.integers(-(2**53), 2**53, COUNT) >> rng.integers(0, 53, COUNT)
    bits = rng.integers(0, 0x7F800000, COUNT)
    out, whole = np.empty((COUNT, 9), np.float32), np.empty(COUNT, np.int64)
    build(primitives)(x, y, z, d, n, bits, out, whole)
    expected = [
        [
            float32(e),
            float32(m),
            float32_from_bits(b),
            fma(p, q, r),
            exp(p),
            power_of_two(m & 127),
            float32(p * q),
            float32(p + r),
            float32(p / q),
        ]
        for p, q, r, e, m, b in zip(*(a.tolist() for a in (x, y, z, d, n, bits)), strict=True)
    ]
    wanted = np.array(expected, np.float64).astype(np.float32)
    wrong = np.argwhere(out.view(np.uint32) != wanted.view(np.uint32))
    assert wrong.size == 0, [(i, j, out[i, j], wanted[i, j]) for i, j in wrong[:5].tolist()]
    assert whole.tolist() == [half_even(float32(m & 0xFFFFFFF) / 256) for m in n.tolist()]


def patterns(x, out):
    for i in range(out.shape[0]):
        out[i] = float32_bits(x[i])


def powers(x, y, raised, logs):
    for i in range(x.shape[0]):
        raised[i] = power(x[i], y[i])
        logs[i] = log(abs(x[i]))


def test_compiled_bits():
    x = finite(np.random.default_rng(4))
    out = np.empty(COUNT, np.int64)
    build(patterns)(x, out)
    assert np.array_equal(out, x.view(np.uint32))
    assert out.tolist() == [float32_bits(value) for value in x.tolist()]


def test_compiled_logarithms_and_powers():
    """Every bit of both; and powers of a million against NumPy's float64, whose error is far below the bound."""
    rng = np.random.default_rng(5)
    x = finite(rng)
    x[x == 0] = 1
    y = rng.choice(np.array([-0.75, 0.5, 1.0, 2.0, 3.0, -1.25, 0.0, 40.0], np.float32), COUNT)
    raised, logs = np.empty(COUNT, np.float32), np.empty(COUNT)
    build(powers)(x, y, raised, logs)
    expected = np.array([power(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]).astype(np.float32)
    assert np.array_equal(raised.view(np.uint32), expected.view(np.uint32))
    assert logs.tolist() == [log(abs(a)) for a in x.tolist()]


def test_compiled_powers_of_a_million_values():
    rng = np.random.default_rng(6)
    x = rng.integers(1, 255 << 23, 1_000_000).astype(np.uint32).view(np.float32)
    x[x == 1] = 2
    y = (rng.uniform(-149, 127.9, x.size) / np.log2(x.astype(np.float64))).astype(np.float32)
    raised, logs = np.empty(x.size, np.float32), np.empty(x.size)
    build(powers)(x, y, raised, logs)
    exact = np.power(x.astype(np.float64), y.astype(np.float64))
    unit = np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, -149))
    inside = np.isfinite(raised)
    assert inside.sum() > 0.99 * x.size
    assert (np.abs(raised - exact)[inside] / unit[inside]).max() <= 0.50001


@pytest.mark.parametrize("signed", [True, False], ids=["s8", "u8"])
@pytest.mark.parametrize("flush", [False, True], ids=["", "ftz"])
def test_cvt_over_all_exponents(signed, flush):
    """Every 1009th of the 2**32 patterns against NumPy's float64 roundings."""
    patterns = np.arange(0, 1 << 32, STRIDE, np.int64)
    with np.errstate(invalid="ignore"):
        values = patterns.astype(np.uint32).view(np.float32).astype(np.float64)
    if flush:
        values[np.abs(values) < 2.0**-126] = 0.0
    low, high = (-128, 127) if signed else (0, 255)
    for rounding, function in ROUNDINGS.items():
        expected = np.clip(np.nan_to_num(function(values), nan=0.0, posinf=math.inf, neginf=-math.inf), low, high)
        out = np.empty(patterns.size, np.int64)
        build(convert)(0, STRIDE, int(rounding), signed, flush, out)
        assert np.array_equal(out, expected.astype(np.int64)), rounding
