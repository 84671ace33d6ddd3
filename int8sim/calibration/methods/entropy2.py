"""TensorRT's EntropyCalibration2: the least Kullback-Leibler divergence, before layer fusion.

Constants: 2,048 bins, 128 levels, candidates 128 .. 2,048 one by one, bin 0 taken as bin 1, threshold in the middle of
the bin behind. Source: a cache that TensorRT 7.2.2 wrote, reproduced whole, and rows of five public tables (5.1 to
10.3). Not known: which of exactly equal candidates wins (the last here, as in NVIDIA's pytorch-quantization). Over
"mergeable" statistics the same search runs over the 4,096 bins there are.
"""

from __future__ import annotations

from int8sim.calibration.methods.base import Choice, Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.kernels.cpu.entropy import entropy_search
from int8sim.spec.calibration import entropy_scale


def choose(statistics: TensorStatistics, parameters: Parameters) -> Choice:
    """float32((i + 1/2) * range / bins / 127)."""
    del parameters
    chosen = entropy_search(statistics.counts)
    return entropy_scale(chosen, statistics.limit, len(statistics.counts)), chosen


METHOD = Method("entropy2", choose)
