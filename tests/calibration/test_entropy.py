"""EntropyCalibration2 against what TensorRT 7.2.2 itself wrote, and against a second, plain definition."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.calibration.histogram import EntropyStatistics
from int8sim.calibration.minmax import MinMaxStatistics
from int8sim.kernels.cpu.histogram import search
from int8sim.spec import calibration
from int8sim.spec.float32 import float32_bits, float32_from_bits

FIXTURE = Path(__file__).parent / "lenet_trt7202"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text())


@pytest.mark.parametrize("tensor", EXPECTED)
def test_bins_and_scales_of_a_real_tensorrt_cache(tensor):
    """Seven (bin, bits) pairs that TensorRT 7.2.2 wrote for a LeNet, from the seven histograms."""
    histogram = np.load(FIXTURE / "histograms.npz")[tensor]
    chosen = search(histogram)
    limit = float32_from_bits(int(EXPECTED[tensor]["R_hex"], 16))
    assert chosen == EXPECTED[tensor]["i"]
    assert f"{float32_bits(calibration.entropy_scale(chosen, limit)):x}" == EXPECTED[tensor]["bits"]


@pytest.mark.parametrize(
    ("values", "bits"),
    [
        ([1.0], "3c010a14"),
        ([2.0], "3c810a14"),
        (np.exp(-np.arange(128) * np.log(10000) / 127), "3bdf4e9d"),
    ],
)
def test_rows_of_public_tables_that_need_no_data(values, bits):
    """Constants in tables of TensorRT 8.6 and 10.3: scalars 1 and 2, and a sinusoid table."""
    statistics = EntropyStatistics()
    statistics.add(np.array(values, np.float32))
    assert f"{float32_bits(statistics.row().scale):x}" == bits


def plain_search(histogram):
    """The rule once more, with NumPy and float64 sums in another order."""
    counts = histogram.astype(float)
    counts[0] = counts[1]
    divergences = []
    for bins in range(128, 2049):
        kept, p = counts[:bins], counts[:bins].copy()
        p[-1] += counts[bins:].sum()
        level = np.arange(bins) * 128 // bins
        mass, occupied = np.bincount(level, kept, 128), np.bincount(level, kept > 0, 128)
        q = np.where(kept > 0, mass[level] / np.maximum(occupied[level], 1), 0.0)
        if kept.sum() == 0 or ((p > 0) & (q == 0)).any():
            divergences.append(math.inf)
            continue
        p, q, used = p / p.sum(), q / q.sum(), p > 0
        divergences.append(float((p[used] * np.log(p[used] / q[used])).sum()))
    return np.array(divergences)


@pytest.mark.parametrize("seed", range(6))
def test_search_finds_the_least_divergence(seed):
    rng = np.random.default_rng(seed)
    values = [rng.gamma(0.3, 1, 5000), rng.laplace(0, 1, 5000), rng.standard_normal(500)][seed % 3]
    statistics = EntropyStatistics()
    statistics.add(values.astype(np.float32))
    divergences = plain_search(statistics.counts)
    chosen = search(statistics.counts)
    assert divergences[chosen - 128] <= divergences.min() * (1 + 1e-9)


def test_search_interpreted_equals_compiled():
    rng = np.random.default_rng(1)
    counts = np.bincount(np.minimum(rng.geometric(0.01, 2000), 2047), minlength=2048)
    assert calibration.entropy_bin(counts.tolist()) == search(counts)


def test_range_is_the_first_batch_and_doubles():
    """Values of 1, then 3: the range becomes 4, not 3; the counts of pairs merge."""
    statistics = EntropyStatistics()
    statistics.add(np.array([1.0, -0.25], np.float32))
    assert statistics.limit == 1.0
    statistics.add(np.array([-3.0], np.float32))
    assert statistics.limit == 4.0
    assert np.flatnonzero(statistics.counts).tolist() == [128, 511, 1536]
    assert (statistics.low, statistics.high) == (-3.0, 1.0)


def test_batch_order_matters_for_entropy_and_not_for_minmax():
    first, second = np.float32([0.7, 0.1]), np.float32([1.0, 0.3])
    limits = []
    for order in ((first, second), (second, first)):
        statistics = EntropyStatistics()
        for batch in order:
            statistics.add(batch)
        limits.append(statistics.limit)
    assert limits == [float(np.float32(0.7)) * 2, 1.0]


def test_first_batch_of_zeros_sets_no_range():
    statistics = EntropyStatistics()
    statistics.add(np.zeros(4, np.float32))
    assert statistics.row().scale == 0.0
    statistics.add(np.array([0.5], np.float32))
    assert statistics.limit == 0.5
    assert statistics.counts[0] == 4


@settings(max_examples=50)
@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=30), st.integers(1, 5))
def test_minmax_does_not_depend_on_batches(values, size):
    whole, parts = MinMaxStatistics(), MinMaxStatistics()
    whole.add(np.array(values, np.float32))
    for start in range(0, len(values), size):
        parts.add(np.array(values[start : start + size], np.float32))
    assert whole.row() == parts.row()


@settings(max_examples=200)
@given(st.floats(2.0**-100, 2.0**100, width=32), st.floats(0, 1, width=32))
def test_histogram_bin_is_the_floor(limit, fraction):
    from fractions import Fraction

    magnitude = float(np.float32(limit) * np.float32(fraction))
    exact = Fraction(magnitude) * 2048 / Fraction(limit)
    assert abs(calibration.histogram_bin(magnitude, limit) - min(math.floor(exact), 2047)) <= (
        0 if exact.denominator == 1 or abs(exact - round(exact)) > Fraction(1, 10**9) else 1
    )
