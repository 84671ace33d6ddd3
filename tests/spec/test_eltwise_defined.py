"""Where TensorFlow Lite's sum of two tensors is defined: at the last operand and the one behind it."""

import pytest

from int8sim.spec import eltwise

LEGAL, ODD = 2**30, 2**29


@pytest.mark.parametrize(
    ("function", "sign"), [(eltwise.add_double_is_defined, 1), (eltwise.subtract_double_is_defined, -1)]
)
def test_sums_and_differences(function, sign):
    """Codes << 20 are at most 2**28; left by 3 they no longer fit."""
    sound = (0, 0, LEGAL, 0, LEGAL, 0, LEGAL, 0)
    assert function(127, 127, *sound)
    for place in (2, 4, 6):
        bad = [ODD if i == place else value for i, value in enumerate(sound)]
        assert not function(127, 127, *bad)
    assert not function(127, 0, 0, 0, LEGAL, -5, LEGAL, 0, LEGAL, 0)
    assert not function(0, 127, 0, 0, LEGAL, 0, LEGAL, -5, LEGAL, 0)
    assert function(127, 127, 127, 127, LEGAL, -5, LEGAL, -5, LEGAL, -5)
    # (64 + 64) << 20, halved, is 2**26: left by 4 it is 2**30, by 5 too much
    assert function(64, sign * 64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -4)
    assert not function(64, sign * 64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -5)
    assert function(64, -sign * 64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -5)
