"""Differences of two tensors, element by element."""

from int8sim.kernels.cuda.elementwise import by
from int8sim.spec.float32 import float32


def difference(a: float, b: float) -> float:
    """float32."""
    return float32(a - b)


prepare = by(difference)
