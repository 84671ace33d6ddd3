"""Some places of each axis."""

from int8sim.kernels.cuda.gather import prepare

__all__ = ["prepare"]
