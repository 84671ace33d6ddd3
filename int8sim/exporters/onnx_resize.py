"""The ONNX Resize in mode nearest that takes given rows and columns: its two modes and its scales."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from int8sim.spec.resize import Coordinates, Nearest, nearest_cell, resized_size, scale_of_sizes


@dataclass(frozen=True)
class Resize:
    """modes: attributes as ONNX spells them. scales: of height and width, exactly float32."""

    modes: Mapping[str, str]
    scales: tuple[float, float]


def find_resize(rows: Sequence[int], columns: Sequence[int], height: int, width: int) -> Resize | None:
    """The first pair of modes with which ONNX Runtime takes these cells of height x width; None if there is none."""
    for coordinates, nearest in itertools.product(Coordinates, Nearest):
        vertical = _scale(rows, height, coordinates, nearest)
        horizontal = _scale(columns, width, coordinates, nearest)
        if vertical and horizontal:
            names = {"coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
            return Resize({key: mode.name.lower() for key, mode in names.items()}, (vertical, horizontal))
    return None


def _scale(cells: Sequence[int], size: int, coordinates: Coordinates, nearest: Nearest) -> float | None:
    """A scale at which one axis takes these cells: the ratio of the sizes; or the next float32, if that truncates."""
    resized = len(cells)
    ratio = scale_of_sizes(size, resized)
    for scale in (ratio, float(np.nextafter(np.float32(ratio), np.float32(math.inf)))):
        taken = (nearest_cell(place, scale, size, resized, coordinates, nearest) for place in range(resized))
        if resized_size(size, scale) == resized and all(map(int.__eq__, taken, cells)):
            return scale
    return None
