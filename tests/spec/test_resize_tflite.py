"""Which cell TensorFlow Lite's nearest-neighbour resizing takes, against its text in exact float32."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec import xnnpack
from int8sim.spec.resize_tflite import bilinear_place, bilinear_place_real, nearest_cell, weighted_half_away

from .exact import float32_product, float32_quotient, half_away

MODES = {"plain": (False, False), "align_corners": (True, False), "half_pixel_centers": (False, True)}
SIZES = st.integers(1, 2**15 - 1) | st.integers(1, 60)


def definition(index, input_size, output_size, align_corners, half_pixel_centers):
    """GetNearestNeighbor of reference/resize_nearest_neighbor.h."""
    if align_corners and output_size > 1:
        scale = float32_quotient(float(input_size - 1), float(output_size - 1))
    else:
        scale = float32_quotient(float(input_size), float(output_size))
    place = Fraction(float32_product(index + (0.5 if half_pixel_centers else 0.0), scale))
    cell = half_away(place) if align_corners else math.floor(place)
    return max(min(cell, input_size - 1), 0)


@pytest.mark.parametrize("modes", MODES.values(), ids=MODES)
def test_small_sizes(modes):
    for input_size in range(1, 14):
        for output_size in range(1, 30):
            for index in range(output_size):
                given = index, input_size, output_size, *modes
                assert nearest_cell(*given) == definition(*given), given


@given(SIZES, SIZES, st.sampled_from(sorted(MODES)), st.data())
def test_any_size(input_size, output_size, mode, data):
    index = data.draw(st.integers(0, output_size - 1))
    given = index, input_size, output_size, *MODES[mode]
    assert nearest_cell(*given) == definition(*given)


def test_by_hand():
    assert [nearest_cell(i, 2, 4, False, False) for i in range(4)] == [0, 0, 1, 1]
    assert [nearest_cell(i, 3, 5, True, False) for i in range(5)] == [0, 1, 1, 2, 2]
    assert [nearest_cell(i, 4, 2, False, True) for i in range(2)] == [1, 3]
    assert [nearest_cell(i, 4, 2, False, False) for i in range(2)] == [0, 2]
    assert nearest_cell(0, 7, 1, True, False) == 0
    assert nearest_cell(0, 7, 1, False, True) == 3


def in_fixed_point(index, input_size, output_size, align_corners, half_pixel_centers):
    """The place of ResizeBilinearInteger in reference/resize_bilinear.h, as lower, upper and the lower one's share."""
    scale = (1024 * input_size + output_size // 2) // output_size
    if align_corners and output_size > 1:
        scale = (1024 * (input_size - 1) + (output_size - 1) // 2) // (output_size - 1)
    scaled = index * scale + (scale // 2 - 512 if half_pixel_centers else 0)
    lower = max(math.trunc(Fraction(scaled, 1024)), 0)
    upper = min(math.trunc(Fraction(scaled + 1023, 1024)), input_size - 1)
    return lower, upper, 1024 - (scaled - 1024 * lower)


def share_of_each(place, size):
    """Cell -> how much it weighs, by the place between two cells; what weighs nothing is left out."""
    lower = math.floor(place)
    return {cell: share for cell, share in ((lower, lower + 1 - place), (min(lower + 1, size), place - lower)) if share}


@given(SIZES, SIZES, st.sampled_from(sorted(MODES)), st.data())
def test_places_among_codes(input_size, output_size, mode, data):
    given = data.draw(st.integers(0, output_size - 1)), input_size, output_size, *MODES[mode]
    lower, upper, share = in_fixed_point(*given)
    expected = {}
    for cell, part in ((lower, share), (upper, 1024 - share)):
        expected[cell] = expected.get(cell, 0) + part / 1024
    assert share_of_each(bilinear_place(*given), input_size) == {cell: part for cell, part in expected.items() if part}


@given(SIZES, SIZES, st.sampled_from(sorted(MODES)), st.data())
def test_places_among_real_values_and_xnnpacks(input_size, output_size, mode, data):
    """Within the rounding of a place, which float32 has 24 bits for, and XNNPACK 11 behind the point."""
    index, (corners, centers) = data.draw(st.integers(0, output_size - 1)), MODES[mode]
    taken = int(corners and output_size > 1)
    center = Fraction(1, 2) if centers else 0
    exact = (index + center) * Fraction(input_size - taken, output_size - taken) - center
    exact = min(max(exact, 0), input_size - 1)
    given = index, input_size, output_size, corners, centers
    assert abs(bilinear_place_real(*given) - exact) <= input_size * 2.0**-22
    found = xnnpack.bilinear_place(*given)
    assert abs(found - exact) <= input_size * 2.0**-22 + 2.0**-12
    assert found * 2**11 == int(found * 2**11)


def test_places_by_hand():
    assert [bilinear_place(i, 2, 4, False, False) for i in range(4)] == [0, 0.5, 1, 1]
    assert [bilinear_place(i, 2, 4, False, True) for i in range(4)] == [0, 0.25, 0.75, 1]
    assert [bilinear_place(i, 2, 4, True, False) for i in range(4)] == [0, 341 / 1024, 682 / 1024, 1023 / 1024]
    assert [xnnpack.bilinear_place(i, 2, 4, True, False) for i in range(4)] == [0, 683 / 2048, 1365 / 2048, 1]
    assert [bilinear_place_real(i, 2, 4, False, True) for i in range(4)] == [0, 0.25, 0.75, 1]


def test_the_sum_of_four_cells():
    assert [weighted_half_away(acc, 2, -128, 127) for acc in (-6, -2, 1, 2, 6)] == [-2, -1, 0, 1, 2]
    assert weighted_half_away(6, 2, -128, 1) == weighted_half_away(-600, 2, 1, 127) == 1
