"""Fully connected of codes that x gets from its own range: the integer kernel between NumPy's ends."""

from int8sim.kernels.cpu import fully_connected
from int8sim.kernels.dynamic import by

prepare = by(fully_connected.prepare)
