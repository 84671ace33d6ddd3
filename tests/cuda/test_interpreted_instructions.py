"""The interpreter's instructions, each in a kernel of hand-written PTX, against exact definitions and the spec."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest

from int8sim.kernels.cuda.interpreter.execute import run_text
from int8sim.kernels.cuda.interpreter.threads import Grid
from int8sim.model.errors import PtxError
from int8sim.spec import cvt, dp4a, float32, mma, video
from int8sim.spec.integers import wrap
from int8sim.spec.rounding import Rounding

REGISTERS = ".reg .pred %p<9>; .reg .b32 %r<99>; .reg .b64 %rd<40>;"
HEADER = ".version 9.0\n.target sm_80\n.address_size 64\n"
NAMES = "zxyw"


def kernel(body: str, types: tuple[str, ...], count: int) -> str:
    """Every thread: its own words of the arrays into %x, %y, %w; the body; %z, of types[0], into the result."""
    takes = ", ".join(f".param .u64 p{i}" for i in range(7 * len(types)))
    lines = [HEADER, f".visible .entry k({takes})", "{", REGISTERS]
    lines += [f".reg .{kind} %{name};" for kind, name in zip(types, NAMES, strict=False)]
    lines += ["mov.u32 %r0, %tid.x;", "mov.u32 %r1, %ctaid.x;", "mov.u32 %r2, %ntid.x;"]
    lines += ["mad.lo.s32 %r0, %r1, %r2, %r0;", f"setp.ge.s32 %p0, %r0, {count};", "@%p0 ret;"]
    for i, kind in enumerate(types):
        size = int(kind[1:]) // 8
        lines += [f"ld.param.u64 %rd{i}, [p{7 * i + 4}];", f"mul.wide.s32 %rd{i + 10}, %r0, {size};"]
        lines += [f"add.s64 %rd{i}, %rd{i}, %rd{i + 10};"]
        lines += [f"ld.global.{kind} %{NAMES[i]}, [%rd{i}];"] if i else []
    return "\n".join([*lines, body, f"st.global.{types[0]} [%rd0], %z;", "ret;", "}"])


def run(body: str, types: tuple[str, ...], *arrays: np.ndarray) -> np.ndarray:
    """The words that the body leaves in %z; types: of the result, then of each array."""
    count = arrays[0].size
    words = [np.ascontiguousarray(each).view(f"u{each.itemsize}") for each in arrays]
    out = np.zeros(count, f"u{int(types[0][1:]) // 8}")
    run_text(kernel(body, types, count), Grid((-(-count // 32), 1, 1), (32, 1, 1)), [out, *words])
    return out


def patterns(bits: int, count: int, seed: int = 0) -> np.ndarray:
    """Any words, the ends of their range and small numbers often."""
    rng = np.random.default_rng(seed)
    words = (
        rng.integers(0, 1 << bits, count, np.uint64, endpoint=False)
        if bits < 64
        else rng.integers(0, 1 << 64, count, np.uint64)
    )
    top = 1 << (bits - 1)
    special = np.array([0, 1, 2, 3, 5, top - 1, top, top + 1, 2 * top - 1, 2 * top - 2], np.uint64)
    return np.where(rng.random(count) < 0.5, rng.choice(special, count), words).astype(f"u{bits // 8}")


def signed(words: np.ndarray, letter: str) -> list[int]:
    return [int(each) for each in (words.view(f"i{words.itemsize}") if letter == "s" else words)]


def truncated(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


INTEGER = {
    "add": lambda a, b, _: a + b,
    "sub": lambda a, b, _: a - b,
    "mul.lo": lambda a, b, _: a * b,
    "mul.hi": lambda a, b, bits: a * b >> bits,
    "min": lambda a, b, _: min(a, b),
    "max": lambda a, b, _: max(a, b),
    "div": lambda a, b, _: truncated(a, b) if b else None,
    "rem": lambda a, b, _: a - b * truncated(a, b) if b else None,
}


@pytest.mark.parametrize("name", INTEGER)
@pytest.mark.parametrize("kind", ["s16", "u16", "s32", "u32", "s64", "u64"])
def test_integer_arithmetic(name, kind, compared):
    bits = int(kind[1:])
    x, y = patterns(bits, 3000, 1), patterns(bits, 3000, 2)
    found = run(f"{name}.{kind} %z, %x, %y;", (f"b{bits}",) * 3, x, y)
    pairs = zip(signed(x, kind[0]), signed(y, kind[0]), found, strict=True)
    expected = [(INTEGER[name](a, b, bits), z) for a, b, z in pairs]
    assert all(int(z) == want % (1 << bits) for want, z in expected if want is not None)
    compared(sum(want is not None for want, _ in expected))


@pytest.mark.parametrize("kind", ["s16", "u16", "s32", "u32"])
def test_wide_products(kind, compared):
    bits = int(kind[1:])
    x, y = patterns(bits, 2000, 3), patterns(bits, 2000, 4)
    found = run(f"mul.wide.{kind} %z, %x, %y;", (f"b{2 * bits}", f"b{bits}", f"b{bits}"), x, y)
    pairs = zip(signed(x, kind[0]), signed(y, kind[0]), strict=True)
    assert found.tolist() == [a * b % (1 << 2 * bits) for a, b in pairs]
    compared(found.size)


@pytest.mark.parametrize("kind", ["s16", "u16", "s32", "u32", "s64", "u64"])
def test_sums_with_a_product(kind, compared):
    bits = int(kind[1:])
    x, y, w = (patterns(bits, 2000, i) for i in (5, 6, 7))
    triples = list(zip(*(signed(each, kind[0]) for each in (x, y, w)), strict=True))
    low = run(f"mad.lo.{kind} %z, %x, %y, %w;", (f"b{bits}",) * 4, x, y, w)
    assert low.tolist() == [(a * b + c) % (1 << bits) for a, b, c in triples]
    if bits < 64:
        wide = w.astype(f"u{bits // 4}") * 77
        found = run(
            f"mad.wide.{kind} %z, %x, %y, %w;", (f"b{2 * bits}", f"b{bits}", f"b{bits}", f"b{2 * bits}"), x, y, wide
        )
        sums = zip(triples, signed(wide, kind[0]), strict=True)
        assert found.tolist() == [(a * b + c) % (1 << 2 * bits) for (a, b, _), c in sums]
    compared(2 * low.size)


@pytest.mark.parametrize("kind", ["b16", "b32", "b64", "s16", "s32", "s64", "u16", "u32", "u64"])
@pytest.mark.parametrize("name", ["shl", "shr"])
def test_shifts_clamp_their_count(name, kind, compared):
    bits = int(kind[1:])
    name = f"{name}.b{bits}" if name == "shl" else f"{name}.{kind}"
    x = patterns(bits, 3000, 8)
    count = (
        np.random.default_rng(9)
        .choice([0, 1, 7, bits - 1, bits, bits + 1, 200, 2**31, 2**32 - 1], 3000)
        .astype(np.uint32)
    )
    found = run(f"{name} %z, %x, %y;", (f"b{bits}", f"b{bits}", "b32"), x, count)
    far = [min(int(each), bits) for each in count]
    pairs = zip(signed(x, kind[0]), far, strict=True)
    expected = [(a << n if "shl" in name else a >> n) % (1 << bits) for a, n in pairs]
    assert found.tolist() == expected
    compared(found.size)


@pytest.mark.parametrize("form", ["l.wrap", "r.wrap", "l.clamp", "r.clamp"])
def test_funnel_shifts(form, compared):
    x, y = patterns(32, 2000, 10), patterns(32, 2000, 11)
    count = np.random.default_rng(12).integers(0, 70, 2000).astype(np.uint32)
    found = run(f"shf.{form}.b32 %z, %x, %y, %w;", ("b32",) * 4, x, y, count)
    for a, b, n, z in zip(x.tolist(), y.tolist(), count.tolist(), found.tolist(), strict=True):
        by = n & 31 if "wrap" in form else min(n, 32)
        both = b << 32 | a
        assert z == (both << by >> 32 if form[0] == "l" else both >> by) % (1 << 32)
    compared(found.size)


@pytest.mark.parametrize("kind", ["u32", "s32", "u64", "s64"])
def test_bit_fields(kind, compared):
    """By the manual's own loop."""
    bits = int(kind[1:])
    x, y = patterns(bits, 2000, 13), patterns(bits, 2000, 14)
    rng = np.random.default_rng(15)
    at, count = (rng.integers(0, 80, 2000).astype(np.uint32) for _ in range(2))
    packed = at | count << 8
    take = "and.b32 %r3, %w, 255; shr.u32 %r4, %w, 8;"
    types = (f"b{bits}", f"b{bits}", f"b{bits}", "b32")
    found = run(f"{take} bfe.{kind} %z, %x, %r3, %r4;", types, x, y, packed)
    made = run(f"{take} bfi.b{bits} %z, %x, %y, %r3, %r4;", types, x, y, packed)
    for a, b, p, n, z, f in zip(*(each.tolist() for each in (x, y, at, count, found, made)), strict=True):
        sign = 0 if kind[0] == "u" or n == 0 else a >> min(p + n - 1, bits - 1) & 1
        field = [(a >> (p + i) & 1) if i < n and p + i < bits else sign for i in range(bits)]
        assert z == sum(bit << i for i, bit in enumerate(field))
        into = [(a >> (i - p) & 1) if p <= i < p + n else b >> i & 1 for i in range(bits)]
        assert f == sum(bit << i for i, bit in enumerate(into))
    compared(2 * found.size)


