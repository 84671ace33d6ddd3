"""What a calibrator is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from int8sim.calibration.statistics import TensorStatistics

Parameters = Mapping[str, float]
Choice = tuple[float, int | None]
"""The scale, exactly float32, and the bin it came from, if one."""


@dataclass(frozen=True)
class Method:
    """A calibrator.

    choose: from statistics that hold a value other than 0 to scale and bin. parameters: its numbers and their defaults.
    pools_share: pools repeat their input's row. after_fusion: tensors inside a fused group (a convolution's output
    behind which batch normalization and ReLU follow) have no row. unknown: what no public source or table settles.
    """

    name: str
    choose: Callable[[TensorStatistics, Parameters], Choice]
    parameters: Parameters = field(default_factory=dict)
    pools_share: bool = True
    after_fusion: bool = False
    unknown: str = ""
