"""Nearest-neighbour resizing where a float32 rounding, or the last cell, decides."""

from fractions import Fraction

import pytest

from int8sim.spec.resize_tflite import nearest_cell

BELOW = {  # the exact place is whole, or a half; with the ratio in float32 it is a little less
    (7, 62, 14, False, False): 30,
    (15, 150, 18, False, False): 124,
    (7, 32, 15, True, False): 15,
    (7, 118, 15, True, False): 58,
    (3, 62, 7, False, True): 30,
    (7, 150, 9, False, True): 124,
}


@pytest.mark.parametrize(("arguments", "cell"), BELOW.items())
def test_the_ratio_is_a_float32(arguments, cell):
    """In exact numbers each would be the next cell."""
    index, input_size, output_size, corners, centers = arguments
    place = (index + Fraction(centers, 2)) * Fraction(input_size - corners, output_size - corners)
    assert place + Fraction(corners, 2) == cell + 1
    assert nearest_cell(*arguments) == cell


@pytest.mark.parametrize("modes", [(False, False), (True, False), (False, True)])
def test_an_index_past_the_end_takes_the_last_cell(modes):
    assert [nearest_cell(index, 3, 6, *modes) for index in (6, 7, 60)] == [2, 2, 2]
    assert [nearest_cell(index, 1, 4, *modes) for index in (4, 8)] == [0, 0]
