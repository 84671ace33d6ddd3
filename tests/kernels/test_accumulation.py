"""Accumulators that a profile states: their loops on both backends, and which kernel fills them."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.golden.compare import explain
from int8sim.golden.graph_json import decode, encode
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.paths import sequential_layers
from int8sim.graph.run import run
from int8sim.model.accumulation import CHANNELS_FIRST, CHANNELS_LAST, ORDERS, UNSTATED, Accumulation, Loop
from int8sim.model.errors import AccumulatorError, UnknownNameError
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.spec.integers import clamp, saturate, saturating_add, wrap
from int8sim.spec.requantize import output_double


def low_bits(acc: int, shift: int) -> int:
    """Eight bits of the accumulator from `shift` on, as they are: any difference shows."""
    return wrap(acc >> shift, 8)


def pair_then_wrap(acc: int, pair: int) -> int:
    """A pair saturated to 16 bits, then added modulo 2**32."""
    return wrap(acc + saturate(pair, 16), 32)


def decaying(acc: int, product: int, weight: int) -> int:
    """No sum at all: every product counts, zeros too, and its place."""
    return clamp(acc - (acc >> 3) + weight * product, -1000, 1000)


def kind(shape, dtype="int8", zero_point=0, layout=""):
    return TensorType(shape, dtype, layout, QuantParams(1.0, zero_point, None, dtype))


def codes(seed, shape, dtype="int8"):
    info, rng = np.iinfo(dtype), np.random.default_rng(seed)
    ends = rng.choice([info.min, info.max], shape)
    return np.where(rng.random(shape) < 0.4, ends, rng.integers(info.min, info.max + 1, shape)).astype(dtype)


def one_layer(op, types, output, constants, step, shift=0):
    names = [f"x{i}" for i in range(len(types))]
    steps = {"accumulate": step, "output": Step(low_bits, {"shift": shift})}
    tensors = {**dict(zip(names, types, strict=True)), "y": output}
    held = {names[i]: value for i, value in constants.items()}
    inputs = tuple(name for name in names if name not in held)
    return Graph((Layer("layer", op, tuple(names), "y", steps),), tensors, held, inputs, ("y",))


def convolution(
    step, *, group=1, x_dtype="int8", zero_point=0, w_dtype="int8", w_zero=0, seed=1, multiplier=1, shift=0
):
    """3 x 2 windows over 5 x 6 cells with pads and a stride, and a batch of two."""
    op = Conv2d((1, 2), (1, 0, 1, 2), (1, 1), group)
    w, bias = codes(seed, (6 * multiplier, 6 // group, 3, 2), w_dtype), np.arange(6 * multiplier, dtype=np.int32) * 777
    types = [kind((1, 6, 5, 6), x_dtype, zero_point, "NCHW"), kind(w.shape, w_dtype, w_zero), kind(bias.shape, "int32")]
    graph = one_layer(op, types, kind(op.infer(types).shape, "int8", 0, "NCHW"), {1: w, 2: bias}, step, shift)
    return graph, {"x0": codes(seed + 1, (2, 6, 5, 6), x_dtype)}


def with_steps(graph, steps):
    return replace(graph, layers=(replace(graph.layers[0], arithmetic=steps),))


def both(graph, inputs):
    """The output, the same on both backends."""
    fast, slow = (run(graph, inputs, backend=backend)["y"] for backend in ("cpu", "reference"))
    assert np.array_equal(fast, slow)
    return fast


def saturating(bits, **loop):
    return Accumulation(saturating_add, {"bits": bits}, Loop(bits, **loop))


LOOPS = st.builds(
    Loop,
    bits=st.sampled_from([14, 16, 18, 24, 40]),
    products=st.sampled_from([1, 2, 3, 4, 5, 8, 64]),
    order=st.sampled_from(ORDERS),
    unsigned=st.booleans(),
)


@settings(max_examples=15)
@given(
    loop=LOOPS,
    group=st.sampled_from([1, 2, 6]),
    multiplier=st.sampled_from([1, 2]),
    x_dtype=st.sampled_from(["int8", "uint8", "int16"]),
    zero_point=st.integers(0, 127),
    w=st.sampled_from([("int8", 0), ("int8", -3), ("uint8", 130)]),
    seed=st.integers(0, 99),
)
def test_any_loop(loop, group, multiplier, x_dtype, zero_point, w, seed):
    """Convolutions, grouped and depthwise, under any loop: compiled and interpreted, every bit."""
    step = Accumulation(saturating_add, {"bits": loop.bits}, loop)
    numbers = {"x_dtype": x_dtype, "zero_point": zero_point, "w_dtype": w[0], "w_zero": w[1], "seed": seed}
    both(*convolution(step, group=group, multiplier=multiplier, **numbers))


@pytest.mark.parametrize("unsigned", [False, True], ids=["centred", "stored codes"])
@pytest.mark.parametrize("products", [1, 2, 5])
def test_rows_and_matrices(products, unsigned):
    step = saturating(15, products=products, unsigned=unsigned)
    w = codes(3, (5, 23))
    types = [kind((1, 4, 23), "uint8", 120), kind(w.shape, zero_point=2), kind((5,), "int32")]
    dense = one_layer(FullyConnected(), types, kind((1, 4, 5)), {1: w, 2: np.arange(5, dtype=np.int32)}, step)
    both(dense, {"x0": codes(4, (2, 4, 23), "uint8")})
    types = [kind((1, 4, 23), "int8", -5), kind((1, 23, 6), "uint8", 99)]
    product = one_layer(Matmul(), types, kind((1, 4, 6)), {}, step)
    both(product, {"x0": codes(5, (2, 4, 23)), "x1": codes(6, (2, 23, 6), "uint8")})
    assert sequential_layers(dense) == sequential_layers(product) == ["layer"]


@pytest.mark.parametrize("group", [1, 2, 6])
def test_against_loops_of_lists(group):
    """The definition once more, by Python lists over a padded image: order, groups, padding, bias at the end."""
    for order, unsigned in itertools.product(ORDERS, (False, True)):
        step = saturating(15, products=3, order=order, unsigned=unsigned)
        graph, inputs = convolution(step, group=group, zero_point=-20)
        expected = by_lists(graph, inputs["x0"], group, order, unsigned)
        assert np.array_equal(both(graph, inputs), expected), (order, unsigned)


def by_lists(graph, x, group, order, unsigned):
    w, bias = graph.constants["x1"].astype(int), graph.constants["x2"]
    image = np.pad(x.astype(int), ((0, 0), (0, 0), (1, 1), (0, 2)), constant_values=-20) + (128 if unsigned else 20)
    out = np.empty((len(x), *graph.tensors["y"].shape[1:]), np.int8)
    for n, o, row, column in np.ndindex(*out.shape):
        first = o // (6 // group) * (6 // group)
        products = image[n, first : first + 6 // group, row : row + 3, 2 * column : 2 * column + 2] * w[o]
        flat = (products if order == CHANNELS_FIRST else products.transpose(1, 2, 0)).ravel().tolist()
        acc = 0
        for start in range(0, len(flat), 3):
            acc = min(max(acc + sum(flat[start : start + 3]), -(2**14)), 2**14 - 1)
        acc += int(bias[o]) - (108 * int(w[o].sum()) if unsigned else 0)
        out[n, o, row, column] = (acc + 128) % 256 - 128
    return out


@pytest.mark.parametrize("order", ORDERS)
def test_order_and_groups_change_the_bits(order):
    """Each of the loop's parts is seen in the outputs."""
    graph, inputs = convolution(saturating(15, order=order))
    plain = both(graph, inputs)
    other = next(name for name in ORDERS if name != order)
    for changed in ({"order": other}, {"products": 4}, {"unsigned": True}):
        assert not np.array_equal(both(*convolution(saturating(15, **{"order": order, **changed}))), plain), changed


