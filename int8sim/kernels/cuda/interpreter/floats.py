"""Instructions of real numbers: each result rounded once, subnormals kept, every NaN of f32 the canonical one.

NumPy's +, -, *, / and square root round as IEEE 754 has it. Source: NVIDIA, PTX ISA 9.0, Floating Point Instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

import numpy as np

from int8sim.kernels.cuda.interpreter.program import Kind
from int8sim.model.step import Array

Function = Callable[..., Array]
CANONICAL = {np.dtype(np.float32): 0x7FFFFFFF, np.dtype(np.float64): 0x7FF8000000000000}
"""The NaN that arithmetic gives; of f64 the manual leaves the pattern open."""


def canonical(values: Array) -> Array:
    """Every NaN with one pattern."""
    unordered = np.isnan(values)
    if unordered.any():
        words = values.copy().view(f"u{values.dtype.itemsize}")
        words[unordered] = CANONICAL[values.dtype]
        return words.view(values.dtype)
    return values


def _canonical(function: Callable[..., Array]) -> Function:
    return lambda _kind, *values: canonical(function(*values))


def fused(kind: Kind, a: Array, b: Array, c: Array) -> Array:
    """fma.rn: a * b + c, rounded once."""
    return canonical(_fused_32(a, b, c) if kind.bits == 32 else _fused_64(a, b, c))


def _fused_32(a: Array, b: Array, c: Array) -> Array:
    """By a float64 sum rounded to odd: its product is exact, and it has more than twice float32's bits and two."""
    product, addend = a.astype(np.float64) * b.astype(np.float64), c.astype(np.float64)
    found = product + addend
    part = found - product
    lost = (product - (found - part)) + (addend - part)
    even = (found.view(np.int64) & 1) == 0
    toward = np.where((lost > 0) == (found > 0), 1, -1)
    odd = np.where(np.isfinite(found) & (lost != 0) & even, found.view(np.int64) + toward, found.view(np.int64))
    return odd.view(np.float64).astype(np.float32)


def _fused_64(a: Array, b: Array, c: Array) -> Array:
    """By fractions, one by one."""
    plain = a * b + c
    for i, values in enumerate(zip(*np.broadcast_arrays(a, b, c), strict=True)):
        if np.isfinite(values).all():
            x, y, z = (Fraction(float(each)) for each in values)
            exact = x * y + z
            plain[i] = _nearest(exact) if exact else plain[i]
    return plain


def _nearest(exact: Fraction) -> float:
    try:
        return float(exact)
    except OverflowError:
        return np.inf if exact > 0 else -np.inf


def minimum(kind: Kind, a: Array, b: Array) -> Array:
    """The number, where one is a NaN; -0 is below +0."""
    zeros = (a == 0) & (b == 0)
    signs = (a.view(kind.word) | b.view(kind.word)).view(kind.dtype)
    return canonical(np.where(zeros, signs, np.fmin(a, b)))


def maximum(kind: Kind, a: Array, b: Array) -> Array:
    """The number, where one is a NaN; +0 is above -0."""
    zeros = (a == 0) & (b == 0)
    signs = (a.view(kind.word) & b.view(kind.word)).view(kind.dtype)
    return canonical(np.where(zeros, signs, np.fmax(a, b)))


def negative(kind: Kind, a: Array) -> Array:
    """The other sign."""
    sign = kind.word.type(1 << (kind.bits - 1))
    return canonical((a.view(kind.word) ^ sign).view(kind.dtype))


def absolute(kind: Kind, a: Array) -> Array:
    """Without the sign."""
    below = kind.word.type((1 << (kind.bits - 1)) - 1)
    return canonical((a.view(kind.word) & below).view(kind.dtype))


def with_sign(kind: Kind, a: Array, b: Array) -> Array:
    """copysign: the sign of a, all else of b."""
    sign = kind.word.type(1 << (kind.bits - 1))
    words: Array = (a.view(kind.word) & sign) | (b.view(kind.word) & ~sign)
    return words.view(kind.dtype)


REAL: Mapping[str, Function] = {
    "add": _canonical(np.add),
    "add.rn": _canonical(np.add),
    "sub": _canonical(np.subtract),
    "sub.rn": _canonical(np.subtract),
    "mul": _canonical(np.multiply),
    "mul.rn": _canonical(np.multiply),
    "div.rn": _canonical(np.divide),
    "rcp.rn": _canonical(lambda a: a.dtype.type(1) / a),
    "sqrt.rn": _canonical(np.sqrt),
    "fma.rn": fused,
    "min": minimum,
    "max": maximum,
    "neg": negative,
    "abs": absolute,
    "copysign": with_sign,
}
"""Of f32 and f64."""


def _ordered(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda a, b: function(a, b) & ~np.isnan(a) & ~np.isnan(b)


def _unordered(function: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda a, b: function(a, b) | np.isnan(a) | np.isnan(b)


_RELATIONS = {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}
COMPARISONS: Mapping[str, Callable[[Array, Array], Array]] = {
    **{name: _ordered(function) for name, function in _RELATIONS.items()},
    **{f"{name}u": _unordered(function) for name, function in _RELATIONS.items()},
    "num": lambda a, b: ~np.isnan(a) & ~np.isnan(b),
    "nan": lambda a, b: np.isnan(a) | np.isnan(b),
}
"""False for a NaN, or with u true."""
