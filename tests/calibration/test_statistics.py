"""Statistics of one tensor: bins against exact fractions, TensorRT's growing range, merging in any order."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from int8sim.calibration.statistics import MergeableStatistics, TensorRTStatistics, merged
from int8sim.kernels.cpu.histogram import count, extremes, factor
from int8sim.model.errors import UnmergeableError
from int8sim.spec.calibration import histogram_bin

FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(float(np.float32(1e-45)), float(np.finfo(np.float32).max), width=32)


def exact_bin(magnitude, limit, bins):
    return min(math.floor(Fraction(magnitude) * bins / Fraction(limit)), bins - 1)


@settings(max_examples=500)
@given(POSITIVE, st.floats(0, 1, width=32), st.sampled_from([2048, 4096]))
def test_the_bin_is_the_exact_floor(limit, fraction, bins):
    magnitude = float(np.float32(np.float32(limit) * np.float32(fraction)))
    assume(magnitude <= limit)
    expected = exact_bin(magnitude, limit, bins)
    assert histogram_bin(magnitude, limit, bins) == expected
    assert min(int(magnitude * factor(limit, bins)), bins - 1) == expected


@settings(max_examples=500)
@given(POSITIVE, st.integers(0, 4096), st.integers(-2, 2), st.sampled_from([2048, 4096]))
def test_the_bin_is_exact_at_and_beside_every_edge(limit, edge, steps, bins):
    """The float32 values next to edge * limit / bins, where a quotient that is off by one unit would show."""
    near = np.float32(Fraction(edge % (bins + 1)) * Fraction(limit) / bins)
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.finfo(np.float32).max if steps > 0 else np.float32(0))
    magnitude = float(near)
    assume(magnitude <= limit)
    counts = np.zeros(bins, np.int64)
    count(np.array([magnitude], np.float32), limit, counts)
    assert np.flatnonzero(counts).tolist() == [exact_bin(magnitude, limit, bins)]
    assert histogram_bin(magnitude, limit, bins) == exact_bin(magnitude, limit, bins)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 1023, 1024, 1025, 100_003])
def test_counts_are_those_of_the_definition(size, compared):
    values = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    limit = float(np.abs(values).max()) if size else 1.0
    counts = np.zeros(2048, np.int64)
    count(values, limit, counts)
    bins = [histogram_bin(abs(value), limit, 2048) for value in values.tolist()]
    assert np.array_equal(counts, np.bincount(np.array(bins, int), minlength=2048))
    compared(2048)


@given(st.lists(FLOAT32, min_size=1, max_size=50))
def test_extremes(values):
    low, high = extremes(np.array(values, np.float32))
    assert (low, high) == (min(values) + 0.0, max(values) + 0.0)
    assert math.copysign(1, low or 1.0) == math.copysign(1, low)


@pytest.mark.parametrize("bad", [math.nan, -math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", [TensorRTStatistics, MergeableStatistics])
def test_not_finite_values_add_nothing(kind, bad):
    statistics = kind()
    assert not statistics.add(np.array([1.0, bad, 2.0], np.float32))
    assert (statistics.elements, int(statistics.counts.sum())) == (0, 0)


def test_range_is_the_first_batch_and_doubles():
    """Values of 1, then 3: the range becomes 4, not 3; the counts of pairs merge."""
    statistics = TensorRTStatistics()
    statistics.add(np.array([1.0, -0.25], np.float32))
    assert statistics.limit == 1.0
    statistics.add(np.array([-3.0], np.float32))
    assert statistics.limit == 4.0
    assert np.flatnonzero(statistics.counts).tolist() == [128, 511, 1536]
    assert (statistics.low, statistics.high, statistics.elements) == (-3.0, 1.0, 3)


def test_order_of_batches_matters_to_tensorrt_statistics():
    limits = []
    for order in ((0.7, 1.0), (1.0, 0.7)):
        statistics = TensorRTStatistics()
        for value in order:
            statistics.add(np.array([value], np.float32))
        limits.append(statistics.limit)
    assert limits == [float(np.float32(0.7)) * 2, 1.0]


def test_first_batch_of_zeros_sets_no_range():
    statistics = TensorRTStatistics()
    statistics.add(np.zeros(4, np.float32))
    assert (statistics.limit, int(statistics.counts[0])) == (0.0, 4)
    statistics.add(np.array([0.5], np.float32))
    assert (statistics.limit, int(statistics.counts[0]), statistics.first_peak) == (0.5, 4, 0.0)


def gathered(parts):
    statistics = MergeableStatistics()
    for part in parts:
        statistics.add(np.array(part, np.float32))
    return statistics


def state(statistics):
    return (statistics.limit, statistics.counts.tolist(), statistics.low, statistics.high, statistics.elements)


def plain(values):
    """Range and counts from all values at once, by exact fractions."""
    peak = max(abs(value) for value in values)
    if peak == 0.0:
        return 0.0, {0: len(values)}
    limit = next(2.0**power for power in range(-150, 130) if 2.0**power > peak)
    bins = [math.floor(Fraction(abs(value)) * 4096 / Fraction(limit)) for value in values]
    return limit, {place: bins.count(place) for place in set(bins)}


@settings(max_examples=150)
@given(st.data(), st.lists(FLOAT32, min_size=1, max_size=40))
def test_mergeable_statistics_do_not_depend_on_batches_order_or_shards(data, values):
    """Any cut into batches, any order, any tree of merges: the same state, which is that of the plain definition."""
    whole = gathered([values])
    limit, bins = plain(values)
    assert whole.limit == limit
    assert {place: int(whole.counts[place]) for place in np.flatnonzero(whole.counts)} == bins
    shuffled = data.draw(st.permutations(values))
    cuts = sorted(data.draw(st.lists(st.integers(1, len(values)), max_size=5)))
    parts = [part for part in (shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(values)], strict=True)) if part]
    assert state(gathered(parts)) == state(whole)
    shards = [gathered([part]) for part in parts]
    while len(shards) > 1:
        other = shards.pop(data.draw(st.integers(1, len(shards) - 1)))
        shards[0] = merged(*data.draw(st.permutations([shards[0], other])))
    assert state(shards[0]) == state(whole)


@settings(max_examples=50)
@given(st.lists(FLOAT32, min_size=1, max_size=20), st.lists(FLOAT32, min_size=1, max_size=20))
def test_at_least_half_of_the_bins_are_in_use(first, second):
    statistics = merged(gathered([first]), gathered([second]))
    if statistics.amax > 0:
        assert statistics.limit / 2 <= statistics.amax < statistics.limit


def test_tensorrt_statistics_do_not_merge():
    with pytest.raises(UnmergeableError, match="statistics='mergeable'"):
        merged(TensorRTStatistics(), MergeableStatistics())
