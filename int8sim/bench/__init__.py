"""Speed, side by side with the peers that are installed: medians of interleaved runs, as ratios."""

from int8sim.bench.job import Setting
from int8sim.bench.machine import machine
from int8sim.bench.measure import GROUPS, Line, measure

__all__ = ["GROUPS", "Line", "Setting", "machine", "measure"]
