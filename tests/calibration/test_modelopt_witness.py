"""NVIDIA's own histogram calibrator, live where nvidia-modelopt and PyTorch are installed: the same bins."""

import importlib
import warnings

import numpy as np
import pytest

from int8sim.calibration.statistics import TensorRTStatistics
from int8sim.kernels.cpu.entropy import entropy_search, mse_search, percentile_search

pytestmark = pytest.mark.engine
SHAPES = ("standard_normal", "standard_exponential", "standard_cauchy", "standard_gamma")


@pytest.fixture(scope="module")
def modelopt():
    """Its histogram.py. Release 0.47 hands fake_tensor_quant num_bits in the place of its bias: put right here."""
    pytest.importorskip("torch", reason="nvidia-modelopt needs PyTorch, which is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        name = "modelopt.torch.quantization.calib.histogram"
        module = pytest.importorskip(name, reason="nvidia-modelopt is not installed")
        quantize = importlib.import_module("modelopt.torch.quantization.tensor_quant").fake_tensor_quant
    module.fake_tensor_quant = lambda centers, amax, bits, unsigned: quantize(centers, amax, None, bits, unsigned)
    return module


def statistics_of(seed):
    """5,000 values: whole numbers of them are 99, 99.9 and 99.99 percent, where the order of roundings decides."""
    rng = np.random.default_rng(seed)
    name = SHAPES[seed % len(SHAPES)]
    values = getattr(rng, name)(0.4, 5000) if name == "standard_gamma" else getattr(rng, name)(5000)
    found = TensorRTStatistics()
    found.add(np.abs(values).astype(np.float32))
    return found, np.linspace(0, found.limit, 2049)


def place(amax, limit):
    """In bins."""
    return float(amax) / limit * 2048


@pytest.mark.parametrize("percent", [50.0, 99.0, 99.9, 99.99, 99.999, 100.0])
def test_percentile(modelopt, percent, compared):
    for seed in range(100):
        found, edges = statistics_of(seed)
        theirs = modelopt._compute_amax_percentile(found.counts.copy(), edges, percent)
        assert round(place(theirs, found.limit)) == percentile_search(found.counts, percent / 100)
    compared(100)


def test_mean_squared_error(modelopt, compared):
    for seed in range(40):
        found, edges = statistics_of(seed)
        theirs = modelopt._compute_amax_mse(found.counts.copy(), edges, 8, False)
        assert int(place(theirs, found.limit)) == mse_search(found.counts, found.limit)
    compared(40)


def test_entropy(modelopt, compared):
    """Its amax is the edge of the bin; TensorRT's own table has half a bin more."""
    for seed in range(4):
        found, edges = statistics_of(seed)
        theirs = modelopt._compute_amax_entropy(found.counts.copy(), edges, 8, False)
        assert round(place(theirs, found.limit)) == entropy_search(found.counts)
    compared(4)
