"""A device with one mistake: it is named, its first mismatch is replayed; what is not in the catalogue is not named."""

import json

import numpy as np
import pytest

from int8sim.golden.diff import diagnose, diagnose_calls
from int8sim.golden.mutations.catalogue import catalogue
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.replay import replay
from int8sim.golden.samples import sample_layer
from int8sim.model.errors import InputMismatchError, UnknownNameError
from int8sim.model.step import Step
from int8sim.spec.dp4a import dp4a
from int8sim.spec.nvdla import sdp_out_convert
from int8sim.spec.requantize import output_double, output_double_up, output_single

from .test_mutations import drawn


def bench(kind, profile, batch=4):
    graph = sample_layer(kind, profile)
    inputs = drawn(graph, batch)
    subject = Subject.of(graph, graph.layers[0])
    shape = (batch, *graph.tensors[graph.outputs[0]].shape[1:])
    return graph, subject, inputs, subject.values(inputs, np.arange(np.prod(shape))).reshape(shape)


def judged(graph, inputs, expected, actual):
    return diagnose(graph, graph.outputs[0], dict(zip(graph.inputs, inputs, strict=True)), expected, actual)


@pytest.mark.parametrize(
    ("kind", "profile"),
    [("conv2d", "tflite_reference"), ("fully_connected", "nvdla"), ("add", "xnnpack"), ("average_pool", "onnxruntime")],
)
def test_each_mistake_is_named(kind, profile, compared):
    """Every eighth mutation, as the device: among the named ones, each of which gives all that was seen."""
    graph, subject, inputs, expected = bench(kind, profile, 2)
    entries, named = catalogue(subject), 0
    for mutant in entries[1::8]:
        actual = mutant.subject.values(inputs, np.arange(expected.size)).reshape(expected.shape)
        found = judged(graph, inputs, expected, actual)
        if not np.array_equal(actual, expected):
            assert mutant.key in [each.key for each in found.named]
            named += len(found.named)
        else:
            assert found.different == 0
            assert not found
    assert named
    compared(named * expected.size, 1)


def test_one_flipped_bit_is_not_explained():
    graph, _, inputs, expected = bench("conv2d", "tflite_reference")
    actual = expected.copy()
    actual[1, 2, 0, 3] ^= 4
    found = judged(graph, inputs, expected, actual)
    assert (found.different, found.index, found.named) == (1, (1, 2, 0, 3), ())
    assert any("none of the catalogue's" in line for line in found.lines())
    json.dumps(found.as_dict())


def test_wrong_inputs_are_not_judged():
    graph, _, inputs, expected = bench("conv2d", "tosa")
    actual = expected.copy()
    actual[0, 0, 0, 0] ^= 1
    found = judged(graph, [np.roll(inputs[0], 1)], expected, actual)
    assert not found.reproduced
    assert not found.explanations
    assert "does not give the expected values" in found.lines()[-1]


@pytest.mark.parametrize("kind", ["conv2d", "fully_connected", "add", "average_pool"])
def test_the_replay_ends_in_the_code(kind, compared):
    _, subject, inputs, expected = bench(kind, "onnxruntime_avx2" if kind == "conv2d" else "tflite_optimized", 1)
    for index in np.ndindex(*expected.shape):
        found = replay(subject, inputs, index)
        assert found.parts[-1].endswith(f"= {expected[index]}")
        if found.products:
            assert found.total == sum(each.value for each in found.products)
    compared(expected.size, 1)


def test_a_converters_calls():
    calls = [(acc, 1 << 30, 4, 3, -128, 127) for acc in range(-3000, 3000)]
    found = diagnose_calls(output_double, calls, [output_double_up(*call) for call in calls])
    assert [each.words for each in found.named] == ["ties toward +inf instead of ties away from zero"]
    assert any("a tie, HALF_AWAY" in line for line in found.lines())
    same = diagnose_calls(output_double, calls, [output_double(*call) for call in calls])
    assert (same.different, same.named) == (0, ())


def test_calls_whose_parameters_differ():
    calls = [(acc, (1 << 30) + acc * acc, 5 + acc % 3, acc % 7, -128, 127) for acc in range(-3000, 3000)]
    found = diagnose_calls(output_double, calls, [output_single(*call) for call in calls])
    assert "one rounding instead of two" in {each.words for each in found.named}


def test_bytes_of_a_word():
    rng = np.random.default_rng(3)
    calls = [(*map(int, rng.integers(0, 1 << 32, 2)), int(rng.integers(-9, 9)), 1, 1) for _ in range(50)]
    actual = [dp4a(a, b, c, True, False) for a, b, c, _, _ in calls]
    found = diagnose_calls(dp4a, calls, actual, operands=3, bits=32)
    assert [each.words for each in found.named] == ["b: zero extension instead of sign extension"]


def test_a_steps_calls():
    step = Step(sdp_out_convert, {"offset": 0, "scale": 3, "truncate": 2, "out_bits": 8})
    accs = [(acc,) for acc in range(-500, 500)]
    actual = [((acc * 3 + 2) >> 2) for (acc,) in accs]  # half up, and its low 8 bits
    assert not diagnose_calls(step, accs, actual)
    saturated = [min(max(code, -128), 127) for code in actual]
    assert "ties toward +inf" in diagnose_calls(step, accs, saturated).named[0].words


def test_bad_input_is_named():
    graph, _, inputs, expected = bench("conv2d", "tosa", 1)
    with pytest.raises(UnknownNameError, match="tensor that a layer computes 'z'"):
        diagnose(graph, "z", {}, expected, expected)
    with pytest.raises(InputMismatchError, match="at least one"):
        judged(graph, inputs, expected, expected[:, :1])
    with pytest.raises(InputMismatchError, match="every activation"):
        diagnose(graph, graph.outputs[0], {}, expected, expected)
    with pytest.raises(InputMismatchError, match="one for each of 1 calls"):
        diagnose_calls(output_double, [(1, 1 << 30, 0, 0, -128, 127)], [])
