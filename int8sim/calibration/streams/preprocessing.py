"""What is done to samples before the network sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from int8sim.model.errors import ParameterError, UnknownNameError
from int8sim.model.step import Array
from int8sim.spec.float32 import float32

CHANNELS = ("rgb", "bgr", "gray")
Size = int | tuple[int, int] | None


@dataclass(frozen=True)
class Preprocessing:
    """Pictures: resize, then centre crop, then channels. Numbers: ((x / divide) - mean) / std.

    divide, mean, std: each taken as float32, each result rounded to float32; mean and std after the division, one for
    all channels or one per channel in the order that the network sees, () for none.
    resize: the shorter side, or exactly (width, height), in pixels; None: as stored. crop: a square's side, or (width,
    height). channels: "rgb", "bgr" or "gray"; "": gray for a network of one input channel, else rgb.
    Raises ParameterError, UnknownNameError.
    """

    divide: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    resize: Size = None
    crop: Size = None
    channels: str = ""

    def __post_init__(self) -> None:
        _check_numbers("divide", (self.divide,), zero=False)
        _check_numbers("mean", self.mean, zero=True)
        _check_numbers("std", self.std, zero=False)
        _check_size("resize", self.resize)
        _check_size("crop", self.crop)
        if self.channels and self.channels not in CHANNELS:
            raise UnknownNameError("order of channels", self.channels, CHANNELS)

    def normalize(self, array: Array, channel_axis: int) -> Array:
        """((x / divide) - mean) / std as float32; the array itself where there is nothing to do."""
        if self.divide == 1.0 and not self.mean and not self.std:
            return array
        with np.errstate(over="ignore", invalid="ignore"):  # whoever computes with them names infinities
            values = array.astype(np.float32) / np.float32(self.divide)
            if self.mean:
                values -= _along(self.mean, values.ndim, channel_axis)
            if self.std:
                values /= _along(self.std, values.ndim, channel_axis)
        return values


def _along(values: tuple[float, ...], rank: int, axis: int) -> Array:
    """float32 values, shaped to meet one axis."""
    shape = [1] * rank
    shape[axis] = len(values)
    return np.array(values, np.float32).reshape(shape)


def _check_numbers(option: str, values: tuple[float, ...], *, zero: bool) -> None:
    for value in values:
        if not math.isfinite(float32(value)) or (not zero and float32(value) == 0.0):
            raise ParameterError(option, value, "finite float32 numbers" + ("" if zero else " other than 0"))


def _check_size(option: str, size: Size) -> None:
    sides = size if isinstance(size, tuple) else (1 if size is None else size,)
    if min(sides) < 1:
        raise ParameterError(option, size, "sides of at least 1 pixel")
