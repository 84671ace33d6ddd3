"""Errors against exact fractions: sums, decibels, cosine, clipped values, unused codes."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from int8sim.analysis.codes import Codes
from int8sim.analysis.difference import Difference
from int8sim.model.tensor import QuantParams

PAIRS = st.lists(st.tuples(st.integers(-500, 500), st.integers(-500, 500)), min_size=1, max_size=40)


def difference(pairs, unit):
    found = Difference()
    x, y = (np.array(side, np.float32)[:, None] * unit for side in zip(*pairs, strict=True))
    found.take(x, y)
    return found


@given(PAIRS, st.sampled_from([1.0, 0.25, 2.0**-10]))
def test_sums_are_exact_and_decibels_those_of_their_quotient(pairs, unit):
    """Integers times a power of two: float64 sums are exact, so they equal the fractions'."""
    found, square = difference(pairs, unit), Fraction(unit) ** 2
    signal, noise = sum(x * x for x, _ in pairs) * square, sum((x - y) ** 2 for x, y in pairs) * square
    product, power = sum(x * y for x, y in pairs) * square, sum(y * y for _, y in pairs) * square
    sums = [found.signal, found.noise, found.product, found.power]
    assert [Fraction(each) for each in sums] == [signal, noise, product, power]
    assert found.greatest == max(abs(x - y) for x, y in pairs) * unit
    assert found.values == len(pairs)
    assume(signal and noise and power)
    assert math.isclose(found.sqnr, 10 * math.log10(signal / noise), rel_tol=1e-12, abs_tol=1e-11)
    assert math.isclose(found.cosine, product / Fraction(math.sqrt(signal * power)), rel_tol=1e-12)


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_batches_change_no_digit(size, seed):
    x, y = np.random.default_rng(seed).standard_normal((2, 11, 3, 4)).astype(np.float32)
    whole, parts = Difference(), Difference()
    whole.take(x, y)
    for start in range(0, len(x), size):
        parts.take(x[start : start + size], y[start : start + size])
    assert parts == whole


def test_nothing_and_everything_wrong():
    equal, gone, from_nothing = (difference([pair], 1.0) for pair in ((3, 3), (3, 0), (0, 3)))
    assert (equal.sqnr, equal.cosine) == (math.inf, 1.0)
    assert (gone.sqnr, gone.cosine) == (0.0, 0.0)
    assert (from_nothing.sqnr, from_nothing.cosine) == (-math.inf, 0.0)
    assert difference([(0, 0)], 1.0).cosine == 1.0


def test_values_half_a_step_beyond_the_last_code_are_clipped():
    """Scale 1/2, zero point 1: code 127 is 63, the lowest, -128, is -64.5; half a step is 0.25."""
    codes = Codes(QuantParams(0.5, 1))
    codes.take(np.array([127, 127, 127], np.int8), np.array([63.0, 63.25, 63.26], np.float32))
    codes.take(np.array([-128, -128, 0], np.int8), np.array([-64.75, -65.0, -99.0], np.float32))
    assert (codes.above, codes.below, codes.values) == (1, 1, 6)
    assert codes.unused == 253


def test_a_narrow_type_has_a_code_less():
    codes = Codes(QuantParams(1.0, narrow=True))
    codes.take(np.array([-127, 127], np.int8), np.array([-127.0, 127.0], np.float32))
    assert codes.unused == 253
