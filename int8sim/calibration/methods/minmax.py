"""TensorRT's MinMaxCalibration: float32(max |x| / 127) over all batches, no half bin, before layer fusion.

Source: the input row of a TensorRT 8.4 table whose data are known. Not known: whether the maximum runs over all
batches, which is taken here.
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Choice, Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.spec.calibration import minmax_scale


def choose(statistics: TensorStatistics, parameters: Parameters) -> Choice:
    """By the extremes alone."""
    del parameters
    return minmax_scale(statistics.amax), None


METHOD = Method("minmax", choose)
