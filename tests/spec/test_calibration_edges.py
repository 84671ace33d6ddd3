"""The calibrators' definitions at their ends: by Fraction, by 50 decimal digits, and written out."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec import calibration
from int8sim.spec.calibration import (
    candidate_divergence,
    entropy_bin,
    entropy_scale,
    histogram_bin,
    merged_bin,
    minmax_scale,
    mse_bin,
    percentile_edge,
    quantile_bin,
    quantization_noise,
)

from .exact import finite_float32, from_bits, nearest_float32

DIGITS = Context(prec=50)
POSITIVE = finite_float32().map(abs).filter(bool)


def test_sizes():
    assert (calibration.BINS, calibration.LEVELS, calibration.INT8_MAX) == (2048, 128, 127)


@given(POSITIVE, POSITIVE, st.integers(0, 12))
def test_histogram_bin_is_the_floor_of_the_exact_quotient(one, other, power):
    magnitude, limit, bins = min(one, other), max(one, other), 2**power
    exact = math.floor(Fraction(magnitude) * bins / Fraction(limit))
    assert histogram_bin(magnitude, limit, bins) == min(exact, bins - 1)


@pytest.mark.parametrize("bins", [1, 8, 2048])
def test_the_limit_itself_and_zero(bins):
    assert (histogram_bin(0.0, 3.0, bins), histogram_bin(3.0, 3.0, bins)) == (0, bins - 1)


def test_histogram_bin_at_its_edges():
    """An edge belongs to the bin above it."""
    below = from_bits(0x3F000000 - 1)
    assert [histogram_bin(x, 1.0, 4) for x in (below, 0.5, 0.75, 1.0)] == [1, 2, 3, 3]
    assert histogram_bin(0.749, 1.0, 4) == 2


def test_merged_bin():
    counts = [1, 20, 300, 4000, 50000, 600000]
    assert [merged_bin(counts, position) for position in range(6)] == [21, 4300, 650000, 0, 0, 0]


def divergence(counts: list[int], bins: int) -> Decimal:
    """P and Q as Fractions, their logarithm with 50 digits; infinite where Q misses what P has."""
    kept = counts[:bins]
    real, coded = [Fraction(count) for count in kept], [Fraction(0)] * bins
    real[-1] += sum(counts[bins:])
    for level in range(128):
        members = range(-(-level * bins // 128), -(-(level + 1) * bins // 128))  # those with j * 128 // bins == level
        occupied = [j for j in members if kept[j]]
        for j in occupied:
            coded[j] = Fraction(sum(kept[i] for i in members), len(occupied))
    if not any(kept) or any(p and not q for p, q in zip(real, coded, strict=True)):
        return Decimal("Infinity")
    whole, held = sum(real), sum(coded)
    terms = [(p / whole, q / held) for p, q in zip(real, coded, strict=True) if p]
    return sum((decimal(p) * DIGITS.ln(decimal(p / q)) for p, q in terms), Decimal(0))


def decimal(value: Fraction) -> Decimal:
    return DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))


HISTOGRAMS = {
    "sparse": [(j * j) % 7 * (j % 3 > 0) for j in range(150)],
    "decaying": [1 + 10**6 // (1 + j * j) for j in range(140)],
    "ending in zeros": [(j * 5) % 11 for j in range(140)] + [0] * 4,
    "one behind": [3] * 128 + [0] * 11 + [1],
    "large": [2**40 + j for j in range(131)],
}


@pytest.mark.parametrize("counts", HISTOGRAMS.values(), ids=list(HISTOGRAMS))
def test_candidate_divergence_is_the_definition(counts):
    for bins in sorted({128, 129, min(137, len(counts)), len(counts) - 1, len(counts)}):
        expected, found = divergence(counts, bins), candidate_divergence(counts, bins)
        if expected.is_infinite():
            assert found == math.inf
        else:
            assert abs(Decimal(found) - expected) <= Decimal("1e-14")


def test_candidate_divergence_written_out():
    """128 levels for 128 bins lose nothing but the outliers: P is (1, ..., 1, 129) / 256, Q is 1 / 128 everywhere."""
    share = 127 / 256 * math.log(1 / 2) + 129 / 256 * math.log(129 / 2)
    assert candidate_divergence([1] * 256, 128) == pytest.approx(share, rel=1e-14)
    assert candidate_divergence([1] * 256, 256) == 0.0
    assert candidate_divergence([3, 1] * 128, 256) == pytest.approx(
        0.75 * math.log(1.5) + 0.25 * math.log(0.5), rel=1e-14
    )
    assert candidate_divergence([0] * 200, 128) == math.inf
    assert candidate_divergence([0] * 150 + [7], 150) == math.inf
    assert candidate_divergence([1] * 127 + [0, 7], 128) == math.inf
    assert candidate_divergence([0] * 127 + [1], 128) == 0.0


def least(counts: list[int]) -> int:
    """The last candidate with the least divergence."""
    replaced = [counts[1], *counts[1:]]
    found = {bins: candidate_divergence(replaced, bins) for bins in range(128, len(counts) + 1)}
    return max(bins for bins, value in found.items() if value == min(found.values()))


@pytest.mark.parametrize("counts", HISTOGRAMS.values(), ids=list(HISTOGRAMS))
def test_entropy_bin_is_the_last_of_the_least(counts):
    assert entropy_bin(counts) == least(counts)


def test_entropy_bin_written_out():
    assert entropy_bin([5] * 128 + [0] * 9) == 137  # every candidate is exact: the last
    assert entropy_bin([0] * 140) == 140  # none is finite: all bins
    assert entropy_bin([1] * 127 + [0] * 10 + [1]) == 138  # each but the last has an outlier on an empty bin
    assert entropy_bin([5] * 128 + [0, 1]) == entropy_bin([10**9] + [5] * 127 + [0, 1])  # bin 0 is not looked at
    assert entropy_bin([1] * 128 + [1000]) == 129


@given(st.integers(128, 2048), POSITIVE.filter(lambda x: x < 2.0**100))
def test_entropy_scale(bins, limit):
    """One binary64 product of a half and its rounded quotient, then two roundings to float32."""
    threshold = nearest_float32(Fraction(2 * bins + 1, 2) * Fraction(limit) / 2048)
    assert entropy_scale(bins, limit) == nearest_float32(Fraction(threshold) / 127)
    assert entropy_scale(bins, limit, 4096) == nearest_float32(
        Fraction(nearest_float32(Fraction(2 * bins + 1, 2) * Fraction(limit) / 4096)) / 127
    )


@pytest.mark.parametrize(
    ("bins", "limit", "expected"),
    [(289, 18.95751953125, "0x1.59b6aap-6"), (159, 12.2403564453125, "0x1.ebed6ap-8")],
)
def test_entropy_scale_next_to_a_tie(bins, limit, expected):
    assert entropy_scale(bins, limit) == float.fromhex(expected)


@given(POSITIVE | st.floats(2.0**-100, 2.0**100))
def test_minmax_scale(amax):
    assert minmax_scale(amax) == nearest_float32(Fraction(nearest_float32(Fraction(amax))) / 127)


def test_minmax_scale_rounds_twice():
    """A binary64 amax whose float32 has another quotient than itself."""
    amax = float.fromhex("0x1.0000770001p+0")
    assert minmax_scale(amax) == nearest_float32(Fraction(amax) / 127) + 2.0**-30 == float.fromhex("0x1.020482p-7")


def first_share(counts: list[int], fraction: Fraction) -> int:
    """The first bin up to which the share of values reaches the fraction."""
    reached = 0
    for j, count in enumerate(counts):
        reached += count
        if reached >= fraction * sum(counts):
            return j
    return len(counts)


COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=12)
EIGHTHS = st.integers(1, 8).map(lambda eighths: Fraction(eighths, 8))


@given(COUNTS, EIGHTHS)
def test_quantile_bin(counts, fraction):
    """Exact in binary64: an eighth of a small whole number."""
    assert quantile_bin(counts, float(fraction)) == first_share(counts, fraction)


def test_quantile_bin_written_out():
    counts = [2, 0, 2, 4]
    assert [quantile_bin(counts, share) for share in (0.125, 0.25, 0.26, 0.5, 0.51, 1.0)] == [0, 0, 2, 2, 3, 3]
    assert quantile_bin([0, 0, 0], 0.5) == 0
    assert quantile_bin([7], 1.0) == 0
    assert quantile_bin([4, 0, 0], 1.0) == 0


@given(st.lists(st.sampled_from([0, 1, 2, 4]), min_size=1, max_size=8).map(lambda c: [*c, 2**5 - sum(c)]), EIGHTHS)
def test_percentile_edge(counts, fraction):
    """32 values: every share is exact in binary64."""
    assert percentile_edge(counts, float(fraction)) == first_share(counts, fraction)


def test_percentile_edge_written_out():
    counts = [2, 0, 2, 4]
    assert [percentile_edge(counts, share) for share in (0.125, 0.25, 0.26, 0.5, 0.51, 1.0)] == [0, 0, 2, 2, 3, 3]
    assert percentile_edge([1] * 10, 1.0) == 10  # ten times 0.1 stays below 1
    assert percentile_edge([1] * 8, 1.0) == 7
    assert percentile_edge([1] * 10, 0.8) == 8  # eight times 0.1 summed up is below 0.8
    assert percentile_edge([1] * 10, 0.3) == 2  # three times 0.1 is above 0.3


def noise(counts: list[int], limit: Fraction, amax: Fraction) -> Fraction:
    """Every count at its bin's centre, the nearest code at most 127, squared errors summed exactly."""
    width = limit / len(counts)
    centres = [(j + Fraction(1, 2)) * width for j in range(len(counts))]
    codes = [min(math.floor(centre * 127 / amax + Fraction(1, 2)), 127) for centre in centres]
    errors = [code * amax / 127 - centre for code, centre in zip(codes, centres, strict=True)]
    return sum((error * error * count for error, count in zip(errors, counts, strict=True)), Fraction(0))