def test_bytes_permuted(compared):
    x, y, w = (patterns(32, 3000, i) for i in (16, 17, 18))
    found = run("prmt.b32 %z, %x, %y, %w;", ("b32",) * 4, x, y, w)
    for a, b, s, z in zip(*(each.tolist() for each in (x, y, w, found)), strict=True):
        pool = (b << 32 | a).to_bytes(8, "little")
        chosen = [(s >> 4 * i & 15) for i in range(4)]
        assert z == sum((255 * (pool[c & 7] >> 7) if c & 8 else pool[c & 7]) << 8 * i for i, c in enumerate(chosen))
    compared(found.size)


@pytest.mark.parametrize("table", [0xE8, 0x96, 0x1D, 0x80])
def test_any_logic_of_three(table, compared):
    x, y, w = (patterns(32, 500, i) for i in (19, 20, 21))
    found = run(f"lop3.b32 %z, %x, %y, %w, {table};", ("b32",) * 4, x, y, w)
    for a, b, c, z in zip(*(each.tolist() for each in (x, y, w, found)), strict=True):
        places = [4 * (a >> i & 1) + 2 * (b >> i & 1) + (c >> i & 1) for i in range(32)]
        assert z == sum((table >> place & 1) << i for i, place in enumerate(places))
    compared(found.size)