def test_steps_that_are_no_sums():
    """Padding counts, and a plain step says nothing of widths: product by product."""
    step = Step(decaying, {"weight": np.arange(1, 7)})
    graph, inputs = convolution(step)
    assert sequential_layers(graph) == ["layer"]
    both(graph, inputs)
    assert Accumulation(decaying, {"weight": 1}).loop == UNSTATED


def test_pairs_that_saturate_in_an_accumulator_that_wraps():
    """As vpmaddubsw does: only the pairs' width counts, and the accumulator is modulo 2**32 in either kernel."""
    loop = Loop(None, products=2, order=CHANNELS_LAST, unsigned=True, group_bits=16)
    step = Accumulation(pair_then_wrap, {}, loop)
    graph, inputs = convolution(step, x_dtype="uint8", zero_point=130)
    assert sequential_layers(graph) == ["layer"]
    found = both(graph, inputs)
    small = {name: value // 2 if name == "x1" else value for name, value in graph.constants.items()}
    halved = replace(graph, constants=small)
    assert sequential_layers(halved) == []
    both(halved, inputs)
    exact = with_steps(graph, {"output": graph.layers[0].arithmetic["output"]})
    assert not np.array_equal(run(exact, inputs)["y"], found)


def dense(weights, step, bias=None, dtype="int8", zero_point=0):
    w = np.array([weights], np.int8)
    types = [kind((1, w.shape[1]), dtype, zero_point), kind(w.shape)]
    constants = {1: w}
    if bias is not None:
        types.append(kind((1,), "int32"))
        constants[2] = np.array([bias], np.int32)
    return one_layer(FullyConnected(), types, kind((1, 1)), constants, step)


@pytest.mark.parametrize(
    ("weights", "zero_point", "bits", "sequential"),
    [
        # x - zx is -128 .. 127: the sum reaches 128 * (127 + 129) = 2**15 with a -1 of each sign
        ([127, 127, 1], 0, 17, False),
        ([127, 127, 2], 0, 16, False),
        ([127, 127, -2], 0, 16, False),  # lowest -128 * 254 - 127 * 2 = -32766
        ([-127, -127, -2], 0, 16, True),  # highest 128 * 256 = 32768
        ([-127, -127, -1], 0, 16, False),
        ([127, 127, 2], 0, 15, True),
        ([100, -100], -128, 16, False),  # 0 .. 255: 25500 of either sign, though the magnitudes are 51000
        ([100, 100], -128, 16, True),
        ([64, 64], -128, 16, False),
        ([64, 65], -128, 16, True),
    ],
)
def test_the_bound_is_exact(weights, zero_point, bits, sequential):
    """The least width at which no input saturates takes the fast kernel, and the next smaller one does not."""
    graph = dense(weights, saturating(bits), zero_point=zero_point)
    assert (sequential_layers(graph) == ["layer"]) == sequential
    ends = np.array(list(itertools.product([-128, 127, zero_point], repeat=len(weights))), np.int8)
    both(graph, {"x0": ends})


def test_the_bias_counts_where_it_leaves_32_bits():
    """It is added exactly after the accumulation: a fast kernel's 32 bits must hold that too."""
    for bias, sequential in ((2**31 - 1 - 127 * 127, False), (2**31 - 127 * 127, True)):
        graph = dense([127], saturating(24), bias)
        assert (sequential_layers(graph) == ["layer"]) == sequential
        both(graph, {"x0": np.array([[127], [-128]], np.int8)})
    graph = dense([127], saturating(60), 2**31 - 1)
    both(graph, {"x0": np.array([[127]], np.int8)})


def test_groups_narrowed_to_fewer_bits():
    for weights, sequential in (
        ([64, 64, 127], False),
        ([64, 65, 0], True),
        ([64, -65, 127], False),
        ([0, 127, 2], False),
    ):
        step = Accumulation(pair_then_wrap, {}, Loop(None, 2, unsigned=True, group_bits=16))
        graph = dense(weights, step, dtype="uint8")
        assert (sequential_layers(graph) == ["layer"]) == sequential, weights
        both(graph, {"x0": np.array(list(itertools.product([0, 255, 7], repeat=3)), np.uint8)})


def test_an_accumulator_that_is_narrower_than_stated():
    """A loop that states 32 bits around a function of 12 would silently give other bits."""
    step = Accumulation(saturating_add, {"bits": 12}, Loop(32))
    graph = dense([127, 127], step)
    with pytest.raises(AccumulatorError, match=r"saturating_add gives -2048 for .* 32 bits"):
        run(graph, {"x0": np.zeros((1, 2), np.int8)})
    step = Accumulation(pair_then_wrap, {}, Loop(None, 2, unsigned=True))
    with pytest.raises(AccumulatorError, match="pair_then_wrap gives 32767 for 0"):
        sequential_layers(dense([127, 127], step, dtype="uint8"))


@pytest.mark.parametrize(
    ("numbers", "error", "message"),
    [
        ({"bits": 24, "products": 0}, AccumulatorError, "products is 0"),
        ({"bits": 0}, AccumulatorError, "bits is 0; 1 .. 62"),
        ({"bits": 63}, AccumulatorError, "bits is 63"),
        ({"bits": 24, "group_bits": 70}, AccumulatorError, "group_bits is 70"),
        ({"bits": 24, "order": "column"}, UnknownNameError, "order of accumulation"),
    ],
)
def test_loops_that_cannot_be(numbers, error, message):
    with pytest.raises(error, match=message):
        Loop(**numbers)


def test_stored_graphs_keep_the_loop():
    """Round trip; a file of an older version, without loops, is read as what it meant."""
    loop = Loop(15, 3, CHANNELS_LAST, True, 20)
    numbers = {"multiplier": 1 << 30, "shift": 5, "zero_point": 2, "low": -128, "high": 127}
    steps = {"accumulate": Accumulation(saturating_add, {"bits": 15}, loop), "output": Step(output_double, numbers)}
    graph, inputs = convolution(steps["accumulate"])
    text, arrays = encode(with_steps(graph, steps))
    assert decode(text, arrays.__getitem__).layers[0].arithmetic["accumulate"].loop == loop
    content = json.loads(text)
    del content["layers"][0]["arithmetic"]["accumulate"]["loop"]
    older = decode(json.dumps(content), arrays.__getitem__)
    assert older.layers[0].arithmetic["accumulate"].loop == Loop(15)
    expected = both(with_steps(graph, {**steps, "accumulate": saturating(15)}), inputs)
    assert np.array_equal(both(older, inputs), expected)


def test_a_mismatch_shows_the_loop():
    graph, inputs = convolution(saturating(15, products=3))
    tensors = {**inputs, **run(graph, inputs)}
    shown = explain(graph, "y", (1, 2, 3, 1), tensors["y"] + 1, tensors)
    steps = graph.layers[0].arithmetic
    assert steps["output"](shown.accumulator) == shown.actual
    assert shown.steps["accumulate"] == "saturating_add(bits=15) in 15 bits, 3 products a step, by channel, row, column"
