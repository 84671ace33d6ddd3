"""Words given as signed ints, and the defaults."""

from __future__ import annotations

from int8sim.spec.dp4a import dp2a, dp4a, unpack4


def test_a_negative_word_has_four_lanes_and_two_halves():
    """Bits above the 32nd are the sign's, and belong to no lane."""
    assert dp4a(-1, -1, 0) == 4
    assert dp4a(-1, -1, 0, a_signed=False, b_signed=False) == 4 * 255 * 255
    assert dp2a(-1, 0x01010101, 0) == -2
    assert dp2a(-1, -1, 0, high=True) == 2
    assert dp2a(-1, -1, 0, a_signed=False, b_signed=False) == 2 * 65535 * 255


def test_lanes_are_signed_unless_told():
    assert unpack4(0x7F80FF01) == (1, -1, -128, 127)
    assert unpack4(0x7F80FF01, signed=False) == (1, 255, 128, 127)
