"""The approximation of a Gaussian error linear unit is a function of one value."""

from int8sim.kernels.cuda.pointwise import prepare

__all__ = ["prepare"]
