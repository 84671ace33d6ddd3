"""Powers of one tensor by another, element by element."""

from int8sim.kernels.cuda.elementwise import by
from int8sim.spec.float32 import power

prepare = by(power)
