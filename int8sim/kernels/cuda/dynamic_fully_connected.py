"""Fully connected layer of codes that x gets from its own range, which is found in the host's memory, as on the CPU."""

from int8sim.kernels.cuda import fully_connected
from int8sim.kernels.cuda.dynamic import by

prepare = by(fully_connected.prepare)
