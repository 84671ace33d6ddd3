"""Convolution of codes that x gets from its own range: the integer kernel between NumPy's ends."""

from int8sim.kernels.cpu import conv2d
from int8sim.kernels.dynamic import by

prepare = by(conv2d.prepare)
