"""The least mean squared error of quantizing to int8, over bin centres from bin 128 on.

Source: NVIDIA/TensorRT release/9.0:tools/pytorch-quantization/pytorch_quantization/calib/histogram.py (amax the centre
of the chosen bin, every candidate tried, the first of equals), in float64 here and float32 there.
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Choice, Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.kernels.cpu.entropy import mse_search
from int8sim.spec.calibration import minmax_scale


def choose(statistics: TensorStatistics, parameters: Parameters) -> Choice:
    """float32(centre / 127)."""
    del parameters
    chosen = mse_search(statistics.counts, statistics.limit)
    return minmax_scale((chosen + 0.5) * statistics.limit / len(statistics.counts)), chosen


METHOD = Method("mse", choose)
