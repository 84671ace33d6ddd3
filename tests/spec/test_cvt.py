from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.spec import cvt
from int8sim.spec.cvt import (
    clamp_to_one,
    extend,
    float16_to_int8,
    float32_to_int8,
    float32_to_int8_is_defined,
    float_to_float,
    float_to_float_is_defined,
    float_to_integer,
    float_to_integer_is_defined,
    float_to_integral,
    int32_to_int8,
    integer_to_float,
    integer_to_float_is_defined,
    integer_to_integer,
    integer_to_integer_is_defined,
    pack_saturate,
    pack_saturate_to,
    read,
)
from int8sim.spec.rounding import Rounding

from .compiled_loops import evaluate
from .exact import INFINITY, clip, from_bits, rounded, signed, to_bits, word
from .float_exact import ONE, ends, is_subnormal, pattern_of, patterns, sign_of, to_word, value_of

PTX = {"rni": Rounding.HALF_EVEN, "rzi": Rounding.TOWARD_ZERO, "rmi": Rounding.FLOOR, "rpi": Rounding.CEIL}
RANGES = {True: (-128, 127), False: (0, 255)}
FLOATS = (16, 32, 64)
WORDS = [(bits, is_signed) for bits in (8, 16, 32, 64) for is_signed in (True, False)]
ROUNDINGS = st.sampled_from(list(PTX.values()))
VARIANTS = [(s, f) for s in (True, False) for f in (True, False)]
FEW_HALVES = sorted({end + off for end in (-257, -256, 0, 254, 256, 510, 512) for off in range(-4, 5)} | {-600, 600})
FEW_EXPONENTS = [0, 1, 2, 64, *range(124, 137), 253, 254, 255]  # 2**-3 .. 2**9 among them


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


@pytest.mark.parametrize("rounding", Rounding, ids=lambda r: r.name)
@settings(max_examples=50)
@given(pattern=word(32, is_signed=False) | st.integers(-4096, 4096).map(lambda n: to_bits(n / 8)))
def test_any_pattern_and_any_rounding(rounding, pattern):
    for variant in VARIANTS:
        assert float32_to_int8(pattern, rounding, *variant) == definition(pattern, rounding, *variant)


