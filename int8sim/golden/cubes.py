"""Samples as NVDLA's feature cubes: [C, H, W] of int8, whatever the tensor's own layout is."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.formats.nvdla_packing import Surface, pack_feature, unpack_feature
from int8sim.model.step import Array


def cube_obstacle(shape: tuple[int, ...], layout: str, dtype: np.dtype[Any]) -> str:
    """Why [N, ...] of this type are no feature cubes; "" if they are: int8, images or [N, C]."""
    if dtype != np.int8:
        return f"{dtype.name}; a feature cube is int8"
    rank = len(shape)
    return "" if rank == 2 or (rank == 4 and layout) else f"{list(shape)} in no layout; a cube is NCHW, NHWC or [N, C]"


def surface(shape: tuple[int, ...], layout: str, atom: int) -> Surface:
    """Where a sample of this shape lies, without gaps."""
    channels, height, width = (*shape, 1, 1) if len(shape) == 1 else _channels_first(shape, layout)
    return Surface.packed(channels, height, width, atom)


def pack_sample(sample: Array, layout: str, atom: int) -> bytes:
    """A sample's surface."""
    own = surface(sample.shape, layout, atom)
    return pack_feature(sample_cube(sample, layout), own)


def sample_cube(sample: Array, layout: str) -> Array:
    """A sample as [C, H, W]."""
    if sample.ndim == 1:
        return sample[:, None, None]
    return sample.transpose(2, 0, 1) if layout == "NHWC" else sample


def unpack_sample(memory: bytes, shape: tuple[int, ...], layout: str, atom: int) -> Array:
    """The inverse of `pack_sample`."""
    return from_cube(unpack_feature(memory, surface(shape, layout, atom)), shape, layout)


def from_cube(cube: Array, shape: tuple[int, ...], layout: str) -> Array:
    """The inverse of `sample_cube`."""
    return cube.transpose(1, 2, 0) if len(shape) == 3 and layout == "NHWC" else cube.reshape(shape)


def _channels_first(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    return (shape[2], shape[0], shape[1]) if layout == "NHWC" else shape
