"""Rows and columns taken by their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Places(Protocol):
    """The attributes that the kernel reads."""

    @property
    def rows(self) -> tuple[int, ...]: ...
    @property
    def columns(self) -> tuple[int, ...]: ...


def prepare(
    op: Places,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del inputs, output_type, constants, arithmetic

    def call(stored: Array) -> Array:
        n, height, width, channels = stored.shape
        places = np.add.outer(np.array(op.rows) * width, op.columns)
        resized: Array = stored.reshape(n, height * width, channels).take(places, 1)
        return resized

    return call
