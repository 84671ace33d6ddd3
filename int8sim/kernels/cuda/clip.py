"""Clip is ReLU with other bounds."""

from int8sim.kernels.cuda.relu import prepare

__all__ = ["prepare"]
