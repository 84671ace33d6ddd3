"""TensorRT's LegacyCalibration: a quantile of |x|, after layer fusion; pools have their own rows.

Constants: quantile 0.999999 and cutoff 1.0, those of the one public table with known data (vkaser/tensorrt, MNIST), of
which `data` and `prob` agree with this file: the upper edge of the first bin that reaches the quantile, at most max
|x|. Its pool1 differs from its conv1, and it has one row for an inner product and its in-place ReLU. Not known: the
regression that starts at `cutoff` of the maximum; its formula is not public, so a cutoff below 1.0 changes nothing.
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Choice, Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.kernels.cpu.entropy import quantile_search
from int8sim.spec.calibration import minmax_scale


def choose(statistics: TensorStatistics, parameters: Parameters) -> Choice:
    """float32(upper edge / 127)."""
    chosen = quantile_search(statistics.counts, parameters["quantile"])
    edge = (chosen + 1) * statistics.limit / len(statistics.counts)
    return minmax_scale(min(edge, statistics.amax)), chosen


METHOD = Method(
    "legacy",
    choose,
    parameters={"quantile": 0.999999, "cutoff": 1.0},
    pools_share=False,
    after_fusion=True,
    unknown="LegacyCalibration's regression beyond the cutoff is not public: only the quantile is computed",
)
