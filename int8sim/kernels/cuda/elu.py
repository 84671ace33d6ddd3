"""An exponential linear unit is a function of one value."""

from int8sim.kernels.cuda.pointwise import prepare

__all__ = ["prepare"]
