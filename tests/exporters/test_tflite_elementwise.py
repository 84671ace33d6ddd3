"""Functions of one or two codes in a .tflite file: scales at the ends, every mode, uint8, float32, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from exporter_compare import compare, engine
from exporter_layers import Dice
from exporter_networks import attention, images, minmax, residual
from exporter_runs import FEW

from int8sim.exporters.tflite import tflite_model
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import LayerError, NotExportableError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Scales
from int8sim.ops.registry import op
from int8sim.profiles.registry import profile as find_profile
from int8sim.spec.resize_tflite import nearest_cell

pytestmark = pytest.mark.engine

ENGINES = ("tflite_reference", "tflm")
PRESETS = ("performance", "mixed")
CODES = np.arange(256) - 128


def one(operator, profile, x_scale, y_scale):
    """A lowered layer of one input, and that input: every code."""
    scales = {"x": float(np.float32(x_scale)), "y": float(np.float32(y_scale))}
    graph = float_graph("one", [Layer("layer", operator, ("x",), "y")], {"x": TensorType((1, 256))}, ["y"], {})
    table = Table({name: Row(scale) for name, scale in scales.items()})
    inputs = {"x": (CODES * scales["x"]).astype(np.float32)[None]}
    return lower(graph, table, profile=profile), inputs


@pytest.mark.parametrize("profile", ENGINES)
def test_hard_swish_at_any_scale(profile, compared):
    """Right shifts beyond 15, where the 16-bit mask of the engine's rounding is cut; gates shifted either way."""
    rng, total, shifts = np.random.default_rng(3), 0, set()
    for _ in range(200):
        scale = 2.0 ** rng.uniform(-26, 10)
        graph, inputs = one(op("hard_swish")(), profile, scale, scale * 2.0 ** rng.uniform(-6.9, 26))
        parameters = graph.layers[1].arithmetic["convert"].parameters
        shifts |= {("shift", parameters["shift"] > 15), ("gate", np.sign(parameters["gate_shift"]))}
        total += compare(graph, inputs, profile)["hard_swish"]
    assert len(shifts) == 5
    compared(total, 50_000, f"{profile} hard_swish")


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
@pytest.mark.parametrize("profile", ENGINES)
def test_sigmoid_and_tanh_at_any_scale(profile, name, compared):
    """From where every code is near 0 to where the range's radius is 0 codes."""
    total = 0
    for exponent in range(-28, 35):
        graph, inputs = one(op(name)(), profile, (1 + (exponent % 7) / 8) * 2.0**exponent, 1.0)
        total += compare(graph, inputs, profile)[name]
    compared(total, 15_000, f"{profile} {name}")


@pytest.mark.parametrize("scale", [2.0**-29, 2.0**35])
def test_input_scales_that_tflm_shifts_too_far_are_refused(scale):
    with pytest.raises(LayerError, match=r"2\*\*-28 to below 2\*\*35"):
        one(op("sigmoid")(), "tflm", scale, 1.0)


@pytest.mark.parametrize("profile", ENGINES)
def test_a_hard_swish_with_128_times_the_scale_is_refused(profile):
    with pytest.raises(LayerError, match="less than 128"):
        one(op("hard_swish")(), profile, 128.0, 1.0)


