"""Every op alone in LiteRT's optimized kernels and in XNNPACK, codes in and codes out: no output may differ."""

from dataclasses import replace

import numpy as np
import pytest
from exporter_compare import engine, expect_equal
from exporter_layers import MAKERS, Dice, at_ties, granularity, network

from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.model.table import Table
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op as find_op
from int8sim.profiles.registry import profile as find_profile

pytestmark = pytest.mark.engine

PROFILES = ("tflite_optimized", "xnnpack")
PRESETS = ("performance", "mixed")
AMOUNTS = [pytest.param(80_000, id="fast"), pytest.param(1_000_000, id="million", marks=pytest.mark.slow)]
BORDER = ("quantize", "dequantize")
REFUSED = {"average_pool"}  # some random ones have no form in TensorFlow Lite
DELEGATE = "DELEGATE"


def alone(graph, name):
    """The lowered one-layer graph without its border, or one layer of the border without the rest."""
    inside = [layer for layer in graph.layers if layer.op.name not in BORDER]
    if name in BORDER:
        inside = [layer for layer in graph.layers if layer.op.name == name][:1]
    made = {layer.output for layer in inside}
    inputs = {source for layer in inside for source in layer.inputs if source not in graph.constants} - made
    return replace(graph, layers=tuple(inside), inputs=tuple(sorted(inputs)), outputs=(inside[-1].output,))


def compare(graph, values, profile):
    """How many outputs of the graph's last layer were compared; every one equals the engine's."""
    inputs = {name: values[name] for name in graph.inputs}
    name = graph.outputs[0]
    theirs = engine(profile)(graph, inputs, keep="outputs")[name]
    expect_equal(graph.layers[-1], run(graph, inputs)[name], theirs)
    return theirs.size


def one_layer(dice, name, profile, preset):
    """How many outputs of one random layer were compared; 0 if it has no form."""
    made = MAKERS[name](dice)
    graph = lower(made.graph, made.table, profile=granularity(dice), preset=preset)
    try:
        return compare(alone(graph, name), run(graph, made.inputs, keep="all"), profile)
    except NotExportableError:
        assert name in REFUSED
        return 0


def cases():
    """Every profile with every op that it has an integer form of."""
    for profile in PROFILES:
        known = find_profile(profile)
        yield from ((profile, name) for name in MAKERS if known.scheme(find_op(name).kind, "int8"))


@pytest.mark.parametrize("least", AMOUNTS)
@pytest.mark.parametrize(("profile", "name"), list(cases()))
def test_random_layers_equal_the_engine(profile, name, least, compared):
    total = 0
    for preset in PRESETS:
        for aimed in (False, True):
            seed = [PROFILES.index(profile), PRESETS.index(preset), int(aimed), sorted(MAKERS).index(name), least]
            dice, count = Dice(np.random.default_rng(seed), profile, preset, aimed), 0
            while count < least // 4:
                count += one_layer(dice, name, profile, preset)
            total += count
    compared(total, least, f"{profile} {name}")


@pytest.mark.parametrize("layers", [13, pytest.param(250, marks=pytest.mark.slow)])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["conv2d", "fully_connected"])
def test_accumulators_at_ties_equal_the_engine(profile, name, layers, compared):
    dice, total = Dice(np.random.default_rng(7), profile, "performance", False), 0
    for position in range(layers):
        dice.preset = PRESETS[position % 2]
        made = at_ties(dice, name)
        graph = lower(made.graph, made.table, profile=granularity(dice), preset=dice.preset)
        total += compare(alone(graph, name), run(graph, made.inputs, keep="all"), profile)
    compared(total, layers * 4096, f"{profile} {name}")


