"""The public strategies: what they draw is legal and reaches the corners; a profile's steps compile to the same."""

import struct
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

from int8sim import strategies
from int8sim.graph.ir import Graph
from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import output
from int8sim.model.step import Step
from int8sim.model.tensor import BITS, QuantParams, TensorType, dtype_range
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profiles
from int8sim.spec.dp4a import unpack4
from int8sim.spec.float32 import float32, float32_bits
from int8sim.strategies.tensors import SPECIAL

MANY = settings(max_examples=50_000)


def outputs(acc, p, out):
    for i in range(acc.shape[0]):
        out[i] = output(acc[i], p, 0)


@given(strategies.int8s(), strategies.uint8s(), strategies.packed_words(), st.data())
def test_words_are_in_range(code, unsigned, word, data):
    assert -128 <= code <= 127
    assert 0 <= unsigned <= 255
    assert 0 <= word < 1 << 32
    assert all(-128 <= lane <= 127 for lane in unpack4(word))
    bits, signed = data.draw(st.integers(1, 64)), data.draw(st.booleans())
    value = data.draw(strategies.words(bits, signed=signed))
    assert (-(1 << (bits - 1)) if signed else 0) <= value < 1 << (bits - signed)


@given(strategies.int16s(), strategies.int32s(), strategies.int16s(signed=False), strategies.int32s(signed=False))
def test_wider_words_are_in_range(half, word, unsigned_half, unsigned):
    assert -(1 << 15) <= half < 1 << 15
    assert -(1 << 31) <= word < 1 << 31
    assert 0 <= unsigned_half < 1 << 16
    assert 0 <= unsigned < 1 << 32


@pytest.mark.parametrize(
    ("strategy", "corners"),
    [
        (strategies.int8s(), (-128, 127, 0, -1)),
        (strategies.int8s(narrow=True), (-127, 127)),
        (strategies.uint8s(), (0, 255, 128)),
        (strategies.int32s(), (-(1 << 31), (1 << 31) - 1, 1 << 30, (1 << 24) + 1)),
        (strategies.float32_patterns(), (0x7FC00000, 0x7F800000, 0x42FF0000, 0x80000001, 0x007FFFFF)),  # 127.5
        (strategies.float16_patterns(), (0x7E00, 0x7C00, 0x57F8, 0x8001, 0x03FF)),  # 127.5
        (strategies.scales(2.0**-4, 2.0**4), (0.5, 2.0 - 2.0**-23, 1.0 + 2.0**-23)),
        (strategies.zero_points(dtype="uint8"), (0, 255)),
    ],
    ids=["int8s", "narrow", "uint8s", "int32s", "float32", "float16", "scales", "zero_points"],
)
def test_corners_are_reached(strategy, corners):
    """A corner is one draw in some hundreds; Hypothesis' own constants, which it takes from loaded modules, vary."""
    for corner in corners:
        assert find(strategy, lambda value, it=corner: value == it, settings=MANY) == corner


def test_half_the_nans_have_a_payload_of_their_own():
    seen = set()

    @settings(max_examples=600, derandomize=True)
    @given(strategies.float32_patterns())
    def collect(bits):
        if bits & 0x7FFFFFFF > 0x7F800000:
            seen.add(bits)

    collect()
    assert len(seen) > 5
    assert {bits >> 31 for bits in seen} == {0, 1}


@given(strategies.float16_patterns())
def test_float16_patterns_are_patterns(bits):
    struct.unpack("<e", struct.pack("<H", bits))


@pytest.mark.parametrize(
    ("strategy", "least"),
    [
        (strategies.int8s(), 0),
        (strategies.int32s(), 0),
        (strategies.float32_patterns(), 0),
        (strategies.packed_words(), 0),
        (strategies.scales(), 1.0),
        (strategies.zero_points(), 0),
        (strategies.accumulators(), 0),
        (strategies.quant_params(), QuantParams(1.0)),
        (strategies.tensor_types(), TensorType((1, 1))),
        (strategies.profiles(), next(iter(profiles().values()))),
    ],
    ids=["int8s", "int32s", "float32", "packed", "scales", "zero_points", "accumulators", "quant", "types", "profiles"],
)
def test_what_they_shrink_to(strategy, least):
    assert find(strategy, lambda _: True) == least


