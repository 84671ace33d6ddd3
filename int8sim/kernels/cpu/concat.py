"""Stored tensors side by side; an input of another scale goes through its table first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.cpu.pointwise import each
from int8sim.kernels.storage import stored_axis
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Along(Protocol):
    """The attributes that the kernel reads."""

    @property
    def axis(self) -> int: ...


def _same(stored: Array) -> Array:
    return stored


def prepare(
    op: Along,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """Tensors in storage form -> y in storage form."""
    del constants
    axis, steps = stored_axis(output_type, op.axis), arithmetic or {}
    converts = [
        each(steps[f"convert{i}"], kind, output_type) if f"convert{i}" in steps else _same
        for i, kind in enumerate(inputs)
    ]
    return lambda *parts: np.concatenate([f(part) for f, part in zip(converts, parts, strict=True)], axis)
