"""Cells by exact rational positions, float32 rounding by float32 rounding; and where these decide."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.resize import (
    Coordinates,
    Nearest,
    bilinear_code,
    bilinear_position,
    bilinear_share,
    nearest_cell,
    nearest_to,
    resized_position,
    resized_size,
    scale_of_sizes,
)

from .exact import clip, float32_product, float32_quotient, float32_sum, from_bits, nearest_float32, scales, to_bits

SIZES = st.integers(1, 99) | st.integers(1, 65535)
SCALES = scales(2.0**-6, 2.0**6) | st.builds(scale_of_sizes, st.integers(1, 60), st.integers(1, 60))
MODES = [(coordinates, nearest) for coordinates in Coordinates for nearest in Nearest]
HALF = Fraction(1, 2)


def position(place: int, scale: float, size: int, resized: int, coordinates: Coordinates) -> float:
    """ONNX's formulas, rounded to float32 after each operation."""
    if coordinates is Coordinates.ALIGN_CORNERS:
        if resized == 1:
            return 0.0
        return float32_quotient(float32_product(float(place), float(size - 1)), float(resized - 1))
    if coordinates is Coordinates.ASYMMETRIC:
        return float32_quotient(float(place), scale)
    if coordinates is Coordinates.PYTORCH_HALF_PIXEL and resized == 1:
        return 0.0
    return float32_sum(float32_quotient(float32_sum(float(place), 0.5), scale), -0.5)


def cell(at: float, nearest: Nearest) -> int:
    """The nearest cell of a float32 position; 1e-6 beside one half is a tie."""
    exact = Fraction(at)
    if nearest is Nearest.FLOOR:
        return math.floor(exact)
    if nearest is Nearest.CEIL:
        return math.ceil(exact)
    rest = exact - math.floor(exact)
    if abs(rest - HALF) < Fraction(1, 10**6):
        return math.floor(exact) if nearest is Nearest.ROUND_PREFER_FLOOR else math.ceil(exact)
    return math.floor(exact + HALF)


def cells(scale: float, size: int, resized: int, coordinates: Coordinates, nearest: Nearest) -> list[int]:
    return [nearest_cell(place, scale, size, resized, coordinates, nearest) for place in range(resized)]


def test_the_modes_are_onnxs():
    assert [mode.name.lower() for mode in Coordinates] == [
        "half_pixel",
        "asymmetric",
        "pytorch_half_pixel",
        "align_corners",
    ]
    assert [mode.name.lower() for mode in Nearest] == ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]


@given(SIZES, SIZES)
def test_scale_of_sizes(size, resized):
    assert scale_of_sizes(size, resized) == nearest_float32(Fraction(resized, size))


@given(SIZES, SCALES)
def test_resized_size(size, scale):
    assert resized_size(size, scale) == math.floor(float32_product(scale, float(size)))


def test_resized_size_of_a_ratio_may_truncate():
    short = [n for n in range(1, 100) if resized_size(n, scale_of_sizes(n, 1)) == 0]
    assert short == [n for n in range(1, 100) if float32_product(nearest_float32(Fraction(1, n)), float(n)) < 1.0]
    assert short == [41, 47, 55, 61, 82, 83, 94, 97]


@pytest.mark.parametrize("coordinates", Coordinates)
@given(data=st.data())
def test_positions(coordinates, data):
    resized = data.draw(st.integers(1, 4) | SIZES)
    place, scale, size = data.draw(st.integers(0, resized - 1)), data.draw(SCALES), data.draw(SIZES)
    expected = position(place, scale, size, resized, coordinates)
    assert resized_position(place, scale, size, resized, coordinates) == expected
    assert expected >= -0.5


@given(st.floats(-0.5, 2.0**17, width=32) | st.integers(-2, 2**12).map(lambda n: n / 4), st.sampled_from(Nearest))
def test_nearest_to(at, nearest):
    assert nearest_to(at, nearest) == cell(at, nearest)


@given(st.integers(0, 4000), st.integers(-40, 40), st.sampled_from(Nearest))
def test_nearest_to_beside_halves(whole, ulps, nearest):
    at = from_bits(to_bits(whole + 0.5) + ulps)
    assert nearest_to(at, nearest) == cell(at, nearest)


@given(st.integers(-70, 70), st.sampled_from(Nearest))
def test_nearest_to_beside_one_half(steps, nearest):
    """Steps of 2**-25, the finest below 1/2: 33 of them are less than 1e-6, 34 are more."""
    at = 0.5 + steps * (2.0**-25 if steps < 0 else 2.0**-24)
    tie = abs(at - 0.5) < 33.5 * 2.0**-25
    up = {Nearest.FLOOR: 0, Nearest.CEIL: 1}.get(nearest, int(at > 0.5))
    if tie and nearest in {Nearest.ROUND_PREFER_FLOOR, Nearest.ROUND_PREFER_CEIL}:
        up = int(nearest is Nearest.ROUND_PREFER_CEIL)
    assert nearest_to(at, nearest) == up