@given(st.data())
def test_scales_stay_between_their_ends(data):
    low, high = sorted(data.draw(st.tuples(strategies.scales(), strategies.scales())))
    value = data.draw(strategies.scales(low, high))
    assert low <= value <= high
    assert float32(value) == value


def test_two_thirds_of_the_scales_are_next_to_a_power_of_two():
    beside = []

    @settings(max_examples=50, derandomize=True)
    @given(st.lists(strategies.scales(2.0**-14, 2.0**5), min_size=20, max_size=20))
    def collect(drawn):
        beside.extend((float32_bits(scale) + 1) & ((1 << 23) - 1) <= 2 for scale in drawn)

    collect()
    assert len(beside) / 2 < sum(beside) < len(beside)


@given(st.data(), st.sampled_from(sorted(BITS)), st.one_of(st.none(), st.integers(1, 4)), st.booleans())
def test_quantization_is_legal(data, dtype, channels, symmetric):
    drawn = strategies.quant_params(dtypes=[dtype], symmetric=symmetric, channels=channels, axis=1)
    quant = data.draw(drawn)
    quant.check("drawn")
    zeros = quant.zero_point if isinstance(quant.zero_point, tuple) else (quant.zero_point,)
    assert quant.dtype == dtype
    assert (quant.axis, len(quant.scales)) == ((None, 1) if channels is None else (1, channels))
    assert all(quant.low <= zero <= quant.high for zero in zeros)
    assert not (symmetric and any(zeros))


@given(strategies.quantized_tensors(quants=strategies.quant_params(dtypes=BITS)))
def test_tensors_hold_codes_of_their_type(tensor):
    low, high = dtype_range(tensor.type.dtype, tensor.type.quantized.narrow)
    assert tensor.codes.shape[1:] == tensor.type.shape[1:]
    assert 1 <= tensor.codes.shape[0] <= 3
    assert tensor.codes.dtype == ("int8" if tensor.type.dtype == "int4" else tensor.type.dtype)
    assert low <= tensor.codes.min() <= tensor.codes.max() <= high
    assert (len(tensor.type.shape) == 4) == bool(tensor.type.layout)


def test_tensors_reach_both_ends():
    both = find(strategies.codes((3, 5)), lambda codes: {-128, 127} <= set(codes.ravel().tolist()))
    assert {-128, 127} <= set(both.ravel().tolist())
    rich = find(strategies.codes((40,)), lambda codes: len(set(codes.tolist())) > 15)
    assert rich.dtype == np.int8


def test_reals_reach_ties_and_special_values():
    quant = QuantParams(0.25, 3)
    ties = find(strategies.real_arrays((2, 3), quant=quant), lambda values: (values == 0.125).any())
    assert ties.dtype == np.float32
    above = np.nextafter(np.float32(0.125), np.float32(1))
    assert find(
        strategies.real_arrays((2, 3), quant=quant), lambda values: (values == above).any(), settings=MANY
    ).any()
    for special in SPECIAL[2:].tolist():
        found = find(strategies.real_arrays((30,)), lambda values, it=special: (values == it).any(), settings=MANY)
        assert np.isfinite(found).all()


