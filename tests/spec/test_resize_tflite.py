"""Which cell TensorFlow Lite's nearest-neighbour resizing takes, against its text in exact float32."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.resize_tflite import nearest_cell

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