def test_tanh_at_another_output_scale(compared):
    """LiteRT's table takes any; its converter and TensorFlow Lite Micro leave no choice."""
    known = find_profile("tflite_reference")
    free = replace(known, forced={name: each for name, each in known.forced.items() if name != "tanh"})
    rng, total = np.random.default_rng(5), 0
    while total < FEW // 4:
        dice = Dice(rng, "tflite_reference", PRESETS[int(rng.integers(2))], False)
        row = {"x": dice.row(2.0 ** dice.upto(-8, 0)), "y": dice.row(2.0 ** dice.upto(-12, -5))}
        graph = float_graph("one", [Layer("layer", op("tanh")(), ("x",), "y")], {"x": TensorType((1, 512))}, ["y"], {})
        lowered = lower(graph, Table(row), profile=free, preset=dice.preset)
        total += compare(lowered, {"x": dice.data(row["x"], (1, 512))}, "tflite_reference")["tanh"]
    compared(total, FEW // 4, "tflite_reference tanh at other scales")


@pytest.mark.parametrize(
    ("name", "profile"), [("sigmoid", "tflite_reference"), ("sigmoid", "tflm"), ("tanh", "tflm"), ("softmax", "tflm")]
)
def test_an_output_scale_that_the_kernel_ignores_is_refused(name, profile):
    operator = op(name)(1) if name == "softmax" else op(name)()
    graph, _ = one(operator, profile, 0.1, 1.0)
    kind = graph.tensors["y_quantized"]
    other = {**graph.tensors, "y_quantized": replace(kind, quant=replace(kind.quant, scale=1 / 64))}
    layer = graph.layers[1]
    types = tuple(other[each] for each in layer.inputs)
    scheme = find_profile(profile).scheme(layer.op.kind, "int8")
    steps = layer.op.arithmetic(scheme, Scales(types, other["y_quantized"], -128, 127))
    layers = graph.layers[0], replace(layer, arithmetic=steps)
    broken = replace(graph, tensors=other, layers=layers, outputs=("y_quantized",))
    with pytest.raises(NotExportableError, match="only"):
        tflite_model(broken)


DTYPES = [("int8", "uint8"), ("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8")]


@pytest.mark.parametrize(("source", "target"), DTYPES)
@pytest.mark.parametrize("profile", ENGINES)
def test_requantize_between_int8_and_uint8(profile, source, target, compared):
    """QUANTIZE of integers; equal scales and zero points 128 apart are a path of their own in the engines."""
    if profile == "tflm" and source == target == "uint8":
        pytest.skip("TensorFlow Lite Micro has no QUANTIZE from uint8 to uint8")
    rng, total = np.random.default_rng(8), 0
    for position in range(200):
        graph = requantizing(rng, profile, source, target, position % 4 == 0)
        low = graph.tensors["x"].quantized.low
        codes = np.arange(low, low + 256).astype(source)[None]
        theirs, mine = engine(profile)(graph, {"x": codes})["y"], run(graph, {"x": codes})["y"]
        assert mine.dtype == theirs.dtype == target
        np.testing.assert_array_equal(mine, theirs)
        total += mine.size
    compared(total, FEW // 4, f"{profile} {source} to {target}")


def requantizing(rng, profile, source, target, same):
    """One integer layer; same: equal scales, and zero points that are equal or 128 apart."""
    lowest = {"int8": -128, "uint8": 0}
    scale = float(np.float32(2.0 ** rng.uniform(-8, 2)))
    zero_point = int(rng.integers(256))
    x = QuantParams(scale, zero_point + lowest[source], dtype=source)
    other = float(np.float32(scale * 2.0 ** rng.uniform(-2, 3)))
    other_zero = zero_point if same else int(rng.integers(256))
    y = QuantParams(scale if same else other, other_zero + lowest[target], dtype=target)
    types = TensorType((1, 256), source, quant=x), TensorType((1, 256), target, quant=y)
    operator = op("requantize")()
    scheme = find_profile(profile).scheme("requantize", source)
    steps = operator.arithmetic(scheme, Scales((types[0],), types[1], y.low, y.high))
    layer = Layer("layer", operator, ("x",), "y", arithmetic=steps)
    return Graph((layer,), {"x": types[0], "y": types[1]}, {}, ("x",), ("y",), "requantizing", profile)


MODES = {"plain": (False, False), "align_corners": (True, False), "half_pixel_centers": (False, True)}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("profile", ENGINES)
def test_resizing_by_any_factor(profile, mode, compared):
    rng, total = np.random.default_rng(4), 0
    while total < FEW // 4:
        size, out = rng.integers(1, 40, 2).tolist(), rng.integers(1, 60, 2).tolist()
        rows, columns = (
            tuple(nearest_cell(i, size[axis], out[axis], *MODES[mode]) for i in range(out[axis])) for axis in (0, 1)
        )
        kind = TensorType((1, 3, *size), "float32", "NCHW")
        layer = Layer("layer", op("resize_nearest")(rows, columns), ("x",), "y")
        graph = float_graph("one", [layer], {"x": kind}, ["y"], {})
        lowered = lower(graph, Table({"x": Row(0.5), "y": Row(0.5)}), profile=profile)
        inputs = {"x": rng.integers(-64, 64, (1, 3, *size)).astype(np.float32)}
        total += compare(lowered, inputs, profile)["resize_nearest"]
    compared(total, FEW // 4, f"{profile} resize_nearest {mode}")


def test_cells_of_no_mode_are_refused():
    operator = op("resize_nearest")((0, 0, 0), (0, 1))
    kind = TensorType((1, 1, 2, 2), "float32", "NCHW")
    graph = float_graph("one", [Layer("layer", operator, ("x",), "y")], {"x": kind}, ["y"], {})
    lowered = lower(graph, Table({"x": Row(0.5), "y": Row(0.5)}), profile="tflm")
    with pytest.raises(NotExportableError, match="each of its modes"):
        tflite_model(lowered)


FLOAT = {
    "multiply": (op("multiply")(), 3),
    "sigmoid": (op("sigmoid")(), 1),
    "tanh": (op("tanh")(), 1),
    "leaky_relu": (op("leaky_relu")(0.25), 1),
    "hard_swish": (op("hard_swish")(), 1),
    "requantize": (op("requantize")(), 1),
    "resize_nearest": (op("resize_nearest")((0, 0, 1, 1), (0, 1, 2)), 1),
}


@pytest.mark.parametrize("name", FLOAT)
@pytest.mark.parametrize("profile", ENGINES)
def test_float_layers_run_in_the_engines_own_arithmetic(profile, name):
    """A profile without the integer form; the engines' float functions are not int8sim's to the last bit."""
    operator, count = FLOAT[name]
    known = find_profile(profile)
    kinds = {operator.kind, "move"}
    without = replace(known, schemes={kind: each for kind, each in known.schemes.items() if kind not in kinds})
    inputs = {f"x{i}": TensorType((1, 2, 2, 3), "float32", "NCHW") for i in range(count)}
    graph = float_graph("one", [Layer("layer", operator, tuple(inputs), "y")], inputs, ["y"], {})
    lowered = lower(graph, Table({name: Row(1 / 64) for name in [*inputs, "y"]}), profile=without)
    assert [layer.arithmetic for layer in lowered.layers] == [None]
    values = np.random.default_rng(1).normal(size=(count, 2, 2, 2, 3)).astype(np.float32)
    given = dict(zip(inputs, values, strict=True))
    np.testing.assert_allclose(engine(profile)(lowered, given)["y"], run(lowered, given)["y"], rtol=1e-6, atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("make", [lambda seed: residual(seed, "NCHW"), attention], ids=["residual", "attention"])
def test_whole_networks_equal_tflm(make, preset, compared):
    """Every tensor."""
    total = 0
    for seed in range(3):
        graph = make(seed)
        inputs = images(graph, seed)
        lowered = lower(graph, minmax(graph, inputs), profile="tflm", preset=preset)
        total += sum(compare(lowered, inputs, "tflm").values())
    compared(total, 10_000, "tflm networks")
