"""The least of tensors, element by element, the first of equals; np.minimum leaves open which zero that is."""

import numpy as np

from int8sim.kernels.cpu.elementwise import by

prepare = by(lambda least, x: np.where(x < least, x, least))
