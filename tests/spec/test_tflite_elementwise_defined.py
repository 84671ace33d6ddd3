"""Where TensorFlow Lite Micro's fixed-point functions are defined: inside the radius, what the left shift keeps."""

import pytest

from int8sim.spec.tflite_elementwise import logistic_fixed_is_defined, tanh_fixed_is_defined

LEGAL = 2**30


@pytest.mark.parametrize("is_defined", [logistic_fixed_is_defined, tanh_fixed_is_defined])
def test_inside_the_radius(is_defined):
    """15 << 27 fits 31 bits, 16 << 27 does not, -16 << 27 does; the zero point counts."""
    assert [is_defined(x, 0, LEGAL, -27, 99) for x in (15, 16, -16, -17)] == [True, False, True, False]
    assert [is_defined(x, 3, LEGAL, -27, 99) for x in (18, 19, -13, -14)] == [True, False, True, False]
    assert not is_defined(5, 0, 2**29, 0, 99)


@pytest.mark.parametrize("is_defined", [logistic_fixed_is_defined, tanh_fixed_is_defined])
def test_beyond_the_radius_nothing_is_shifted(is_defined):
    assert [is_defined(x, 0, LEGAL, -27, 17) for x in (16, 17, -17)] == [False, True, True]
