"""Extremes and histograms of |x|, by the backend in whose memory the values lie; the same counts on each."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from int8sim.model.step import Array


def extremes(values: Any) -> tuple[float, float]:
    """The least and the greatest of float32 values, -0.0 taken as 0.0; NaN for both where one is NaN or infinite."""
    found: tuple[float, float] = _home(values).extremes(values)
    return found


def count(values: Any, limit: float, counts: Array) -> None:
    """Add |x| of every value to counts, int64 [bins], over 0 .. limit > 0; bins a power of two up to 2**12."""
    _home(values).count(values, limit, counts)


def not_finite(values: Any) -> int:
    """How many are NaN or infinite."""
    array = values if isinstance(values, np.ndarray) else values.fetch()
    return int(array.size - np.isfinite(array).sum())


def _home(values: Any) -> Any:
    return import_module(f"int8sim.kernels.{'cpu' if isinstance(values, np.ndarray) else 'cuda'}.histogram")
