"""Where the mean by a multiplier is defined: its left shift must keep the total."""

from int8sim.spec import pooling


def test_mean():
    assert [pooling.mean_double_is_defined(total, -2) for total in (2**29 - 1, 2**29)] == [True, False]
    assert pooling.mean_double_is_defined(-(2**29), -2)
    assert pooling.mean_double_is_defined(2**31 - 1, 3)