@pytest.mark.parametrize("bits", [32, 64])
def test_bits_counted_and_reversed(bits, compared):
    x = patterns(bits, 2000, 22)
    types = ("b32", f"b{bits}")
    assert run(f"popc.b{bits} %z, %x;", types, x).tolist() == [each.bit_count() for each in x.tolist()]
    assert run(f"clz.b{bits} %z, %x;", types, x).tolist() == [bits - each.bit_length() for each in x.tolist()]
    mirrored = [int(f"{each:0{bits}b}"[::-1], 2) for each in x.tolist()]
    assert run(f"brev.b{bits} %z, %x;", (f"b{bits}",) * 2, x).tolist() == mirrored
    compared(3 * x.size)


def test_narrow_values_in_wide_registers(compared):
    """ld and cvt extend by their own sign; st and the sources of cvt take the low bits."""
    x = np.arange(256, dtype=np.uint8)
    for letter in "su":
        values = [int(each) for each in x.view("i1" if letter == "s" else "u1")]
        found = run(f"ld.global.{letter}8 %r3, [%rd1]; cvt.s64.s32 %z, %r3;", ("b64", "b8"), x)
        assert found.tolist() == [each % (1 << 64) for each in values]
        wide = x.astype(np.uint32) + 0xABCD00
        assert run(f"cvt.{letter}64.{letter}8 %z, %x;", ("b64", "b32"), wide).tolist() == found.tolist()
        assert run("st.global.u8 [%rd0], %x; ld.global.u8 %z, [%rd0];", ("b8", "b32"), wide).tolist() == x.tolist()
    compared(6 * x.size)


