"""Resizing as TensorFlow Lite places it: which input cells an output cell takes, along one axis, by what weights."""

from __future__ import annotations

from int8sim.spec.affine import half_away_float32
from int8sim.spec.float32 import float32
from int8sim.spec.integers import S16, S32, U5, clamp
from int8sim.spec.rounding import Rounding, shift_right

PLACE_BITS = 10  # behind the binary point, of a place among codes


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


def bilinear_place(
    index: S16, input_size: S16, output_size: S16, align_corners: bool, half_pixel_centers: bool
) -> float:
    """Where output cell `index` lies between the first and last input cell: a multiple of 2**-10, in fixed point.

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/resize_bilinear.h, ResizeBilinearInteger.
    """
    corners = align_corners and output_size > 1
    steps = output_size - corners
    scale = (((input_size - corners) << PLACE_BITS) + steps // 2) // steps
    moved = scale // 2 - (1 << PLACE_BITS - 1) if half_pixel_centers else 0
    return clamp(index * scale + moved, 0, (input_size - 1) << PLACE_BITS) / (1 << PLACE_BITS)


def bilinear_place_real(
    index: S16, input_size: S16, output_size: S16, align_corners: bool, half_pixel_centers: bool
) -> float:
    """The same of real values, in float32. Source: resize_bilinear.h, ComputeInterpolationValues."""
    corners = align_corners and output_size > 1
    scale = float32(float32(input_size - corners) / float32(output_size - corners))
    center = 0.5 if half_pixel_centers else 0.0
    place = float32(float32(float32(index + center) * scale) - center)
    return min(max(place, 0.0), float32(input_size - 1))


def weighted_half_away(acc: S32, shift: U5, low: S16, high: S16) -> int:
    """clamp(acc / 2**shift), half away: codes by their weights, of which each is a multiple of 2**-shift.

    Source: resize_bilinear.h, ResizeBilinearInteger.
    """
    return clamp(shift_right(acc, shift, Rounding.HALF_AWAY), low, high)
