from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.cvt import float32_to_int8, float32_to_int8_is_defined, int32_to_int8, pack_saturate
from int8sim.spec.rounding import Rounding

from .exact import INFINITY, clip, from_bits, rounded, to_bits, word

PTX = {"rni": Rounding.HALF_EVEN, "rzi": Rounding.TOWARD_ZERO, "rmi": Rounding.FLOOR, "rpi": Rounding.CEIL}
RANGES = {True: (-128, 127), False: (0, 255)}
VARIANTS = [(s, f) for s in (True, False) for f in (True, False)]


def definition(pattern: int, rounding: Rounding, is_signed: bool, flush: bool) -> int:
    """The manual's order: flush, round, clamp; NaN gives 0."""
    value = from_bits(pattern)
    low, high = RANGES[is_signed]
    if value != value:
        return 0
    if abs(value) == INFINITY:
        return high if value > 0 else low
    if flush and abs(value) < 2.0**-126:
        value = 0.0
    return clip(rounded(Fraction(value), rounding), low, high)


@pytest.mark.parametrize(("is_signed", "flush"), VARIANTS)
@pytest.mark.parametrize("rounding", Rounding, ids=lambda r: r.name)
@given(pattern=word(32, is_signed=False) | st.integers(-4096, 4096).map(lambda n: to_bits(n / 8)))
def test_any_pattern_and_any_rounding(rounding, is_signed, flush, pattern):
    assert float32_to_int8(pattern, rounding, is_signed, flush) == definition(pattern, rounding, is_signed, flush)


@pytest.mark.parametrize(("is_signed", "flush"), VARIANTS)
@pytest.mark.parametrize("rounding", PTX.values(), ids=list(PTX))
def test_every_half_of_the_range_with_its_neighbours(rounding, is_signed, flush):
    for halves in range(-600, 601):
        for off in (-1, 0, 1):
            pattern = (to_bits(halves / 2) + off) % 2**32
            assert float32_to_int8(pattern, rounding, is_signed, flush) == definition(
                pattern, rounding, is_signed, flush
            ), hex(pattern)


@pytest.mark.parametrize("sign", [0, 1])
def test_every_exponent(sign):
    """With the fractions at its ends and middle: subnormals, infinities and NaN payloads among them."""
    for exponent in range(256):
        for fraction in (0, 1, 2, 0x200000, 0x3FFFFF, 0x400000, 0x400001, 0x7FFFFE, 0x7FFFFF):
            pattern = sign << 31 | exponent << 23 | fraction
            for rounding in PTX.values():
                for variant in VARIANTS:
                    assert float32_to_int8(pattern, rounding, *variant) == definition(pattern, rounding, *variant)


@pytest.mark.parametrize(
    ("value", "mode", "as_signed", "as_unsigned"),
    [
        (0.5, "rni", 0, 0),
        (1.5, "rni", 2, 2),
        (2.5, "rni", 2, 2),
        (126.5, "rni", 126, 126),
        (127.5, "rni", 127, 128),
        (-128.5, "rni", -128, 0),
        (254.5, "rni", 127, 254),
        (255.5, "rni", 127, 255),
        (-0.5, "rni", 0, 0),
        (-0.60000002384185791015625, "rni", -1, 0),
        (-0.60000002384185791015625, "rzi", 0, 0),
        (-0.60000002384185791015625, "rmi", -1, 0),
        (-0.0, "rmi", 0, 0),
        (2.0**-149, "rpi", 1, 1),
        (-(2.0**-149), "rmi", -1, 0),
    ],
)
def test_published_edge_vectors(value, mode, as_signed, as_unsigned):
    pattern = to_bits(value)
    assert float32_to_int8(pattern, PTX[mode]) == as_signed
    assert float32_to_int8(pattern, PTX[mode], signed=False) == as_unsigned


@pytest.mark.parametrize("mode", PTX)
def test_flushed_subnormals_and_specials(mode):
    for pattern in (0x00000001, 0x807FFFFF, 0x80000001):
        assert float32_to_int8(pattern, PTX[mode], flush=True) == 0
    for pattern in (0x7F800001, 0x7FC00000, 0xFFC00001, 0xFFFFFFFF, 0x7FFFFFFF):
        assert float32_to_int8(pattern, PTX[mode]) == float32_to_int8(pattern, PTX[mode], signed=False) == 0
        assert not float32_to_int8_is_defined(pattern, PTX[mode])
    for pattern, expected in ((0x7F800000, (127, 255)), (0xFF800000, (-128, 0))):
        found = float32_to_int8(pattern, PTX[mode]), float32_to_int8(pattern, PTX[mode], signed=False)
        assert found == expected
        assert float32_to_int8_is_defined(pattern, PTX[mode])


def test_ptx_has_four_roundings():
    defined = [rounding for rounding in Rounding if float32_to_int8_is_defined(0, rounding)]
    assert set(defined) == set(PTX.values())


@given(word(32), st.booleans())
def test_int32_to_int8(value, is_signed):
    assert int32_to_int8(value, is_signed) == clip(value, *RANGES[is_signed])


@given(word(32), word(32), word(32, is_signed=False), st.booleans())
def test_pack_saturate(a, b, c, is_signed):
    ends = RANGES[is_signed]
    expected = (c * 65536 + clip(a, *ends) % 256 * 256 + clip(b, *ends) % 256) % 2**32
    assert pack_saturate(a, b, c, is_signed) == expected


def test_pack_saturate_of_four_words():
    assert pack_saturate(300, 1, pack_saturate(-300, 2, 0)) == 0x80027F01
    assert pack_saturate(300, 1, pack_saturate(-300, 2, 0, signed=False), signed=False) == 0x0002FF01
