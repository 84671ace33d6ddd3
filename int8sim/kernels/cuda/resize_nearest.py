"""Rows and columns taken by their places."""

from int8sim.kernels.cuda.gather import prepare

__all__ = ["prepare"]
