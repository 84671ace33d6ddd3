"""Quotients of two tensors, element by element."""

from __future__ import annotations

import numpy as np

from int8sim.kernels.cpu.elementwise import by
from int8sim.model.step import Array
from int8sim.spec.float32 import NAN_BITS, float32_from_bits


def quotients(a: Array, b: Array) -> Array:
    """float32 each, which broadcast."""
    found: Array
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.divide(a, b)
    found[np.isnan(found)] = float32_from_bits(NAN_BITS)
    return found


prepare = by(quotients)
