"""The derivations of the `nvdla` profiles: converters, operands, biases, the order of folding; what they refuse."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.lower import lower
from int8sim.model.errors import BiasError, LayerError, RatioError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.profiles.base import Normalization
from int8sim.profiles.nvdla import bias_operand, converter, fold_in_steps, multipliers, roots

f32 = np.float32
POSITIVE = st.floats(2.0**-40, 2.0**14, width=32)


def operands(*biases, scale=1.0):
    """The int16 operands and the shift of biases in units of `scale`."""
    codes, shift = bias_operand(np.array(biases, f32), np.full(len(biases), scale, f32))
    return codes.tolist(), shift


@given(POSITIVE)
def test_a_converter_fills_fifteen_bits_and_is_truncated(real):
    scale, shift = converter(real)
    exact = Fraction(real) * 2**shift
    assert 1 << 14 <= scale < 1 << 15
    assert scale <= exact < scale + 1


@pytest.mark.parametrize("real", [0.0, 2.0**15, math.inf, math.nan, -1.0, 2.0**-50])
def test_a_ratio_that_no_converter_holds(real):
    with pytest.raises(RatioError, match=r"2\*\*-49 to below 2\*\*15"):
        converter(real)


def test_the_ends_of_what_a_converter_holds():
    assert converter(2.0**-49) == (1 << 14, 63)
    assert converter(math.nextafter(2.0**15, 0)) == ((1 << 15) - 1, 0)
    assert converter(1.0) == (16384, 14)


@given(st.lists(POSITIVE, min_size=1, max_size=8))
def test_the_largest_channel_says_the_shift_of_all(reals):
    """Each operand is its ratio at that shift, truncated; only the largest is sure of its 15 bits."""
    found, shift = multipliers(reals)
    assert shift == converter(max(reals))[1]
    if shift:
        assert found == [math.floor(Fraction(real) * 2**shift) for real in reals]


def test_a_shift_of_zero_is_none_to_the_compiler():
    """A ratio of 2**14 and more: each channel is scaled by its own shift, and X1 shifts by 0."""
    assert multipliers([20000.0, 1.0]) == ([20000, 16384], 0)


def test_biases():
    assert operands(0.0, -0.0) == ([0, 0], 16)
    assert operands(1.5, -1.5, 0.499) == ([2, -1, 0], 0)
    assert operands(math.nextafter(0.5, 0), float(np.nextafter(f32(0.5), f32(0)))) == ([1, 1], 0)  # a float32 sum
    assert operands(32767.0, -32767.0) == ([32767, -32767], 0)
    assert operands(65535.0, 3.0, -3.0) == ([32767, 1, -2], 1)
    assert operands(2.0**30, -1.0) == ([-32768, -1], 15)


def test_a_positive_power_of_two_wraps_as_in_the_compiler():
    """32768 needs 17 bits and is given 16; at 2**29 the compiler's logarithm is a little more than 29."""
    assert operands(32768.0, 7.0) == ([-32768, 7], 0)
    assert operands(-32768.0) == ([-32768], 0)
    assert operands(2.0**29) == ([16384], 15)


@given(st.lists(st.floats(-1e9, 1e9, width=32), min_size=1, max_size=6))
def test_a_bias_is_its_code_without_the_bits_that_are_shifted_out(biases):
    codes, shift = operands(*biases)
    for bias, code in zip(biases, codes, strict=True):
        exact = math.floor(f32(bias) + f32(0.5))
        assert (exact >> shift) - code in {0, 1 << 16}
    assert 0 <= shift <= 16


@pytest.mark.parametrize(
    ("bias", "scale"), [(1.0, 0.0), (1e30, 1e-5), (math.nan, 1.0), (math.inf, 1.0), (2.0**31, 1.0)]
)
def test_a_bias_that_does_not_fit(bias, scale):
    with pytest.raises(BiasError, match=r"the bias of channel 1 .* below 2\*\*31"):
        operands(0.0, bias, scale=scale) if scale else bias_operand(np.array([0, bias], f32), np.array([1, 0], f32))


def normalization(rng, channels):
    draw = lambda low, high: rng.uniform(low, high, channels).astype(f32)  # noqa: E731
    return Normalization(draw(0.5, 2), draw(-1, 1), draw(-1, 1), draw(1e-3, 4), float(f32(1e-5)))