def with_bias(graph, codes):
    """The one-layer graph with other bias codes."""
    name = graph.layers[-1].inputs[2]
    return replace(graph, constants={**graph.constants, name: codes.astype(np.int32)})


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["conv2d", "fully_connected"])
def test_the_product_of_scales_has_the_engines_precision(profile, name, compared):
    """x is real zero and the biases, up to 2**30, lie next to ties: the last bit of each multiplier decides."""
    dice, total = Dice(np.random.default_rng(8), profile, "performance", False), 0
    while total < 40_000:
        made = at_ties(dice, name)
        constants = {**made.graph.constants, "b": np.zeros(4096, np.float32)}
        float_graph = replace(made.graph, constants=constants)
        unit = dice.real_scale(made.table["x"]) * float(np.abs(constants["w"]).max()) / 127
        rows = {"x": made.table["x"], "y": dice.row(unit * 2.0 ** dice.upto(18, 23))}
        graph = lower(float_graph, Table(rows), profile=granularity(dice), preset="performance")
        core = alone(graph, name)
        scales = np.broadcast_to(graph.tensors[core.layers[0].inputs[2]].quant.scales, 4096)
        output = graph.tensors[core.layers[0].output].quant
        places = dice.rng.integers(-128, 128, 4096) - output.tensor_zero_point + 0.5
        codes = np.rint(places * output.tensor_scale / scales) + dice.rng.integers(-2, 3, 4096)
        near = with_bias(core, np.clip(codes, -(2**30), 2**30))
        total += compare(near, run(graph, made.inputs, keep="all"), profile)
    compared(total, 40_000, f"{profile} {name}")


def short(dice, name, size, ratio):
    """A layer of few elements, with an output scale at a ratio to the input's."""
    row = dice.row(2.0 ** dice.upto(-6, 2))
    rows = dict.fromkeys(("x", "a", "b"), row) | {
        "y": row if name in BORDER else dice.row(dice.real_scale(row) / ratio)
    }
    slope = (float(np.float32(dice.choice(1, -1) * 2.0 ** dice.rng.uniform(-9, 3))),) if name == "leaky_relu" else ()
    names = ("a", "b") if name in {"add", "subtract", "multiply"} else ("x",)
    inputs = {key: TensorType((1, size)) for key in names}
    return network(dice, find_op("flatten" if name in BORDER else name)(*slope), inputs, rows)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", ["quantize", "dequantize", "requantize", "add", "subtract", "multiply", "leaky_relu"])
def test_short_tensors_and_wide_ratios_equal_the_engine(profile, name, compared):
    """Sizes that leave a rest behind the vector loops; ratios on both sides of what the delegate takes."""
    total = 0
    for position in range(300):
        preset, aimed = PRESETS[position % 2], position % 3 == 0
        dice = Dice(np.random.default_rng([9, position]), profile, preset, aimed)
        reach = 0 if name in BORDER else dice.choice(2, 12)
        made = short(dice, name, 1 + position % 70, 2.0 ** dice.upto(-reach, reach))
        graph = lower(made.graph, made.table, profile=profile, preset=preset)
        try:
            total += compare(alone(graph, name), run(graph, made.inputs, keep="all"), profile)
        except NotExportableError as refused:
            assert "'s multiplier is not below 1" in str(refused)  # noqa: PT017
    compared(total, 10_000, f"{profile} {name}")


LEFT = {"average_pool", "softmax", "hard_swish", "resize_nearest", "relu", "clip"}
"""What the delegate leaves to the kernels behind it."""


@pytest.mark.parametrize("name", [name for name in MAKERS if name not in BORDER])
def test_the_delegate_takes_what_the_profile_says(name):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from int8sim.exporters.tflite import tflite_model

    dice = Dice(np.random.default_rng(3), "xnnpack", "performance", False)
    found = set()
    for _ in range(40):
        made = MAKERS[name](dice)
        graph = lower(made.graph, made.table, profile="xnnpack")
        try:
            model = tflite_model(alone(graph, name))
        except NotExportableError:
            continue
        interpreter = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN)
        interpreter.allocate_tensors()
        operators = [each["op_name"] for each in interpreter._get_ops_details()]
        if len(set(operators) - {DELEGATE}) == 1:  # no padding or bounds as operators of their own
            found.add(DELEGATE in operators)
    assert (True in found) == (name not in LEFT)
