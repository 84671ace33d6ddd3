"""The given percentile of |x|: the lower edge of the first bin up to which that share of all values lies.

Constant: 99.99 percent. Source: NVIDIA/TensorRT release/9.0:tools/pytorch-quantization/pytorch_quantization/calib/
histogram.py, the same edge of the same histogram; there it grows by bins of the first batch's width, here it is
TensorRT's or a mergeable one. Where the first bin alone reaches the share, the edge would be 0: the next is taken.
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Choice, Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.kernels.cpu.entropy import percentile_search
from int8sim.spec.calibration import minmax_scale


def choose(statistics: TensorStatistics, parameters: Parameters) -> Choice:
    """float32(lower edge / 127)."""
    chosen = max(percentile_search(statistics.counts, parameters["percentile"] / 100), 1)
    return minmax_scale(chosen * statistics.limit / len(statistics.counts)), chosen


METHOD = Method("percentile", choose, parameters={"percentile": 99.99})
