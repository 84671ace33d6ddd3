"""Clip is ReLU with other bounds."""

from int8sim.kernels.cpu.relu import prepare

__all__ = ["prepare"]
