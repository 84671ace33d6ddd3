"""The hyperbolic tangent is a function of one value."""

from int8sim.kernels.cuda.pointwise import prepare

__all__ = ["prepare"]