def test_folding_multiplies_by_one_constant_after_the_other():
    """Each product and sum is a float32: against the same in float64, rounded at every step."""
    rng = np.random.default_rng(3)
    given_, weight, bias = (
        normalization(rng, 500),
        rng.standard_normal((500, 3)).astype(f32),
        rng.random(500).astype(f32),
    )

    def once(values):
        return np.asarray(values, np.float64).astype(f32).astype(np.float64)

    inverse = once(1 / once(np.sqrt(once(given_.variance.astype(np.float64) + given_.epsilon))))
    expected = once(once(weight * inverse[:, None]) * given_.gamma[:, None])
    summed = once(once(once(once(bias.astype(np.float64) - given_.mean) * inverse) * given_.gamma) + given_.beta)
    found = fold_in_steps(weight, bias, given_)
    assert np.array_equal(found[0], expected)
    assert np.array_equal(found[1], summed)
    at_once = weight * (inverse * given_.gamma).astype(f32)[:, None]
    assert (found[0] != at_once).any()


def test_a_large_factor_becomes_roots():
    """Up to 127 a factor stays; above, its square root stands twice, with 1 for the other channels."""
    assert [part.tolist() for part in roots(np.array([2, 127], f32))] == [[2, 127]]
    assert [part.tolist() for part in roots(np.array([2, 16129], f32))] == [[2, 127], [1, 127]]
    three = roots(np.array([2, 400, 125000], f32))
    assert [part[0] for part in three] == [2, 1, 1]
    assert [part[1] for part in three] == [20, 20, 20]
    assert np.allclose([part[2] for part in three], 50)
    assert len(roots(np.array([np.inf, np.nan], f32))) == 1


def one_layer(weight, bias=None, rows=(1 / 64, 1 / 64), name="nvdla", op=None):
    """A lowered convolution or fully connected layer `c` between tables' scales."""
    constants = {"w": np.asarray(weight, f32)} | ({} if bias is None else {"b": np.asarray(bias, f32)})
    operation = op or FullyConnected()
    shape = (1, constants["w"].shape[1]) if op is None else (1, 1, 2, 2)
    kind = TensorType(shape, "float32", "" if op is None else "NCHW")
    graph = float_graph("g", [Layer("c", operation, ("x", *constants), "y")], {"x": kind}, ["y"], constants)
    lowered = lower(graph, Table({"x": Row(rows[0]), "y": Row(rows[1])}), profile=name)
    return lowered, next(layer for layer in lowered.layers if layer.name == "c").arithmetic["output"].parameters


def test_per_filter_has_a_multiplier_for_each_channel():
    weight = np.array([[1.0, -0.5], [0.125, 0.0625], [3.0, 1.0]], f32)
    lowered, found = one_layer(weight, [0.5, -0.25, 0.0], name="nvdla_per_filter")
    scales = (np.abs(weight).max(1) / f32(127)).astype(f32)
    assert lowered.tensors["c_weight"].quantized.scales == tuple(scales.tolist())
    ratios = [Fraction(float(f32(f32(1.0) * scale))) for scale in scales]
    shift = found["truncate"]
    assert found["operand"].tolist() == [math.floor(ratio * 2**shift) for ratio in ratios]
    assert 1 << 14 <= max(found["operand"]) < 1 << 15
    units = (f32(1 / 64) * scales).astype(f32)
    assert found["bias"].tolist() == np.floor(f32([0.5, -0.25, 0.0]) / units + f32(0.5)).astype(int).tolist()
    assert not {"scale"} & set(found)


def test_a_filter_of_zeros_takes_no_bits_from_the_others():
    """Its weights and multiplier are 0; the other channels' are as without it. Its bias must be 0 too."""
    lowered, found = one_layer([[0.0], [0.25]], [0.0, 0.5], name="nvdla_per_filter")
    _, alone = one_layer([[0.25]], [0.5], name="nvdla_per_filter")
    assert lowered.constants["c_weight"].tolist() == [[0], [127]]
    assert found["operand"].tolist() == [0, *alone["operand"]]
    assert (found["truncate"], found["bias"].tolist()) == (alone["truncate"], [0, *alone["bias"]])
    assert one_layer([[0.0], [0.0]], name="nvdla_per_filter")[1]["operand"].tolist() == [0, 0]
    with pytest.raises(LayerError, match=r"layer 'c': the bias of channel 0 is 0\.5"):
        one_layer([[0.0], [0.25]], [0.5, 0.5], name="nvdla_per_filter")


