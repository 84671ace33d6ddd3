"""The public strategies: what they draw is legal and reaches the corners; a profile's steps compile to the same."""

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from int8sim import strategies
from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import output
from int8sim.profiles.registry import profiles
from int8sim.spec.dp4a import unpack4


def outputs(acc, p, out):
    for i in range(acc.shape[0]):
        out[i] = output(acc[i], p, 0)


@given(strategies.int8s(), strategies.int8s(signed=False), strategies.packed_words(), st.data())
def test_words_are_in_range(code, unsigned, word, data):
    assert -128 <= code <= 127
    assert 0 <= unsigned <= 255
    assert 0 <= word < 1 << 32
    assert all(-128 <= lane <= 127 for lane in unpack4(word))
    bits = data.draw(st.integers(1, 64))
    value = data.draw(strategies.words(bits))
    assert -(1 << (bits - 1)) <= value < 1 << (bits - 1)


def test_corners_are_reached_and_bad_arguments_raise():
    """A corner is one draw in some hundreds; Hypothesis' own constants, which it takes from loaded modules, vary."""
    many = settings(max_examples=50_000)
    assert find(strategies.int8s(), lambda code: code == -128, settings=many) == -128
    for pattern in (0x7FC00000, 0x42FF0000):  # NaN, 127.5
        assert find(strategies.float32_patterns(), lambda bits, it=pattern: bits == it, settings=many) == pattern
    with pytest.raises(ValueError, match=r"only 1 \.\. 64"):
        strategies.words(0)


@pytest.mark.parametrize("name", profiles())
@settings(max_examples=60)
@given(data=st.data())
def test_a_profiles_own_converter_interpreted_and_compiled(name, data):
    step = data.draw(strategies.output_steps(name))
    acc = data.draw(st.lists(strategies.accumulators(), min_size=1, max_size=40))
    bound, values = bind(step)
    found = np.empty(len(acc), np.int64)
    build(outputs, {"output": bound})(np.array(acc, np.int64), values, found)
    assert found.tolist() == [step(value) for value in acc]