def reals(count: int, seed: int) -> np.ndarray:
    """Patterns of float32: any, and such as meet at ties, cancel, are subnormal or no numbers."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 32, count, np.uint64).astype(np.uint32)
    near = (rng.integers(-300, 300, count) / 2).astype(np.float32).view(np.uint32)
    special = np.array(
        [0, 1 << 31, 1, 0x80000001, 0x7F800000, 0xFF800000, 0x7FC00001, 0x7F7FFFFF, 0x00800000, 0x3F800001], np.uint32
    )
    kinds = rng.random(count)
    return np.where(kinds < 0.3, near, np.where(kinds < 0.5, rng.choice(special, count), words)).astype(np.uint32)


def value(word: int) -> float:
    return float32.float32_from_bits(int(word))


def cancelling(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What all but cancels the products."""
    with np.errstate(all="ignore"):
        return (-x.view(np.float32) * y.view(np.float32)).view(np.uint32)


def nearest(exact: Fraction, zero: float) -> int:
    """The pattern of an exact result; zero: where it is 0, with its sign."""
    return int(np.float32(zero).view(np.uint32)) if exact == 0 else float32.float32_bits(float32.float32(exact))


def test_the_fused_product_rounds_once(compared):
    x, y = reals(4000, 23), reals(4000, 24)
    w = np.where(
        np.random.default_rng(25).random(4000) < 0.5,
        reals(4000, 26),
        cancelling(x, y),
    )
    found = run("fma.rn.f32 %z, %x, %y, %w;", ("f32",) * 4, x, y, w)
    for a, b, c, z in zip(x, y, w, found, strict=True):
        numbers = [value(each) for each in (a, b, c)]
        expected = float32.fma(*numbers)
        assert z == (0x7FFFFFFF if expected != expected else float32.float32_bits(expected)), numbers
    compared(found.size)


def test_arithmetic_of_float32(compared):
    """Against the specification's float32 of exact results; a NaN has one pattern."""
    x, y = reals(4000, 27), reals(4000, 28)
    exact = {
        "add": lambda a, b: a + b,
        "sub": lambda a, b: a - b,
        "mul.rn": lambda a, b: a * b,
        "div.rn": lambda a, b: a / b,
    }
    for name, function in exact.items():
        found = run(f"{name}.f32 %z, %x, %y;", ("f32",) * 3, x, y)
        with np.errstate(all="ignore"):
            plain = function(*(each.view(np.float32).astype(np.float64) for each in (x, y)))
        for a, b, near, z in zip(x, y, plain, found, strict=True):
            one, two = value(a), value(b)
            if not np.isfinite([one, two]).all() or (name == "div.rn" and two == 0):
                assert z == (0x7FFFFFFF if np.isnan(near) else np.float32(near).view(np.uint32))
            else:
                assert z == nearest(function(Fraction(one), Fraction(two)), near), (name, one, two)
        compared(found.size)


@pytest.mark.parametrize("name", ["min", "max"])
def test_the_lesser_and_the_greater_of_reals(name, compared):
    x, y = reals(3000, 29), reals(3000, 30)
    found = run(f"{name}.f32 %z, %x, %y;", ("f32",) * 3, x, y)
    for a, b, z in zip(x, y, found, strict=True):
        one, two = value(a), value(b)
        numbers = [int(word) for word, number in ((a, one), (b, two)) if number == number]
        order = sorted(numbers, key=lambda word: (value(word), not word >> 31))
        assert z == (order[0 if name == "min" else -1] if order else 0x7FFFFFFF)
    compared(found.size)


@pytest.mark.parametrize(
    "relation", ["eq", "ne", "lt", "le", "gt", "ge", "equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan"]
)
def test_comparisons_of_reals(relation, compared):
    x, y = reals(2000, 31), reals(2000, 32)
    found = run(f"setp.{relation}.f32 %p1, %x, %y; selp.b32 %z, 1, 0, %p1;", ("b32", "f32", "f32"), x, y)
    names = {"eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__"}
    for a, b, z in zip(x, y, found, strict=True):
        one, two = value(a), value(b)
        unordered = one != one or two != two
        if relation in {"num", "nan"}:
            assert z == (unordered == (relation == "nan"))
        else:
            assert z == (len(relation) == 3 if unordered else getattr(one, names[relation[:2]])(two))
    compared(found.size)


