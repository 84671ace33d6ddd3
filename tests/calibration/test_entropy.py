"""EntropyCalibration2 against what TensorRT 7.2.2 itself wrote, and the fast search against its definition."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.calibration.statistics import TensorRTStatistics
from int8sim.kernels.compile import build
from int8sim.kernels.cpu.entropy import divergences, entropy_search, mse_search, noise, quantile_search
from int8sim.spec import calibration
from int8sim.spec.float32 import float32_bits, float32_from_bits

FIXTURE = Path(__file__).parent / "lenet_trt7202"
EXPECTED = json.loads((FIXTURE / "expected.json").read_text())


@pytest.mark.parametrize("tensor", EXPECTED)
def test_bins_and_scales_of_a_real_tensorrt_cache(tensor):
    """Seven (bin, bits) pairs that TensorRT 7.2.2 wrote for a LeNet, from the seven histograms."""
    histogram = np.load(FIXTURE / "histograms.npz")[tensor]
    chosen = entropy_search(histogram)
    limit = float32_from_bits(int(EXPECTED[tensor]["R_hex"], 16))
    assert chosen == EXPECTED[tensor]["i"]
    assert f"{float32_bits(calibration.entropy_scale(chosen, limit)):x}" == EXPECTED[tensor]["bits"]


def random_values(seed):
    """float32 magnitudes of one of eight shapes: smooth, piled up near 0, few, with atoms, integers, sparse."""
    rng = np.random.default_rng(seed)
    size = int(10 ** rng.uniform(0, 4))
    shapes = (
        lambda: rng.gamma(0.3, 1, size),
        lambda: rng.laplace(0, 1, size),
        lambda: rng.standard_normal(1 + size % 300),
        lambda: np.maximum(rng.standard_normal(size), 0),
        lambda: rng.integers(0, rng.integers(2, 256), size) / 3.0,
        lambda: rng.lognormal(0, 1, size),
        lambda: np.where(rng.random(size) < 0.9, 0.0, rng.exponential(1, size)),
        lambda: rng.choice(rng.standard_normal(rng.integers(1, 6)), size),
    )
    return np.abs(shapes[seed % len(shapes)]()).astype(np.float32)


def histogram_of(values):
    statistics = TensorRTStatistics()
    statistics.add(values)
    return statistics.counts


HISTOGRAMS = int(os.environ.get("INT8SIM_HISTOGRAMS", "1000"))
"""How many random histograms; 10,000 take about three minutes, since the definition does."""


@pytest.mark.parametrize("chunk", range(10))
def test_search_equals_the_definition_on_random_histograms(chunk, compared):
    """Smooth, piled up near 0, few values, atoms, ties: the same argmin as candidate by candidate."""
    definition = build(calibration.entropy_bin)
    histograms = [histogram_of(random_values(seed)) for seed in range(chunk, HISTOGRAMS, 10)]
    assert [entropy_search(h) for h in histograms] == [definition(h) for h in histograms]
    compared(len(histograms), least=HISTOGRAMS // 10)


@pytest.mark.parametrize("bins", [2048, 4096])
@pytest.mark.parametrize("seed", range(4))
def test_screening_stays_within_its_margin(seed, bins):
    """What entropy_search relies on: screened and defined divergence differ by far less than MARGIN, also for 2**40."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, (2, 50, 10**6, 2**40)[seed], bins)
    counts[rng.random(bins) < 0.3] = 0
    judge, replaced = build(calibration.candidate_divergence), counts.copy()
    replaced[0] = replaced[1]
    exact = np.array([judge(replaced, i) for i in range(128, bins + 1)])
    found = divergences(counts)
    finite = np.isfinite(exact)
    assert np.array_equal(finite, np.isfinite(found))
    assert np.abs(exact[finite] - found[finite]).max() < 1e-11


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
    counts, limit = histogram_of(np.array(values, np.float32)), float(np.float32(max(values)))
    assert f"{float32_bits(calibration.entropy_scale(entropy_search(counts), limit)):x}" == bits


def plain_search(histogram):
    """The rule once more, with NumPy and float64 sums in another order."""
    counts = histogram.astype(float)
    counts[0] = counts[1]
    found = []
    for bins in range(128, 2049):
        kept, p = counts[:bins], counts[:bins].copy()
        p[-1] += counts[bins:].sum()
        level = np.arange(bins) * 128 // bins
        mass, occupied = np.bincount(level, kept, 128), np.bincount(level, kept > 0, 128)
        q = np.where(kept > 0, mass[level] / np.maximum(occupied[level], 1), 0.0)
        if kept.sum() == 0 or ((p > 0) & (q == 0)).any():
            found.append(math.inf)
            continue
        p, q, used = p / p.sum(), q / q.sum(), p > 0
        found.append(float((p[used] * np.log(p[used] / q[used])).sum()))
    return np.array(found)


@pytest.mark.parametrize("seed", range(8))
def test_search_finds_the_least_divergence(seed):
    counts = histogram_of(random_values(seed))
    plain = plain_search(counts)
    assert plain[entropy_search(counts) - 128] <= plain.min() * (1 + 1e-9) + 1e-12


def test_searches_interpreted_equal_compiled():
    rng = np.random.default_rng(1)
    counts = np.bincount(np.minimum(rng.geometric(0.01, 2000), 2047), minlength=2048)
    assert calibration.entropy_bin(counts.tolist()) == entropy_search(counts)
    short = counts[:256]
    assert calibration.mse_bin(short.tolist(), 3.0) == mse_search(short, 3.0)
    assert calibration.quantization_noise(short.tolist(), 3.0, 1.7) == noise(short, 3.0, 1.7)
    assert calibration.quantile_bin(short.tolist(), 0.93) == quantile_search(short, 0.93)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 1000), min_size=8, max_size=64), st.floats(0.01, 1.0))
def test_quantile_is_the_first_bin_that_reaches_it(counts, fraction):
    chosen = calibration.quantile_bin(counts, fraction)
    assert sum(counts[: chosen + 1]) >= fraction * sum(counts) * (1 - 1e-12)
    assert chosen == 0 or sum(counts) == 0 or sum(counts[:chosen]) < fraction * sum(counts)
