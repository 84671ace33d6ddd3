"""NVDLA's shifters by Fraction, written without looking at int8sim.spec."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import strategies as st

from .exact import clip, half_away

OUT_BITS = st.sampled_from([8, 16])
SHIFTS = st.integers(0, 63)
FLAGS = st.booleans()


def ends(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def shifted(value: int, shift: int, width: int, bits: int) -> int:
    """Ties away from zero, saturated; 0 from the input's width on."""
    return clip(half_away(Fraction(value, 2**shift)), *ends(bits)) if shift < width else 0


def overflows(value: int, shift: int, width: int, bits: int) -> bool:
    """Whether a positive value rounds, or a negative one floors, beyond the word."""
    if shift >= width:
        return False
    exact = Fraction(value, 2**shift)
    return math.floor(exact) < ends(bits)[0] if value < 0 else half_away(exact) > ends(bits)[1]
