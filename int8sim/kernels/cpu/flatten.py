"""Flatten is a reshape to the output type's shape."""

from int8sim.kernels.cpu.reshape import prepare

__all__ = ["prepare"]