@pytest.mark.parametrize("relation", ["eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs"])
def test_comparisons_of_integers(relation, compared):
    x, y = patterns(32, 2000, 33), patterns(32, 2000, 34)
    kind = "u32" if relation in {"lo", "ls", "hi", "hs"} else "s32"
    both = f"setp.eq.s32 %p2, %x, %x; setp.{relation}.and.{kind} %p1|%p3, %x, %y, %p2;"
    found = run(f"{both} selp.u32 %z, 1, 0, %p1; @%p3 add.s32 %z, %z, 2;", ("b32",) * 3, x, y)
    tests = {"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
    holds = [
        getattr(a, f"__{tests.get(relation, relation)}__")(b)
        for a, b in zip(signed(x, kind[0]), signed(y, kind[0]), strict=True)
    ]
    assert found.tolist() == [1 if each else 2 for each in holds]
    compared(found.size)


def widened(words: np.ndarray) -> np.ndarray:
    """Patterns of float32 as those of float64."""
    with np.errstate(invalid="ignore"):
        return words.view(np.float32).astype(np.float64).view(np.uint64)


ROUNDINGS = {"rni": Rounding.HALF_EVEN, "rzi": Rounding.TOWARD_ZERO, "rmi": Rounding.FLOOR, "rpi": Rounding.CEIL}


@pytest.mark.parametrize(("source", "bits"), list(itertools.product((32, 64), (8, 16, 32, 64))))
def test_reals_to_integers(source, bits, compared):
    words = reals(1500, 35)
    x = words if source == 32 else widened(words)
    register = max(bits, 32)
    for (name, mode), letter in itertools.product(ROUNDINGS.items(), "su"):
        found = run(f"cvt.{name}.{letter}{bits}.f{source} %z, %x;", (f"b{register}", f"f{source}"), x)
        expected = [cvt.float_to_integer(int(each), source, bits, letter == "s", mode) % (1 << register) for each in x]
        assert found.tolist() == expected
        compared(found.size)


@pytest.mark.parametrize("kind", ["s8", "u8", "s32", "u32", "s64", "u64"])
def test_integers_to_reals(kind, compared):
    x = patterns(64, 1500, 36) >> np.random.default_rng(37).integers(0, 40, 1500).astype(np.uint64)
    bits = int(kind[1:])
    for width, (name, mode) in itertools.product(
        (32, 64), {"rn": Rounding.HALF_EVEN, "rz": Rounding.TOWARD_ZERO}.items()
    ):
        found = run(f"cvt.{name}.f{width}.{kind} %z, %x;", (f"b{width}", "b64"), x)
        values = [cvt.read(int(each), bits, kind[0] == "s") for each in x]
        assert found.tolist() == [cvt.integer_to_float(each, width, mode) for each in values]
        compared(found.size)


def test_reals_to_reals(compared):
    narrow = reals(2000, 38)
    wide = patterns(64, 2000, 39)
    wide[:1000] = widened(narrow[:1000]) + np.uint64(1)
    one = run("cvt.f64.f32 %z, %x;", ("b64", "f32"), narrow)
    other = run("cvt.rn.f32.f64 %z, %x;", ("b32", "f64"), wide)
    half = run("cvt.rn.f16.f32 %z, %x;", ("b16", "f32"), narrow)
    numbers = ~np.isnan(narrow.view(np.float32))
    even = Rounding.HALF_EVEN
    assert one[numbers].tolist() == [cvt.float_to_float(int(each), 32, 64, even) for each in narrow[numbers]]
    assert other.tolist() == [cvt.float_to_float(int(each), 64, 32, even) for each in wide]
    assert half.tolist() == [cvt.float_to_float(int(each), 32, 16, even) for each in narrow]
    compared(int(numbers.sum()) + 4000)


def test_integers_to_narrow_integers(compared):
    x = patterns(32, 3000, 40)
    for (to, source), saturating in itertools.product(
        itertools.product(("s8", "u8", "s16"), ("s32", "u32")), (False, True)
    ):
        found = run(f"cvt{'.sat' * saturating}.{to}.{source} %z, %x;", ("b32", "b32"), x)
        forms = (32, source[0] == "s", int(to[1:]), to[0] == "s", saturating)
        assert found.tolist() == [cvt.integer_to_integer(int(each), *forms) % (1 << 32) for each in x]
        compared(found.size)


@pytest.mark.parametrize("types", ["s32.s32", "s32.u32", "u32.s32", "u32.u32"])
def test_dot_products(types, compared):
    x, y, w = (patterns(32, 3000, i) for i in (41, 42, 43))
    signs = [each[0] == "s" for each in types.split(".")]
    triples = [tuple(int(each) for each in triple) for triple in zip(x, y, w, strict=True)]
    found = run(f"dp4a.{types} %z, %x, %y, %w;", ("b32",) * 4, x, y, w)
    assert found.tolist() == [dp4a.dp4a(*each, *signs) % (1 << 32) for each in triples]
    for part in ("lo", "hi"):
        found = run(f"dp2a.{part}.{types} %z, %x, %y, %w;", ("b32",) * 4, x, y, w)
        assert found.tolist() == [dp4a.dp2a(*each, part == "hi", *signs) % (1 << 32) for each in triples]
    compared(3 * found.size)


def test_words_packed_and_bytes_added(compared):
    x, y, w = (patterns(32, 3000, i) for i in (44, 45, 46))
    for letter in "su":
        found = run(f"cvt.pack.sat.{letter}8.s32.b32 %z, %x, %y, %w;", ("b32",) * 4, x, y, w)
        triples = zip(signed(x, "s"), signed(y, "s"), w.tolist(), strict=True)
        assert found.tolist() == [cvt.pack_saturate(a, b, c, letter == "s") for a, b, c in triples]
        added = run(f"vadd4.{letter}32.{letter}32.{letter}32.sat %z, %x, %y, %w;", ("b32",) * 4, x, y, w)
        pairs = zip(x.tolist(), y.tolist(), strict=True)
        assert added.tolist() == [video.vadd4(a, b, 0, *[letter == "s"] * 3, True) for a, b in pairs]
    sums = run("add.sat.s32 %z, %x, %y;", ("b32",) * 3, x, y)
    pairs = zip(signed(x, "s"), signed(y, "s"), strict=True)
    assert sums.tolist() == [min(max(a + b, -(2**31)), 2**31 - 1) % (1 << 32) for a, b in pairs]
    compared(5 * x.size)


def one_warp(body: str, shared: int, *arrays: np.ndarray, threads: int = 32) -> None:
    """A block; %rd0 ... are the arrays' addresses, %r0 the thread."""
    sizes = [5 + 2 * array.ndim for array in arrays]
    lines = [f".visible .entry k({', '.join(f'.param .u64 p{i}' for i in range(sum(sizes)))})", "{", REGISTERS]
    lines += [f".shared .align 16 .b8 tile[{shared}];"] if shared else []
    lines += [f"ld.param.u64 %rd{i}, [p{sum(sizes[:i]) + 4}];" for i in range(len(arrays))]
    text = "\n".join([HEADER, *lines, "mov.u32 %r0, %tid.x;", body, "ret;", "}"])
    run_text(text, Grid((1, 1, 1), (threads, 1, 1)), list(arrays))


@pytest.mark.parametrize("mode", ["", ".satfinite"])
@pytest.mark.parametrize(
    ("shape", "counts"), [("m8n8k16", (1, 1, 2)), ("m16n8k16", (2, 1, 4)), ("m16n8k32", (4, 2, 4))]
)
def test_matrix_products(shape, counts, mode, compared):
    for signs in itertools.product("su", repeat=2):
        a, b, c = (patterns(32, 32 * n, 47 + i).reshape(32, n) for i, n in enumerate(counts))
        out = np.zeros((32, counts[2]), np.uint32)
        lines, names, register = [], [], 10
        for i, n in enumerate(counts):
            lines += [f"mul.wide.u32 %rd20, %r0, {4 * n};", f"add.s64 %rd2{i + 1}, %rd{i}, %rd20;"]
            names.append([f"%r{register + j}" for j in range(n)])
            lines += [f"ld.global.u32 {name}, [%rd2{i + 1}+{4 * j}];" for j, name in enumerate(names[-1])]
            register += n
        results = [f"%r{register + j}" for j in range(counts[2])]
        groups = ", ".join(f"{{{', '.join(group)}}}" for group in [results, *names])
        lines += [f"mma.sync.aligned.{shape}.row.col{mode}.s32.{signs[0]}8.{signs[1]}8.s32 {groups};"]
        lines += [f"mul.wide.u32 %rd20, %r0, {4 * counts[2]};", "add.s64 %rd30, %rd3, %rd20;"]
        lines += [f"st.global.u32 [%rd30+{4 * j}], {name};" for j, name in enumerate(results)]
        one_warp("\n".join(lines), 0, a, b, c, out)
        flags = [each == "s" for each in signs]
        expected = mma.mma(a.tolist(), b.tolist(), c.view(np.int32).tolist(), *flags, mode != "")
        assert out.view(np.int32).tolist() == expected
        compared(out.size)


def test_matrices_loaded(compared):
    """ldmatrix.x4: word t % 4 of row t // 4 of each matrix; threads 8 m + r name row r of matrix m."""
    data, out = patterns(32, 128, 50), np.zeros((32, 4), np.uint32)
    body = """
mul.wide.u32 %rd5, %r0, 16; add.s64 %rd6, %rd0, %rd5; ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd6];
mov.u32 %r5, tile; xor.b32 %r6, %r0, 5; mul.lo.u32 %r6, %r6, 16; add.u32 %r7, %r5, %r6;
st.shared.v4.u32 [%r7], {%r1, %r2, %r3, %r4}; bar.sync 0;
ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r7];
add.s64 %rd7, %rd1, %rd5; st.global.v4.u32 [%rd7], {%r10, %r11, %r12, %r13};"""
    one_warp(body, 512, data, out)
    rows = data.reshape(32, 4)
    assert out.tolist() == [[int(rows[8 * m + t // 4, t % 4]) for m in range(4)] for t in range(32)]
    compared(out.size)


COPIED = """
mul.wide.u32 %rd5, %r0, 16; add.s64 %rd6, %rd0, %rd5; cvt.u32.u64 %r6, %rd5;
mov.u32 %r5, tile; add.u32 %r7, %r5, %r6;
and.b32 %r8, %r0, 15; cp.async.cg.shared.global [%r7], [%rd6], 16, %r8; cp.async.commit_group; {wait}
xor.b32 %r9, %r0, {other}; mul.lo.u32 %r9, %r9, 16; add.u32 %r9, %r5, %r9;
ld.shared.v4.u32 {{%r1, %r2, %r3, %r4}}, [%r9];
add.s64 %rd7, %rd1, %rd5; st.global.v4.u32 [%rd7], {{%r1, %r2, %r3, %r4}};"""


def test_copies_are_there_once_they_were_waited_for(compared):
    data, out = patterns(32, 128, 51), np.zeros((32, 4), np.uint32)
    one_warp(COPIED.format(wait="cp.async.wait_group 0; bar.sync 0;", other=9), 512, data, out)
    rows = data.view(np.uint8).reshape(32, 16)
    expected = np.where(np.arange(16) < (np.arange(32) & 15)[:, None], rows, 0)[np.arange(32) ^ 9]
    assert np.array_equal(out.view(np.uint8).reshape(32, 16), expected)
    one_warp(COPIED.format(wait="cp.async.wait_group 1;", other=0), 512, data, out)
    assert (out == 0xA5A5A5A5).all()
    compared(1024)


EXCHANGED = """
mul.wide.u32 %rd5, %r0, 4; cvt.u32.u64 %r6, %rd5; mov.u32 %r5, tile; add.u32 %r7, %r5, %r6; {first}
st.shared.u32 [%r7], %r0; {barrier} xor.b32 %r8, %r6, 4; add.u32 %r8, %r5, %r8; ld.shared.u32 %r9, [%r8];
add.s64 %rd6, %rd0, %rd5; st.global.u32 [%rd6], %r9;"""


def test_values_exchanged_by_the_threads_of_a_block():
    out = np.zeros(64, np.uint32)
    one_warp(EXCHANGED.format(first="", barrier="bar.sync 0;"), 256, out, threads=64)
    assert out.tolist() == [t ^ 1 for t in range(64)]


def test_a_missing_barrier_is_seen():
    with pytest.raises(PtxError, match="thread 0 reads what thread 1 wrote, with no barrier between"):
        one_warp(EXCHANGED.format(first="", barrier=""), 256, np.zeros(64, np.uint32), threads=64)


COUNTED = """
mul.wide.u32 %rd5, %r0, 4; cvt.u32.u64 %r6, %rd5; mov.u32 %r5, tile; add.u32 %r7, %r5, %r6; mov.u32 %r9, 0;
st.shared.u32 [%r7], %r9; {barrier} mov.u32 %r8, 1; red.shared.add.u32 [%r5], %r8; bar.sync 0;
ld.shared.u32 %r9, [%r5]; add.s64 %rd6, %rd0, %rd5; st.global.u32 [%rd6], %r9;"""


def test_atomic_operations_exclude_one_another():
    out = np.zeros(64, np.uint32)
    one_warp(COUNTED.format(barrier="bar.sync 0;"), 256, out, threads=64)
    assert out.tolist() == [64] * 64


def test_an_atomic_operation_excludes_nothing_else():
    with pytest.raises(PtxError, match="thread 1 changes what thread 0 wrote, with no barrier between"):
        one_warp(COUNTED.format(barrier=""), 256, np.zeros(64, np.uint32), threads=64)


def test_a_barrier_that_some_never_reach_is_seen():
    """Threads that have ended do not arrive."""
    first = "setp.eq.u32 %p0, %r0, 7; @%p0 ret;"
    with pytest.raises(PtxError, match=r"bar.sync 0: threads wait here for others of their block, which never come"):
        one_warp(EXCHANGED.format(first=first, barrier="bar.sync 0;"), 256, np.zeros(64, np.uint32), threads=64)


def test_threads_that_part_meet_again(compared):
    """A loop of as many turns as the thread's number, with a branch in it."""
    body = """
mov.u32 %r1, 0; mov.u32 %r2, 0;
again: setp.ge.u32 %p0, %r1, %r0; @%p0 bra done; and.b32 %r3, %r1, 1; setp.eq.u32 %p1, %r3, 0; @!%p1 bra odd;
add.u32 %r2, %r2, 100; bra.uni next;
odd: add.u32 %r2, %r2, 1;
next: add.u32 %r1, %r1, 1; bra again;
done: bar.sync 0; mul.wide.u32 %rd5, %r0, 4; add.s64 %rd6, %rd0, %rd5; st.global.u32 [%rd6], %r2;"""
    out = np.zeros(70, np.uint32)
    one_warp(body, 0, out, threads=70)
    assert out.tolist() == [-(-t // 2) * 100 + t // 2 for t in range(70)]
    compared(out.size)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ex2.approx.f32 %r1, %r2;", "ex2.approx.f32 %r1, %r2: the interpreter does not know this instruction"),
        ("add.ftz.f32 %r1, %r2, %r3;", "does not know this instruction"),
        ("add.u32 %r1, %r2, %r3;", "register %r2 is read before anything is written to it"),
        ("ld.global.u32 %r1, [%rd0+64];", "is in no array"),
        ("ld.global.u32 %r1, [%rd0+-4];", "is in no array"),
        ("ld.global.u32 %r1, [%rd0+2];", "no multiple of 4"),
        ("st.global.u32 [%rd0], %r0;", "writes what thread .* writes at once"),
        ("mul.wide.u32 %rd5, %r0, 4; add.s64 %rd6, %rd0, %rd5; ld.global.u32 %r1, [%rd0]; st.global.u32 [%rd6], %r1;",
         "thread 0 writes what thread another read"),
        ("call.uni helper, (%r0);", "does not know this instruction"),
        ("add.u32 %q1, %r0, %r0;", "no such register"),
    ],
)  # fmt: skip
def test_what_is_refused(code, message):
    with pytest.raises(PtxError, match=message):
        one_warp(code, 0, np.zeros(16, np.uint32), threads=16)


def test_wraps_are_exact():
    assert run("neg.s32 %z, %x;", ("b32", "b32"), np.array([1 << 31], np.uint32)).tolist() == [1 << 31]
    assert run("abs.s32 %z, %x;", ("b32", "b32"), np.array([1 << 31], np.uint32)).tolist() == [1 << 31]
    assert wrap(-(1 << 31), 32) == -(1 << 31)
