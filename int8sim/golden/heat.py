"""Where a tensor's values differ: counts by channel and place, as rows of shades or as an image."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Iterator

import numpy as np

from int8sim.model.errors import MissingPackageError
from int8sim.model.files import write_bytes
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

SHADES = " .:-=+*#%@"
WIDTH = 64
ROWS = 24
SIDE = 512
"""Pixels of an image's longer side, about."""


def counts(differs: Array, kind: TensorType) -> Array:
    """int64 [channels, rows, columns]: over all samples, how often each place differs.

    differs: bool [batch, ...] in the tensor's own layout. A tensor that is no image has one row.
    """
    total = differs.sum(axis=0)
    if kind.layout == "NHWC":
        found: Array = total.transpose(2, 0, 1)
    elif kind.layout == "NCHW":
        found = total
    else:
        found = np.moveaxis(total, -1, 0).reshape(total.shape[-1], 1, -1)
    return found


def rows(heat: Array) -> Iterator[tuple[int, int, str]]:
    """(channel, count, shades of its places) of the channels that differ most, at most ROWS, in order of channels.

    A channel's places are summed into at most WIDTH columns; the shades are shares of the greatest sum.
    """
    flat = heat.reshape(len(heat), -1)
    starts = np.unique(np.linspace(0, flat.shape[1], min(WIDTH, flat.shape[1]), endpoint=False).astype(int))
    sums = np.add.reduceat(flat, starts, axis=1)
    most = max(int(sums.max()), 1)
    worst = np.argsort(-flat.sum(axis=1), kind="stable")[:ROWS]
    for channel in sorted(worst.tolist()):
        if flat[channel].any():
            shades = [SHADES[math.ceil(each * (len(SHADES) - 1) / most)] for each in sums[channel].tolist()]
            yield channel, int(flat[channel].sum()), "".join(shades)


def write_png(path: str | os.PathLike[str], heat: Array) -> None:
    """The channels side by side as a grid of grey tiles, black where nothing differs, white where most does.

    Raises MissingPackageError without Pillow, OutputNotWritableError.
    """
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError("pillow", "images", "a heat map as PNG") from None
    grid = _grid(heat)
    factor = max(1, SIDE // max(grid.shape))
    grey = np.kron(grid, np.ones((factor, factor), np.uint8))
    held = io.BytesIO()
    Image.fromarray(grey).save(held, "PNG")
    write_bytes(path, held.getvalue())


def _grid(heat: Array) -> Array:
    """uint8, the tiles with a dark grey line between them."""
    channels, height, width = heat.shape
    across = math.ceil(math.sqrt(channels * height / width))
    down = math.ceil(channels / across)
    grey = np.ceil(heat * (255 / max(int(heat.max()), 1))).astype(np.uint8)
    grid = np.full((down * (height + 1) + 1, across * (width + 1) + 1), 48, np.uint8)
    for channel in range(channels):
        y, x = divmod(channel, across)
        grid[y * (height + 1) + 1 :, x * (width + 1) + 1 :][:height, :width] = grey[channel]
    return grid
