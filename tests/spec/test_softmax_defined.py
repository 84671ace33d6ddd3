"""Where the integer exponential is defined."""

from int8sim.spec import softmax

LEGAL = 2**30


def test_softmax_exponential():
    """-16 << 27 is -2**31; -17 << 27 is not, but below difference_min nobody asks."""
    assert softmax.tflite_exponential_is_defined(-16, LEGAL, -27, -31)
    assert not softmax.tflite_exponential_is_defined(-17, LEGAL, -27, -31)
    assert softmax.tflite_exponential_is_defined(-17, LEGAL, -27, -16)
    assert not softmax.tflite_exponential_is_defined(-17, LEGAL, -27, -17)
