"""Codes to real values: a step of every element, as the other way."""

from int8sim.kernels.cuda.quantize import prepare

__all__ = ["prepare"]
