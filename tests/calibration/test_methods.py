"""Each calibrator on its own: published rows, and second definitions with NumPy."""

import numpy as np
import pytest

from int8sim.calibration.methods.registry import METHODS, method, parameters
from int8sim.calibration.statistics import MergeableStatistics, TensorRTStatistics
from int8sim.spec.calibration import entropy_scale
from int8sim.spec.float32 import float32_bits


def statistics_of(values, kind=TensorRTStatistics):
    found = kind()
    found.add(np.asarray(values, np.float32))
    return found


def scale(name, values, kind=TensorRTStatistics, **given):
    chosen = method(name)
    return chosen.choose(statistics_of(values, kind), parameters(chosen, given))[0]


def int8_scale(amax):
    """amax is a float32 first."""
    return float(np.float32(np.float32(amax) / np.float32(127)))


def bits(value):
    return f"{float32_bits(value):08x}"


def test_minmax_row_of_a_real_tensorrt_8400_table():
    """nt4sth/Torch-TensorRT-VGG16:calibration.cache, input_0: CIFAR images normalised, max 2.7537313."""
    assert bits(scale("minmax", [2.7537313, -1.0])) == "3cb1a063"


def test_entropy2_row_of_the_same_data():
    """shiyongming/TensorRT-PTQ-Hands-on-Exercise, TensorRT 8.0: at bin 2048 the same maximum gives 3cb1ab7d."""
    assert bits(entropy_scale(2048, float(np.float32(2.7537313)))) == "3cb1ab7d"


@pytest.mark.parametrize(("greatest", "expected"), [(255 / 256, "3c008102"), (1.0, "3c010204")])
def test_legacy_rows_of_a_real_table(greatest, expected):
    """vkaser/tensorrt:data/mnist/LegacyCalibrationTable, data and prob: quantile 0.999999 and cutoff 1.0."""
    values = np.linspace(0, greatest, 1000)
    assert bits(scale("legacy", values)) == expected


@pytest.mark.parametrize("kind", [TensorRTStatistics, MergeableStatistics])
def test_percentile_is_the_lower_edge_that_numpy_finds(kind):
    """As pytorch-quantization has it: edges[searchsorted(cumsum(hist / total), percentile / 100)]."""
    values = np.abs(np.random.default_rng(0).standard_normal(100_003)).astype(np.float32)
    found = statistics_of(values, kind)
    for percent in (50.0, 99.0, 99.9, 99.99, 99.999):
        cdf = np.cumsum(found.counts / found.counts.sum())
        edge = np.searchsorted(cdf, percent / 100) * found.limit / len(found.counts)
        assert scale("percentile", values, kind, percentile=percent) == int8_scale(edge)


def test_percentile_of_mostly_zeros_is_not_zero():
    values = np.zeros(100_000, np.float32)
    values[0] = 1.0
    assert scale("percentile", values) == int8_scale(1 / 2048)


@pytest.mark.parametrize("seed", range(4))
def test_mse_is_the_least_of_all_centres(seed):
    """As pytorch-quantization has it, in NumPy: half-even codes of centres, weighted by the counts."""
    rng = np.random.default_rng(seed)
    values = np.abs([rng.standard_normal, rng.standard_cauchy, rng.exponential, rng.laplace][seed](size=5000))
    found = statistics_of(values)
    centres = (np.arange(2048) + 0.5) * (found.limit / 2048)
    errors = []
    for amax in centres[128:]:
        codes = np.minimum(np.rint(centres * (127 / amax)), 127)
        errors.append((((codes / (127 / amax)) - centres) ** 2 * found.counts).sum())
    chosen = method("mse").choose(found, {})[1]
    assert errors[chosen - 128] <= min(errors) * (1 + 1e-12)
    assert scale("mse", values) == int8_scale(centres[chosen])


def test_entropy_searches_all_bins_of_mergeable_statistics():
    values = np.random.default_rng(2).standard_normal(50_000)
    one, two = (scale("entropy2", values, kind) for kind in (TensorRTStatistics, MergeableStatistics))
    assert one != two
    assert abs(one - two) < 0.2 * one


def test_every_method_has_its_name_and_what_is_unknown():
    assert list(METHODS) == ["entropy2", "entropy", "minmax", "legacy", "percentile", "mse"]
    assert {name for name, each in METHODS.items() if each.unknown} == {"entropy", "legacy"}
