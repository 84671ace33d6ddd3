"""Nearest-neighbour resizing as TensorFlow Lite places it: which input cell an output cell takes, along one axis."""

from __future__ import annotations

from int8sim.spec.affine import half_away_float32
from int8sim.spec.float32 import float32
from int8sim.spec.integers import S16


def nearest_cell(index: S16, input_size: S16, output_size: S16, align_corners: bool, half_pixel_centers: bool) -> int:
    """The input cell of output cell `index`: floor(index * input_size / output_size), in float32.

    align_corners: half_away(index * (input_size - 1) / (output_size - 1)), so that both ends meet; an output of one
    cell keeps the plain ratio. half_pixel_centers: index + 0.5 in place of index. The engines refuse both together.
    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/resize_nearest_neighbor.h.
    """
    corners = align_corners and output_size > 1
    scale = float32(float32(input_size - corners) / float32(output_size - corners))
    place = float32(float32(index + (0.5 if half_pixel_centers else 0.0)) * scale)
    cell = half_away_float32(place) if align_corners else int(place)
    return min(cell, input_size - 1)
