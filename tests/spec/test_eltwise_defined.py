"""Where TensorFlow Lite's sum of two tensors is defined: at the last operand and the one behind it."""

from int8sim.spec import eltwise

LEGAL, ODD = 2**30, 2**29


def test_add():
    """Codes << 20 are at most 2**28; left by 3 they no longer fit."""
    sound = (0, 0, LEGAL, 0, LEGAL, 0, LEGAL, 0)
    assert eltwise.add_double_is_defined(127, 127, *sound)
    for place in (2, 4, 6):
        bad = [ODD if i == place else value for i, value in enumerate(sound)]
        assert not eltwise.add_double_is_defined(127, 127, *bad)
    assert not eltwise.add_double_is_defined(127, 0, 0, 0, LEGAL, -5, LEGAL, 0, LEGAL, 0)
    assert not eltwise.add_double_is_defined(0, 127, 0, 0, LEGAL, 0, LEGAL, -5, LEGAL, 0)
    assert eltwise.add_double_is_defined(127, 127, 127, 127, LEGAL, -5, LEGAL, -5, LEGAL, -5)
    # (64 + 64) << 20, halved, is 2**26: left by 4 it is 2**30, by 5 too much
    assert eltwise.add_double_is_defined(64, 64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -4)
    assert not eltwise.add_double_is_defined(64, 64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -5)
    assert eltwise.add_double_is_defined(64, -64, 0, 0, LEGAL, 0, LEGAL, 0, LEGAL, -5)
