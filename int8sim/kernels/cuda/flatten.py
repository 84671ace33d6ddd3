"""Flatten is a reshape to the output type's shape."""

from int8sim.kernels.cuda.reshape import prepare

__all__ = ["prepare"]
