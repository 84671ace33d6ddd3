"""The greatest of tensors, element by element, the first of equals. Two of codes by the layer's `combine` step."""

from int8sim.kernels.cuda.elementwise import by


def greater(a: float, b: float) -> float:
    """The first of equals; max would leave open which zero that is."""
    return b if b > a else a


prepare = by(greater)
