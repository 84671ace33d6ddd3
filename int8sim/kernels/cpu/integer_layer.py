"""An integer convolution of one geometry over one type of tensor: what all of its kernels prepare alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.runs import image_regions
from int8sim.kernels.cpu.threads import Scratch
from int8sim.kernels.cpu.tile import Tiles
from int8sim.kernels.geometry import Convolution, Geometry
from int8sim.kernels.storage import flip
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType


class IntegerLayer(ABC):
    """By the tiles of one instruction set. built, values: of the output step, as `bind` gives them."""

    def __init__(
        self, op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step, tiles: Tiles
    ) -> None:
        self.shape, self.y, self.tiles = shape, y, tiles
        self.regions, self.depth = image_regions(op, shape, x), shape.rows * shape.columns * shape.channels
        self.built, self.values = bind(step)
        self.flipped, self.scratch = np.int32(flip(y)), Scratch(self.make_scratch)

    def with_constants(self, weights: Array, bias: Array) -> Callable[[Array, Array], None]:
        """x in storage form -> out, stored codes [N, .., .., O].

        weights: minus their zero point, int64 [O, C, rows, columns]. bias: [O].
        """
        own = self.pack(weights, bias)
        call = partial(self.run, own)
        return KernelsOnly(call) if self.reads_in_place(own) else call

    @abstractmethod
    def pack(self, weights: Array, bias: Array) -> Any:
        """The constants as `run` takes them."""

    @abstractmethod
    def reads_in_place(self, own: Any) -> bool:
        """Whether x is read where it lies, so that `run` moves nothing itself."""

    @abstractmethod
    def make_scratch(self) -> tuple[Array, ...]:
        """What the kernel needs while it runs, of one thread."""

    @abstractmethod
    def run(self, own: Any, stored: Array, out: Array) -> None:
        """One call. own: the packed constants."""