def near(found: float, expected: Fraction) -> bool:
    return abs(Fraction(found) - expected) <= expected * Fraction(1, 2**40)


@given(COUNTS, st.integers(1, 5), st.integers(1, 999))
def test_quantization_noise(counts, limit, amax):
    expected = noise(counts, Fraction(limit), Fraction(amax, 7))
    assert near(quantization_noise(counts, float(limit), amax / 7), expected) or expected < Fraction(1, 10**6)


def test_quantization_noise_written_out():
    """At amax 127 codes are integers: centres 0.25, 0.75, 1.25, 1.75; beyond 127 the clip counts."""
    assert quantization_noise([1, 1, 1, 1], 2.0, 127.0) == 4 * 0.0625
    assert quantization_noise([1, 2, 3, 4], 4.0, 127.0) == (1 + 2 + 3 + 4) * 0.25  # ties round up
    assert quantization_noise([0, 5], 1024.0, 127.0) == 5 * (768.0 - 127.0) ** 2
    assert quantization_noise([1, 0], 512.0, 127.0) == 1.0  # 128 is not reached
    assert str(quantization_noise([0, 0], 1.0, 127.0)) == "0.0"
    for below in (1e-8, -1e-8):  # a value just below and just above a tie
        centre = 0.5 - below
        assert quantization_noise([1], 2 * centre, 127.0) == pytest.approx((0.5 - abs(below)) ** 2, rel=1e-12)