BAD = {
    "words bits 0": lambda: strategies.words(0),
    "words bits 2.5": lambda: strategies.words(2.5),
    "words bits True": lambda: strategies.words(True),
    "scales 0.0": lambda: strategies.scales(0.0),
    "scales 0.1": lambda: strategies.scales(0.1),
    "scales min_value=2.0": lambda: strategies.scales(2.0, 1.0),
    "zero_points 'int5'": lambda: strategies.zero_points(dtype="int5"),
    "quant_params 'int5'": lambda: strategies.quant_params(dtypes=["int5"]),
    "quant_params []": lambda: strategies.quant_params(dtypes=[]),
    "quant_params channels=0": lambda: strategies.quant_params(channels=0),
    "quant_params axis=-1": lambda: strategies.quant_params(axis=-1),
    "tensor_types 'CHW'": lambda: strategies.tensor_types(layouts=["CHW"]),
    "tensor_types greatest=0": lambda: strategies.tensor_types(greatest=0),
    "codes 'float32'": lambda: strategies.codes((1,), dtype="float32"),
    "quantized_tensors max_batch=0": lambda: strategies.quantized_tensors(max_batch=0),
    "accumulators bits=63": lambda: strategies.accumulators(bits=63),
    "output_steps 'abacus'": lambda: strategies.output_steps("abacus"),
    "output_steps 'softmax'": lambda: strategies.output_steps("tflite_reference", kind="softmax"),
    "converters 'fast'": lambda: strategies.converters("nvdla", preset="fast"),
    "float_graphs []": lambda: strategies.float_graphs(ops=[]),
    "float_graphs 'quantize'": lambda: strategies.float_graphs(ops=["quantize"]),
    "float_graphs max_layers=1": lambda: strategies.float_graphs(min_layers=2, max_layers=1),
    "graphs 'abacus'": lambda: strategies.graphs("abacus"),
    "graphs 'mixed'": lambda: strategies.graphs(preset="mixed"),
    "graphs min_layers=0": lambda: strategies.graphs(min_layers=0),
    "layers 'softmax'": lambda: strategies.layers("nvdla", op="softmax"),
    "layers 'fast'": lambda: strategies.layers("nvdla", preset="fast"),
    "runs max_batch=0": lambda: strategies.runs(strategies.graphs(), max_batch=0),
}


@pytest.mark.parametrize("call", BAD)
def test_bad_arguments_are_refused_at_the_call(call):
    """With the value's repr, and what is valid."""
    with pytest.raises(InvalidArgument, match=r"Got .*, but .*(valid|needed|needs)") as raised:
        BAD[call]()
    assert call.split()[-1].split("=")[-1] in str(raised.value)


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


@pytest.mark.parametrize("name", profiles())
def test_many_accumulators_of_a_converter_are_at_a_step(name):
    """Within two of one where the output changes, or of the next: about half, where a draw at random finds few."""
    at_a_step = []

    @settings(max_examples=60, derandomize=True)
    @given(strategies.converters(name))
    def collect(converter):
        step, wide = converter.step, (1 << 28)
        if step(-wide) != step(wide):
            near = (range(value - 3, value + 4) for value in converter.accumulators)
            at_a_step.extend(len({step(value) for value in values}) > 1 for values in near)

    collect()
    assert sum(at_a_step) > len(at_a_step) / 3


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_types_have_strategies(data):
    for kind in (Profile, Step, Graph):
        assert isinstance(data.draw(st.from_type(kind)), kind)


FROM_TYPE = """
import sys
from hypothesis import strategies as st, given, settings
from int8sim import hypothesis_hook
hypothesis_hook.register()
assert not {"numpy", "numba", "int8sim.strategies"} & set(sys.modules), "the hook must stay light"
from int8sim.model.tensor import QuantParams, TensorType
seen = []
@settings(max_examples=5, database=None, deadline=None)
@given(st.from_type(QuantParams), st.from_type(TensorType))
def collect(quant, kind):
    quant.check("drawn")
    seen.append((quant, kind))
collect()
print(len(seen))
"""


def test_hypothesis_loads_only_the_hook():
    done = subprocess.run([sys.executable, "-c", FROM_TYPE], capture_output=True, text=True, check=False)
    assert done.stdout == "5\n", done.stderr
