"""The numbers of the modes, by which a compiled loop is told them; positions where one rounding decides the cell."""

from __future__ import annotations

import pytest

from int8sim.spec.resize import Coordinates, Nearest, nearest_cell, nearest_to, resized_position, scale_of_sizes


def test_modes_are_numbered_in_their_order():
    assert [Coordinates(number).name for number in range(4)] == [
        "HALF_PIXEL",
        "ASYMMETRIC",
        "PYTORCH_HALF_PIXEL",
        "ALIGN_CORNERS",
    ]
    assert [Nearest(number).name for number in range(4)] == ["ROUND_PREFER_FLOOR", "ROUND_PREFER_CEIL", "FLOOR", "CEIL"]


def test_modes_by_number():
    """Place 1 of 4 from 7 cells at scale 2: 1.5 / 2 - 0.5; 1 / 2; 1.5 / 2 - 0.5; 1 * (7 - 1) / (4 - 1)."""
    assert [resized_position(1, 2.0, 7, 4, number) for number in range(4)] == [0.25, 0.5, 0.25, 2.0]
    assert [nearest_to(0.25, number) for number in range(4)] == [0, 0, 0, 1]
    assert [nearest_to(0.5, number) for number in range(4)] == [0, 1, 0, 1]
    assert [nearest_to(0.75, number) for number in range(4)] == [1, 1, 0, 1]


@pytest.mark.parametrize(
    ("place", "size", "resized", "whole", "found", "nearest"),
    [
        (1715, 54381, 1716, 54380, 54380 - 2.0**-8, Nearest.FLOOR),  # not even the last cell is reached
        (2542, 27739, 2853, 24723, 24723 + 2.0**-9, Nearest.CEIL),
    ],
)
def test_the_product_of_aligned_corners_is_a_float32(place, size, resized, whole, found, nearest):
    """place * (size - 1) beyond 2**24: the quotient would be whole, and is the float32 beside it."""
    assert place * (size - 1) == whole * (resized - 1) > 2**24
    scale = scale_of_sizes(size, resized)
    assert resized_position(place, scale, size, resized, Coordinates.ALIGN_CORNERS) == found
    beside = whole + (1 if nearest is Nearest.CEIL else -1)
    assert nearest_cell(place, scale, size, resized, Coordinates.ALIGN_CORNERS, nearest) == beside


def test_the_smallest_float32_on_either_side_of_0():
    """-2**-149 lies in the cell -1, though its fraction rounds to 1; 2**-149 is above the cell 0."""
    assert [nearest_to(-(2.0**-149), nearest) for nearest in Nearest] == [0, 0, -1, 0]
    assert [nearest_to(2.0**-149, nearest) for nearest in Nearest] == [0, 0, 0, 1]


@pytest.mark.parametrize(("steps", "cells"), [(-34, [0, 0]), (-33, [0, 1]), (32, [0, 1]), (34, [1, 1])])
def test_the_last_tie_and_the_first_beyond_it(steps, cells):
    """1e-6 is 33.55 steps of 2**-25, the float32 below one half; above it they are twice as far apart."""
    position = 0.5 + steps * 2.0**-25
    assert [
        nearest_to(position, nearest) for nearest in (Nearest.ROUND_PREFER_FLOOR, Nearest.ROUND_PREFER_CEIL)
    ] == cells