def mse_definition(counts: list[int], limit: Fraction) -> int:
    """The first of the least, from 128 on."""
    centres = {j: (j + Fraction(1, 2)) * limit / len(counts) for j in range(128, len(counts))}
    return min(centres, key=lambda j: (noise(counts, limit, centres[j]), j))


@pytest.mark.parametrize("name", ["sparse", "decaying", "ending in zeros", "one behind"])
def test_mse_bin_is_the_least_noise(name):
    counts = HISTOGRAMS[name]
    assert mse_bin(counts, 3.0) == mse_definition(counts, Fraction(3))


def test_mse_bin_written_out():
    assert mse_bin([0] * 140, 1.0) == 128  # all equal: the first
    assert mse_bin([0] * 150 + [1] + [0] * 9, 1.0) == 150  # no error where the centre is amax
    assert mse_bin([0] * 131 + [1], 1.0) == 131
    assert mse_bin([1], 1.0) == 128


def test_mse_bin_takes_a_bins_exact_centre_as_amax():
    """187.5 is code 127 of amax 187.5 and code 125 of amax 190.5, both without error; beside the centres 190 wins."""
    assert Fraction(375, 2) / Fraction(381, 2) == Fraction(125, 127)
    counts = [1 if j == 187 else 0 for j in range(192)]
    assert [quantization_noise(counts, 192.0, amax) for amax in (187.5, 190.5)] == [0.0, 0.0]
    assert mse_bin(counts, 192.0) == 187
