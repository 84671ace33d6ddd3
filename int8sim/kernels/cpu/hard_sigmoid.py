"""A hard sigmoid is a function of one value."""

from int8sim.kernels.cpu.pointwise import prepare

__all__ = ["prepare"]