@pytest.mark.parametrize("every", [FEW_HALVES, pytest.param(range(-600, 601), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize(("is_signed", "flush"), VARIANTS)
@pytest.mark.parametrize("rounding", PTX.values(), ids=list(PTX))
def test_halves_of_the_range_with_their_neighbours(rounding, is_signed, flush, every):
    for halves in every:
        for off in (-1, 0, 1):
            pattern = (to_bits(halves / 2) + off) % 2**32
            expected = definition(pattern, rounding, is_signed, flush)
            assert float32_to_int8(pattern, rounding, is_signed, flush) == expected, hex(pattern)


@pytest.mark.parametrize("exponents", [FEW_EXPONENTS, pytest.param(range(256), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize("sign", [0, 1])
def test_exponents(sign, exponents):
    """With the fractions at its ends and middle: subnormals, infinities and NaN payloads among them."""
    for exponent in exponents:
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


@given(word(32), word(32), word(32, is_signed=False), st.booleans())
def test_pack_saturate_to_every_field(a, b, c, is_signed):
    for bits in (2, 4, 8, 16):
        fields = [clip(value, *ends(bits, is_signed)) % 2**bits for value in (b, a)]
        assert pack_saturate_to(a, b, c, bits, is_signed) == (fields[0] + fields[1] * 2**bits + c * 4**bits) % 2**32


def integer_of_float(pattern: int, source: int, bits: int, is_signed: bool, rounding: Rounding, flush: bool) -> int:
    """The manual's order: flush, round, clamp; a NaN by the manual's list."""
    value = value_of(pattern, source)
    if value != value:
        top = 2 ** (bits - 1) * (-1 if is_signed else 1)
        return top if source == 64 or bits == 64 else 0
    if flush and is_subnormal(pattern, source):
        value = Fraction(0)
    return to_word(value, rounding, *ends(bits, is_signed))


@pytest.mark.parametrize("source", FLOATS)
@settings(max_examples=40)
@given(st.data(), st.sampled_from(Rounding), st.booleans())
def test_float_to_integer(source, data, rounding, flush):
    pattern = data.draw(patterns(source))
    for bits, is_signed in WORDS:
        expected = integer_of_float(pattern, source, bits, is_signed, rounding, flush)
        assert float_to_integer(pattern, source, bits, is_signed, rounding, flush) == expected


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize(("bits", "is_signed"), WORDS)
def test_float_to_integer_at_the_ends_of_every_word(source, bits, is_signed):
    """Halves around both ends and zero, with their neighbours; infinities; the greatest number; NaN of both signs."""
    near = [Fraction(n, 2) + end for end in (*ends(bits, is_signed), 0) for n in range(-6, 7)]
    found = {pattern_of(value, source, Rounding.HALF_EVEN) + off for value in near for off in (-1, 0, 1)}
    infinite = pattern_of(INFINITY, source, Rounding.FLOOR)
    found |= {p + sign * 2 ** (source - 1) for p in range(infinite - 2, infinite + 3) for sign in (0, 1)}
    for pattern in (p for p in found if 0 <= p < 2**source):
        for rounding in PTX.values():
            expected = integer_of_float(pattern, source, bits, is_signed, rounding, flush=False)
            assert float_to_integer(pattern, source, bits, is_signed, rounding) == expected


def integral_float16(name: str) -> np.ndarray:
    """All float16, rounded in binary64, in which it is exact."""
    values = np.arange(2**16, dtype=np.uint16).view(np.float16).astype(np.float64)
    with np.errstate(invalid="ignore"):  # signalling NaN
        return {"rni": np.rint, "rzi": np.trunc, "rmi": np.floor, "rpi": np.ceil}[name](values)


def every_float16(function, folder, *arguments: int) -> list[int]:
    """The function of all patterns and constant arguments, compiled."""
    columns = [np.arange(2**16), *(np.full(2**16, each) for each in arguments)]
    return evaluate(function, columns, folder).tolist()


def integers_of_float16(name: str, bits: int, is_signed: bool) -> list[int]:
    """All float16, rounded and clamped by NumPy's binary64; 0 of NaN."""
    integral = np.nan_to_num(integral_float16(name), nan=0.0, posinf=1e12, neginf=-1e12)
    return np.clip(integral, *ends(bits, is_signed)).astype(np.int64).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("name", PTX)
def test_every_float16(name, tmp_path, compared):
    for bits, is_signed in WORDS[:6]:
        expected = integers_of_float16(name, bits, is_signed)
        assert every_float16(float_to_integer, tmp_path, 16, bits, is_signed, PTX[name], False) == expected
        if bits == 8:
            assert every_float16(float16_to_int8, tmp_path, PTX[name], is_signed) == expected
        compared(len(expected))


@pytest.mark.parametrize("name", PTX)
def test_float16_of_every_exponent(name, compared):
    """Every 37th pattern: of each of the 64 exponents, signs included, 27 fractions or more."""
    for bits, is_signed in WORDS[:6]:
        expected = integers_of_float16(name, bits, is_signed)[::37]
        found = [float_to_integer(pattern, 16, bits, is_signed, PTX[name]) for pattern in range(0, 2**16, 37)]
        assert found == expected
        if bits == 8:
            assert [float16_to_int8(pattern, PTX[name], is_signed) for pattern in range(0, 2**16, 37)] == expected
        compared(len(expected))


def test_defined_float_to_integer():
    for rounding in Rounding:
        assert float_to_integer_is_defined(0, 16, rounding) == (rounding in PTX.values())
    assert [float_to_integer_is_defined(0, source, cvt.RZI, flush=True) for source in FLOATS] == [False, True, False]
    assert [float_to_integer_is_defined(0, source, cvt.RZI) for source in FLOATS] == [True, True, True]
    assert [float_to_integer_is_defined(0x7FFF, source, cvt.RMI) for source in FLOATS] == [False, True, True]
    assert (cvt.RNI, cvt.RZI, cvt.RMI, cvt.RPI) == (cvt.RN, cvt.RZ, cvt.RM, cvt.RP) == tuple(PTX.values())


@given(st.integers(-(2**63), 2**64 - 1) | word(32) | st.integers(-300, 300))
def test_integer_to_integer(register):
    for source, source_signed in WORDS:
        value = signed(register, source) if source_signed else register % 2**source
        assert read(register, source, source_signed) == value
        for bits, is_signed in WORDS:
            low = signed(value, bits) if is_signed else value % 2**bits
            near = clip(value, *ends(bits, is_signed))
            assert integer_to_integer(register, source, source_signed, bits, is_signed) == low
            assert integer_to_integer(register, source, source_signed, bits, is_signed, saturating=True) == near


def test_saturation_is_legal_where_it_can_happen():
    for source, source_signed in WORDS:
        for bits, is_signed in WORDS:
            (low, high), (least, most) = ends(source, source_signed), ends(bits, is_signed)
            can = low < least or high > most
            assert integer_to_integer_is_defined(source, source_signed, bits, is_signed, saturating=True) == can
            assert integer_to_integer_is_defined(source, source_signed, bits, is_signed)


def test_results_extend_into_their_register():
    assert (extend(-1), extend(-128), extend(127), extend(255)) == (0xFFFFFFFF, 0xFFFFFF80, 0x7F, 0xFF)
    assert (extend(-1, 16), extend(-128, 64), extend(2**32 - 1)) == (0xFFFF, 2**64 - 128, 2**32 - 1)


TIES = st.builds(lambda n, shift: (2 * n + 1) << shift, st.integers(-(2**54), 2**54), st.integers(0, 8))
INTEGERS = st.integers(-(2**63), 2**64 - 1) | st.integers(-70_000, 70_000) | st.integers(-(2**33), 2**33) | TIES


@pytest.mark.parametrize("width", FLOATS)
@given(st.sampled_from(Rounding), INTEGERS)
def test_integer_to_float(width, rounding, value):
    expected = pattern_of(Fraction(value), width, rounding)
    assert integer_to_float(value, width, rounding) == expected
    inside = clip(value, 0, 1) * ONE[width]
    assert integer_to_float(value, width, rounding, saturating=True) == inside


@given(INTEGERS)
def test_integer_to_float_to_nearest_is_numpys(value):
    """int64 and uint64 to float32 and float64, as the machine's own conversion."""
    integer = (np.int64 if value < 2**63 else np.uint64)(value)
    assert integer_to_float(value, 32, cvt.RN) == int(integer.astype(np.float32).view(np.uint32))
    assert integer_to_float(value, 64, cvt.RN) == int(integer.astype(np.float64).view(np.uint64))


def test_defined_integer_to_float():
    assert {rounding for rounding in Rounding if integer_to_float_is_defined(rounding)} == set(PTX.values())


def float_of_float(pattern, source, width, rounding, flush, saturating, integral=False):
    """The manual's order: flush the operand, round, flush the result, clamp; all ones below the sign for a NaN."""
    value, negative = value_of(pattern, source), bool(sign_of(pattern, source))
    if value != value:
        return 0 if saturating else 2 ** (width - 1) - 1
    if flush and source == 32 and is_subnormal(pattern, source):
        value = Fraction(0)
    if integral and abs(value) < INFINITY:
        value = Fraction(rounded(value, rounding))
    found = pattern_of(value, width, rounding, negative)
    if flush and width == 32 and is_subnormal(found, width):
        found = negative * 2 ** (width - 1)
    return found if not saturating else 0 if negative else min(found, ONE[width])


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize("width", FLOATS)
@settings(max_examples=30)
@given(st.data(), st.sampled_from(Rounding), st.booleans(), st.booleans())
def test_float_to_float(source, width, data, rounding, flush, saturating):
    pattern = data.draw(patterns(source))
    expected = float_of_float(pattern, source, width, rounding, flush, saturating)
    assert float_to_float(pattern, source, width, rounding, flush, saturating) == expected


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("rounding", PTX.values(), ids=list(PTX))
def test_float32_to_float16_around_its_ends(rounding, flush):
    """Around the greatest, the least normal and the least float16, and subnormal float32, in steps of the sixteenth."""
    for start in (0x477FEFF0, 0x477FF000, 0x387FC000, 0x33800000, 0x33000000, 0x00000000, 0x007FFFF0, 0x3F7FFFF0):
        for pattern in (sign | start + 0x10 * n + off for sign in (0, 2**31) for n in range(3) for off in (0, 1, 15)):
            expected = float_of_float(pattern, 32, 16, rounding, flush, saturating=False)
            assert float_to_float(pattern, 32, 16, rounding, flush) == expected


@pytest.mark.parametrize("width", [32, 64])
def test_float16_widens_as_numpys(width):
    everything = np.arange(2**16, dtype=np.uint16)
    finite = everything[np.isfinite(everything.view(np.float16))]
    kinds = {32: (np.float32, np.uint32), 64: (np.float64, np.uint64)}
    expected = finite.view(np.float16).astype(kinds[width][0]).view(kinds[width][1]).tolist()
    assert [float_to_float(pattern, 16, width, cvt.RN) for pattern in finite[::23].tolist()] == expected[::23]


@pytest.mark.parametrize("width", FLOATS)
@settings(max_examples=40)
@given(st.data(), st.sampled_from(Rounding), st.booleans(), st.booleans())
def test_float_to_integral(width, data, rounding, flush, saturating):
    pattern = data.draw(patterns(width))
    expected = float_of_float(pattern, width, width, rounding, flush, saturating, integral=True)
    assert float_to_integral(pattern, width, rounding, flush, saturating) == expected


@pytest.mark.parametrize("mode", PTX)
def test_float16_to_integral(mode, compared):
    """Against NumPy's binary64: signed zeros too; a NaN becomes 0x7FFF."""
    integral = integral_float16(mode)
    expected = np.where(np.isnan(integral), 0x7FFF, integral.astype(np.float16).view(np.uint16)).tolist()
    assert [float_to_integral(pattern, 16, PTX[mode]) for pattern in range(0, 2**16, 23)] == expected[::23]
    compared(len(expected[::23]))


@pytest.mark.parametrize("width", FLOATS)
def test_clamp_to_one(width):
    top = 2 ** (width - 1)
    for pattern, expected in {0: 0, 1: 1, ONE[width] - 1: ONE[width] - 1, top: 0, top + ONE[width]: 0}.items():
        assert clamp_to_one(pattern, width) == expected
    assert clamp_to_one(ONE[width], width) == clamp_to_one(ONE[width] + 1, width) == ONE[width]


def test_defined_float_to_float():
    assert {r for r in Rounding if float_to_float_is_defined(0, 32, 16, r)} == set(PTX.values())
    for source in FLOATS:
        for width in FLOATS:
            assert float_to_float_is_defined(0, source, width, cvt.RZ, flush=True) == (32 in (source, width))
            assert float_to_float_is_defined(0, source, width, cvt.RZ)
            nan = 2 ** (source - 1) - 1
            assert not float_to_float_is_defined(nan, source, width, cvt.RP)
            assert float_to_float_is_defined(nan, source, width, cvt.RP, saturating=True)
