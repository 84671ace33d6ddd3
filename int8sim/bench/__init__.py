"""Speed, side by side with the peers that are installed: medians of interleaved runs, as ratios."""

from int8sim.bench.measure import Line, measure

__all__ = ["Line", "measure"]