@given(SIZES, st.integers(1, 99), SCALES, st.sampled_from(MODES))
def test_cells(size, resized, scale, modes):
    coordinates, nearest = modes
    for place in (0, resized // 2, resized - 1):
        at = position(place, scale, size, resized, coordinates)
        expected = place if scale == 1.0 else clip(cell(at, nearest), 0, size - 1)
        assert nearest_cell(place, scale, size, resized, coordinates, nearest) == expected


@pytest.mark.parametrize("modes", MODES, ids=lambda modes: "-".join(mode.name for mode in modes))
def test_at_scale_1_nothing_moves(modes):
    assert cells(1.0, 9, 9, *modes) == list(range(9))


@pytest.mark.parametrize(
    ("modes", "expected"),
    [
        ((Coordinates.HALF_PIXEL, Nearest.ROUND_PREFER_FLOOR), [0, 0, 1, 1, 2, 2]),
        ((Coordinates.HALF_PIXEL, Nearest.CEIL), [0, 1, 1, 2, 2, 2]),
        ((Coordinates.HALF_PIXEL, Nearest.FLOOR), [0, 0, 0, 1, 1, 2]),
        ((Coordinates.ASYMMETRIC, Nearest.FLOOR), [0, 0, 1, 1, 2, 2]),
        ((Coordinates.ASYMMETRIC, Nearest.ROUND_PREFER_FLOOR), [0, 0, 1, 1, 2, 2]),
        ((Coordinates.ASYMMETRIC, Nearest.ROUND_PREFER_CEIL), [0, 1, 1, 2, 2, 2]),
        ((Coordinates.ALIGN_CORNERS, Nearest.ROUND_PREFER_FLOOR), [0, 0, 1, 1, 2, 2]),
        ((Coordinates.ALIGN_CORNERS, Nearest.CEIL), [0, 1, 1, 2, 2, 2]),
    ],
)
def test_three_cells_to_six(modes, expected):
    assert cells(2.0, 3, 6, *modes) == expected


def test_one_output_cell():
    """pytorch_half_pixel and align_corners take the first; half_pixel the middle."""
    found = {mode: cells(0.2, 5, 1, mode, Nearest.ROUND_PREFER_FLOOR) for mode in Coordinates}
    assert found == {
        Coordinates.HALF_PIXEL: [2],
        Coordinates.ASYMMETRIC: [0],
        Coordinates.PYTORCH_HALF_PIXEL: [0],
        Coordinates.ALIGN_CORNERS: [0],
    }


@pytest.mark.parametrize(
    ("size", "resized", "place", "modes", "expected"),
    [
        (20, 6, 4, (Coordinates.HALF_PIXEL, Nearest.ROUND_PREFER_CEIL), 15),
        (14, 19, 9, (Coordinates.HALF_PIXEL, Nearest.ROUND_PREFER_FLOOR), 6),
        (14, 8, 2, (Coordinates.ASYMMETRIC, Nearest.ROUND_PREFER_CEIL), 4),
        (7, 76, 38, (Coordinates.ASYMMETRIC, Nearest.ROUND_PREFER_FLOOR), 3),
    ],
)
def test_ties_that_float32_misses_by_less_than_the_tolerance(size, resized, place, modes, expected):
    """Measured on ONNX Runtime 1.31.1: the exact position is a tie, the float32 one is beside it."""
    scale = scale_of_sizes(size, resized)
    at = resized_position(place, scale, size, resized, modes[0])
    assert at % 1.0 != 0.5
    assert nearest_cell(place, scale, size, resized, *modes) == expected


@given(SCALES, st.integers(1, 99), st.integers(1, 99), st.integers(0, 98), st.sampled_from(Coordinates))
def test_a_place_lies_in_the_line(scale, size, resized, place, coordinates):
    place = min(place, resized - 1)
    at = float(place) if scale == 1.0 else position(place, scale, size, resized, coordinates)
    assert bilinear_position(place, scale, size, resized, coordinates) == clip(Fraction(at), 0, size - 1)


@given(st.integers(-128, 255), st.floats(-300, 300, width=32), st.floats(0, 1, width=32), st.floats(0, 1, width=32))
def test_a_share_is_rounded_three_times(x, total, row, column):
    share = float32_product(float32_product(column, row), float(x))
    found = bilinear_share(total, x, row, column)
    assert found == float32_sum(total, share)
    assert bilinear_code(found) == math.trunc(found)
