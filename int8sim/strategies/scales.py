"""Quantization: scales next to powers of two, zero points, both together."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hypothesis import strategies as st

from int8sim.model.tensor import BITS, QuantParams, dtype_range
from int8sim.spec.float32 import float32, float32_bits, float32_from_bits
from int8sim.strategies.checks import require, require_one_of, require_size
from int8sim.strategies.words import weighted

SMALLEST, LARGEST = 2.0**-126, float32_from_bits(0x7F7FFFFF)
"""The ends of the normal float32 numbers above 0."""


def scales(min_value: float = SMALLEST, max_value: float = LARGEST) -> st.SearchStrategy[float]:
    """Scales, exactly float32: powers of two, the numbers one ulp above and below them, and anywhere, one third each.

    Every binade is as likely as any other. min_value, max_value: normal float32 numbers above 0, in order, else
    InvalidArgument. Shrinks toward 1.
    """
    for name, value in (("min_value", min_value), ("max_value", max_value)):
        legal = SMALLEST <= value <= LARGEST and float32(value) == value
        require(legal, name, value, f"only float32 numbers of {SMALLEST} to {LARGEST} are valid")
    require(min_value <= max_value, "max_value", max_value, f"only numbers from min_value={min_value!r} are valid")
    low, high = float32_bits(min_value), float32_bits(max_value)
    exponents = st.integers(math.floor(math.log2(min_value)), math.floor(math.log2(max_value)))
    powers = exponents.map(lambda exponent: float32_bits(2.0**exponent))
    beside = st.tuples(powers, st.sampled_from([1, -1])).map(sum)
    anywhere = st.tuples(powers, st.integers(0, (1 << 23) - 1)).map(sum)
    return st.one_of(powers, beside, anywhere).map(lambda bits: float32_from_bits(min(max(bits, low), high)))


def zero_points(*, dtype: str = "int8", narrow: bool = False) -> st.SearchStrategy[int]:
    """Zero points of an integer type: every code, often the ends and 0. Shrinks toward 0.

    dtype: a key of model.tensor.BITS, else InvalidArgument. narrow: without the lowest signed code.
    """
    require_one_of("dtype", dtype, BITS)
    return weighted(*dtype_range(dtype, narrow))


@st.composite
def _quant_params(
    draw: st.DrawFn,
    dtypes: list[str],
    scale: st.SearchStrategy[float],
    symmetric: bool,
    channels: int | None,
    axis: int,
) -> QuantParams:
    dtype = draw(st.sampled_from(dtypes))
    narrow = draw(st.booleans()) and not dtype.startswith("u")
    zero = st.just(0) if symmetric else zero_points(dtype=dtype, narrow=narrow)
    if channels is None:
        return QuantParams(draw(scale), draw(zero), None, dtype, narrow)
    several = tuple(draw(st.lists(scale, min_size=channels, max_size=channels)))
    offsets = 0 if symmetric else tuple(draw(st.lists(zero, min_size=channels, max_size=channels)))
    return QuantParams(several, offsets, axis, dtype, narrow)


def quant_params(
    *,
    dtypes: Iterable[str] = ("int8", "uint8"),
    scale: st.SearchStrategy[float] | None = None,
    symmetric: bool = False,
    channels: int | None = None,
    axis: int = 0,
) -> st.SearchStrategy[QuantParams]:
    """QuantParams of one of the types, narrow or not where it is signed; scales by `scale`, or any.

    symmetric: zero points 0. channels: one scale, and one zero point, for each of so many slices along `axis`; None:
    one for the tensor. dtypes: keys of model.tensor.BITS; channels: 1 or more; axis: 0 or more; else InvalidArgument.
    Shrinks toward scale 1, zero point 0, the first type.
    """
    known = list(dtypes)
    require(known, "dtypes", known, "at least one type is needed")
    for dtype in known:
        require_one_of("dtypes", dtype, BITS)
    if channels is not None:
        require_size("channels", channels, 1, 1 << 20)
    require_size("axis", axis, 0, 7)
    return _quant_params(known, scales() if scale is None else scale, symmetric, channels, axis)
