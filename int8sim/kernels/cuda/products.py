"""The two ways to a sum of products of bytes: dp4a, and the tensor cores' mma; which of them a layer takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind
from int8sim.kernels.cuda import mma_tile, tile
from int8sim.kernels.cuda.availability import TENSOR_CORES, capability
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, place
from int8sim.kernels.cuda.windows import WORD, words_of
from int8sim.kernels.geometry import Geometry
from int8sim.model.errors import UnknownNameError
from int8sim.model.step import Array, Step

INSTRUCTIONS = ("dp4a", "mma")
TOGETHER = 2
"""Blocks of a tile that a multiprocessor holds: while one waits for memory, the other multiplies."""
_forced: ContextVar[str] = ContextVar("dot product", default="")


def instruction() -> str:
    """The forced one; else mma where the device has it, dp4a where not."""
    return _forced.get() or ("mma" if capability() >= TENSOR_CORES else "dp4a")


@contextmanager
def forced(name: str) -> Iterator[None]:
    """Inside, layers are prepared with one of INSTRUCTIONS. Raises UnknownNameError.

    A graph that has run on cuda before keeps its kernels; a new one, such as dataclasses.replace(graph), gets new.
    """
    if name not in INSTRUCTIONS:
        raise UnknownNameError("dot product of cuda", name, INSTRUCTIONS)
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)


def takes_mma(shape: Geometry) -> bool:
    """Whether the tensor cores are there, and copies of 16 bytes never leave one cell of the window."""
    return instruction() == "mma" and shape.channels % mma_tile.CHUNK == 0


class Dp4a:
    """By `tile`. bytewise: int8 [O, bytes], as windows.lines has them."""

    def __init__(self, bytewise: Array, shape: Geometry, step: Step) -> None:
        words = words_of(bytewise, shape.groups)
        self.grain = WORD if shape.channels % WORD == 0 else 1
        self.groups, self.width = shape.groups, words.shape[2]
        self.w, self.none = place(words), place(np.zeros(1, np.int32))
        self.side = tile.WIDE if self.width > tile.NARROW else tile.NARROW
        kernel = tile.wide_tile if self.side == tile.WIDE else tile.narrow_tile
        self.kernel = build(kernel, {"output": bind(step)[0]}, (tile.THREADS, TOGETHER))

    def launch(
        self, x: DeviceArray, taps: DeviceArray, bias: DeviceArray, p: Any, out: DeviceArray, *last: Any
    ) -> None:
        """x: stored, flat. out: [pixels, O]. last: a Window, the flip of out."""
        words = x.view(np.int32) if self.grain == WORD else self.none
        grid = -(-out.shape[0] // self.side), -(-self.width // self.side), self.groups
        self.kernel.launch(grid, tile.THREADS, x, words, self.w, taps, bias, p, out, *last)


class Mma:
    """By `mma_tile`; as Dp4a."""

    grain = mma_tile.CHUNK

    def __init__(self, bytewise: Array, shape: Geometry, step: Step) -> None:
        self.groups, self.width = shape.groups, len(bytewise) // shape.groups
        self.w = place(bytewise.view(np.uint8))
        self.kernel = build(mma_tile.mma_tile, {"output": bind(step)[0]}, (mma_tile.THREADS, TOGETHER))

    def launch(
        self, x: DeviceArray, taps: DeviceArray, bias: DeviceArray, p: Any, out: DeviceArray, *last: Any
    ) -> None:
        """As Dp4a's."""
        grid = -(-out.shape[0] // mma_tile.ROWS), -(-self.width // mma_tile.COLUMNS), self.groups
        self.kernel.launch(grid, mma_tile.THREADS, x, self.w, taps, bias, p, out, *last)
