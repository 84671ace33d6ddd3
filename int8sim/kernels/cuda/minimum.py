"""The least of tensors, element by element, the first of equals."""

from int8sim.kernels.cuda.elementwise import by


def less(a: float, b: float) -> float:
    """The first of equals; min would leave open which zero that is."""
    return b if b < a else a


prepare = by(less)
