"""Where sums and means of LiteRT's optimized kernels are defined: the scalar loop as the reference kernels are."""

from int8sim.spec.litert import add_lanes_is_defined, add_number_lanes_is_defined, mean_lanes_is_defined

SOUND = (0, 0, 2**30, 0, 2**30, 0, 2**30, 0)


def test_add():
    """Of 20 elements the last four are in the scalar loop; an operand shifted left by 5 more does not fit there."""
    left = (0, 0, 2**30, -5, 2**30, 0, 2**30, 0)
    assert add_lanes_is_defined(127, 127, 16, 20, *SOUND)
    assert [add_lanes_is_defined(127, 0, place, 20, *left) for place in (15, 16)] == [True, False]
    right = (0, 0, 2**30, 0, 2**30, -5, 2**30, 0)
    assert not add_lanes_is_defined(0, 127, 16, 20, *right)
    assert add_lanes_is_defined(127, 0, 16, 20, *right)
    assert add_lanes_is_defined(127, 0, 16, 20, 127, *left[1:])
    assert add_lanes_is_defined(0, 127, 16, 20, 0, 127, *right[2:])
    assert [add_lanes_is_defined(64, 64, 16, 20, *SOUND[:-1], shift) for shift in (-4, -5)] == [True, False]


def test_add_of_a_number():
    """As ADD, with loops of 8: of 12 elements the last four are in the scalar one."""
    left = (0, 0, 2**30, -5, 2**30, 0, 2**30, 0)
    assert add_number_lanes_is_defined(127, 127, 8, 12, *SOUND)
    assert [add_number_lanes_is_defined(127, 0, place, 12, *left) for place in (7, 8)] == [True, False]


def test_mean():
    assert [mean_lanes_is_defined(total, 2**30, -2) for total in (2**29 - 1, 2**29)] == [True, False]
    assert not mean_lanes_is_defined(5, 2**29, 0)
