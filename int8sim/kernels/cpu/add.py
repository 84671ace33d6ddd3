"""Sums of tensors, element by element."""

import numpy as np

from int8sim.kernels.cpu.elementwise import by

prepare = by(np.add)