@pytest.mark.parametrize(
    ("x", "y", "amax"),
    [
        (0.014958178624510765, 0.04844611510634422, 0.6191721558570862),
        (0.08823113143444061, 0.05125509947538376, 0.4710879921913147),
    ],
)
def test_without_a_bias_the_factors_are_multiplied_first(x, y, amax):
    """Si * Sw / So in place of Si / So * Sw: for these scales the last bit of the converter differs."""
    scale = f32(f32(amax) / f32(127))
    _, bare = one_layer([[amax]], rows=(x, y))
    _, biased = one_layer([[amax]], [0.0], rows=(x, y))
    assert (bare["scale"], bare["truncate"]) == converter(float(f32(f32(x) * scale) / f32(y)))
    assert (biased["scale"], biased["truncate"]) == converter(float(f32(f32(x) / f32(y)) * scale))
    assert abs(bare["scale"] - biased["scale"]) == 1
    assert (bare["bias"].tolist(), bare["bias_shift"]) == ([0], 0)
    assert (biased["bias"].tolist(), biased["bias_shift"]) == ([0], 16)


def test_what_the_compiler_warns_of_is_a_note():
    lowered, found = one_layer([[1e-5]], [0.0], rows=(1e-3, 1.0))
    assert found["truncate"] > 31
    assert any(note.startswith(f"c: its right shift is {found['truncate']}") for note in lowered.notes)
    lowered, _ = one_layer([[1.0], [1e-7]], [0.0, 0.0], name="nvdla_per_filter")
    assert any(note.startswith("c: its multiplier is 0 in channels [1]") for note in lowered.notes)
    lowered, _ = one_layer([[127.0]], [512.0])
    assert any("the bias of channel 0, 512, wraps to -32768" in note for note in lowered.notes)
    assert not one_layer([[0.5]], [0.25])[0].notes


def test_what_does_not_fit_names_the_layer():
    with pytest.raises(LayerError, match=r"layer 'c': the bias of channel 0 is 1e\+30"):
        one_layer([[1.0]], [1e30])
    with pytest.raises(LayerError, match=r"layer 'c': input scale times weight scale over output scale is .*2\*\*15"):
        one_layer([[1e9]], [0.0], rows=(1.0, 1e-3))
    with pytest.raises(LayerError, match=r"layer 'c': .* 2\*\*-49"):
        one_layer([[1e-30]], [0.0])


def test_a_convolution_and_its_normalization_fold_as_the_profile_says():
    rng = np.random.default_rng(1)
    given_ = normalization(rng, 4)
    weight = rng.standard_normal((4, 1, 2, 2)).astype(f32)
    constants = {"w": weight, "g": given_.gamma, "o": given_.beta, "m": given_.mean, "v": given_.variance}
    layers = [
        Layer("c", Conv2d(), ("x", "w"), "t"),
        Layer("n", BatchNormalization(given_.epsilon), ("t", "g", "o", "m", "v"), "y"),
    ]
    graph = float_graph("g", layers, {"x": TensorType((1, 1, 4, 4), "float32", "NCHW")}, ["y"], constants)
    table = Table({"x": Row(0.01), "t": Row(0.02), "y": Row(0.03)})
    lowered = lower(graph, table, profile="nvdla")
    folded, bias = fold_in_steps(weight, np.zeros(4, f32), given_)
    scale = f32(np.abs(folded).max() / f32(127))
    codes = np.clip(np.floor(folded * (f32(1) / scale) + f32(0.5)), -128, 127)
    assert np.array_equal(lowered.constants["c_weight"], codes)
    expected, shift = bias_operand(bias, np.full(4, f32(f32(0.01) * scale)))
    found = lowered.layers[1].arithmetic["output"].parameters
    assert (found["bias"].tolist(), found["bias_shift"]) == (expected.tolist(), shift)
