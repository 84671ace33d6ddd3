"""ONNX Runtime live: every operator, pair of dtypes, granularity of the weights and layout; no output may differ.

Activations are asymmetric with zero points anywhere, uint8 or int8; weights int8, or uint8 beside uint8 activations,
with full-range codes and zero points of their own. Each case runs with scales at random, and aimed at ties. A share of
the values in every run, a million per case and set where slow tests run.
"""

import math
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import pytest
from exporter_compare import compare, engine
from exporter_layers import MAKERS, Dice, at_ties

import int8sim
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import dtype_range
from int8sim.profiles.registry import profile as find_profile
from int8sim.spec.qlinear import logistic_fma
from int8sim.spec.resize import Coordinates, Nearest, nearest_cell, resized_size, scale_of_sizes

pytestmark = pytest.mark.engine

MANY, FEW, FEWER = 1_000_000, 200_000, 40_000
PAIRS = (("uint8", "uint8"), ("uint8", "int8"), ("int8", "int8"))
PER_TENSOR, PER_CHANNEL, ZERO_POINTS = "per tensor", "per channel", "zero points per channel"
LAYOUTS = ("NCHW", "NHWC")
OF_WEIGHTS = 0.0  # as the symmetric scale of a row, which no case uses
PRODUCTS = ("conv2d", "fully_connected", "matmul")
POOLS = ("average_pool", "global_average_pool")
TABLES = {"sigmoid", "leaky_relu", "requantize", "quantize", "dequantize"}  # their makers choose the values
OTHERS = tuple(sorted(set(MAKERS) - {"tanh", "hard_swish", "subtract", *PRODUCTS, *POOLS}))


@dataclass(frozen=True)
class Case:
    """weights: the dtype of what is multiplied by from the right; granularity: of weights; layout: of images."""

    op: str
    dtype: str
    weights: str = ""
    granularity: str = ""
    layout: str = ""

    def __str__(self):
        return " ".join(filter(None, (self.op, self.dtype, self.weights, self.granularity, self.layout)))


CASES = (
    *(
        Case(op, *pair, granularity)
        for op in ("conv2d", "fully_connected")
        for pair in PAIRS
        for granularity in (PER_TENSOR, PER_CHANNEL, ZERO_POINTS)
    ),
    *(Case("matmul", *pair) for pair in PAIRS),
    *(Case(op, dtype, layout=layout) for op in POOLS for dtype in ("uint8", "int8") for layout in LAYOUTS),
    *(Case(op, dtype) for op in OTHERS for dtype in ("uint8", "int8")),
)


@dataclass
class CaseDice(Dice):
    """Dice that give images of one layout, where the case names one. times: how often the usual batch."""

    layout: str = ""
    times: int = 1

    def image(self, low=1, high=12):
        kind = super().image(low, high)
        if self.layout in {"", kind.layout}:
            return kind
        order = (0, 3, 1, 2) if self.layout == "NCHW" else (0, 2, 3, 1)
        return kind.with_shape(tuple(kind.shape[axis] for axis in order), self.layout)


def profile_of(case):
    """The profile with the case's granularity and dtype of activations; of a row marked OF_WEIGHTS, that of weights."""

    def rule(row, non_negative):
        low, high = row.real_range()
        dtype = case.weights if row.scale == OF_WEIGHTS else case.dtype
        return int8sim.asymmetric_params(0.0 if non_negative else low, high, dtype=dtype)

    chosen = find_profile("onnxruntime")
    kinds = frozenset() if case.granularity == PER_TENSOR else chosen.weights.per_channel
    return replace(chosen, activations={"mixed": rule}, weights=replace(chosen.weights, per_channel=kinds))


def make(case, dice):
    """One lowered layer and its inputs."""
    if dice.aimed and case.granularity and dice.chance(0.3):
        made = at_ties(dice, case.op)
    else:
        made = larger(MAKERS[case.op](dice), case, dice)
    if case.op == "matmul":
        made.table = changed(made.table, "b", lambda row: replace(row, scale=OF_WEIGHTS))
    graph = lowered(made, case, dice)
    for _ in range(4):
        if case.op not in PRODUCTS or not saturates(graph, made.inputs):
            break
        made.table = changed(made.table, "y", lambda row: Row(row.scale, 4 * row.low, 4 * row.high))
        graph = lowered(made, case, dice)
    return graph, made.inputs


def changed(table, name, change):
    """The table with one row changed."""
    return Table({each: change(row) if each == name else row for each, row in table.items()})


def larger(made, case, dice):
    """The network with more inputs of the same kind, where its maker has not chosen them."""
    if dice.times > 1 and case.op not in TABLES:
        shapes = {name: (dice.times * len(array), *array.shape[1:]) for name, array in made.inputs.items()}
        made.inputs = {name: dice.data(made.table[name], shape) for name, shape in shapes.items()}
    return made


def lowered(made, case, dice):
    """The integer graph, with the case's weights."""
    graph = lower(made.graph, made.table, profile=profile_of(case), preset="mixed")
    return recoded(graph, case, dice) if case.granularity else graph


def saturates(graph, inputs):
    """Whether most outputs lie at the ends of their dtype."""
    codes = run(graph, {name: array[:1] for name, array in inputs.items()}, keep="all")["y_quantized"]
    ends = np.iinfo(codes.dtype)
    return np.isin(codes, (ends.min, ends.max)).mean() > 0.5


def recoded(graph, case, dice):
    """The graph with other weight codes: full-range ones, or (aimed) its own; each with a zero point added."""
    name = next(layer.inputs[1] for layer in graph.layers if layer.op.name == case.op)
    kind, codes = graph.tensors[name], graph.constants[name].astype(np.int64)
    low, high = dtype_range(case.weights)
    count = len(codes) if case.granularity == ZERO_POINTS else 1
    near = dice.rng.integers(low + 98, high - 97, count)
    points = np.where(dice.rng.random(count) < 0.15, dice.rng.integers(low, high + 1, count), near)
    shifted = codes + points.reshape(-1, *[1] * (codes.ndim - 1))
    values = shifted if dice.aimed else dice.rng.integers(low, high + 1, codes.shape)
    zero_point = tuple(points.tolist()) if case.granularity == ZERO_POINTS else int(points[0])
    quant = replace(kind.quantized, zero_point=zero_point, dtype=case.weights, narrow=False)
    return replace(
        graph,
        constants={**graph.constants, name: np.clip(values, low, high).astype(case.weights)},
        tensors={**graph.tensors, name: replace(kind, dtype=case.weights, quant=quant)},
    )


def compared_outputs(case, aimed, least):
    """How many outputs of random layers equal the engine's: `least` or more."""
    rng = np.random.default_rng([CASES.index(case), int(aimed)])
    dice = CaseDice(rng, "onnxruntime", "mixed", aimed, case.layout, times=8 if least >= MANY else 1)
    counts = Counter()
    while counts[case.op] < least:
        graph, inputs = make(case, dice)
        try:
            counts += compare(graph, inputs, "onnxruntime")
        except NotExportableError:  # a window of ceil_mode that reaches beyond the counted padding
            assert case.op == "average_pool"
    return counts[case.op]


def share(case):
    """A case's part in every run, twice: all cases of an op together have FEW outputs, or FEWER."""
    total = FEW if case.op in PRODUCTS else FEWER  # test_layers.py compares more of these
    return math.ceil(total / sum(case.op == each.op for each in CASES) / 2)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_pair_equals_the_engine(case, compared):
    compared(sum(compared_outputs(case, aimed, share(case)) for aimed in (False, True)), 2 * share(case), str(case))


@pytest.mark.slow
@pytest.mark.parametrize("aimed", [False, True], ids=["random", "aimed"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_million_of_every_pair_equal_the_engine(case, aimed, compared):
    compared(compared_outputs(case, aimed, MANY), MANY, f"{case} {'aimed' if aimed else 'random'}")


def one_node(operator, order, inputs, outputs, constants, **attributes):
    """What ONNX Runtime gives for one operator of ONNX. order: names of its inputs; outputs: dtypes by name."""
    engine("onnxruntime")
    import onnxruntime
    from onnx import helper, numpy_helper

    def info(name, dtype, shape=None):
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    node = helper.make_node(operator, order, list(outputs), **attributes)
    sources = [info(name, array.dtype, array.shape) for name, array in inputs.items()]
    fixed = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph([node], "one", sources, [info(*each) for each in outputs.items()], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


COUNTS = [pytest.param(FEWER), pytest.param(MANY, marks=pytest.mark.slow)]


@pytest.mark.parametrize("least", COUNTS)
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_every_mode_of_resize_takes_the_engines_cells(dtype, least, compared):
    """One axis of up to 256 cells, each with a code of its own; by scales and by sizes."""
    rng = np.random.default_rng(len(dtype))
    modes = [(coordinates, nearest) for coordinates in Coordinates for nearest in Nearest]
    total = position = 0
    while total < least:
        size, by_sizes = int(rng.integers(1, rng.choice([6, 40, 257]))), rng.random() < 0.5
        resized = int(rng.integers(1, 4 * size + 1))
        ratio = rng.choice([resized / size, rng.uniform(0.2, 4), *rng.integers(1, 9, 2) / rng.integers(1, 9, 2)])
        scale = scale_of_sizes(size, resized) if by_sizes else float(np.float32(ratio))
        resized = resized if by_sizes else resized_size(size, scale)
        if resized == 0 or (resized == size and scale != 1.0):  # the engine copies such a tensor
            continue
        coordinates, nearest = modes[position % len(modes)]
        x = np.arange(size).astype(dtype).reshape(1, 1, size, 1)
        given = np.array([1, 1, resized, 1]) if by_sizes else np.array([1, 1, scale, 1], np.float32)
        names = {"coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
        attributes = {key: mode.name.lower() for key, mode in names.items()}
        order = ["x", "", "", "given"] if by_sizes else ["x", "", "given"]
        (found,) = one_node("Resize", order, {"x": x}, {"y": dtype}, {"given": given}, mode="nearest", **attributes)
        cells = [nearest_cell(place, scale, size, resized, coordinates, nearest) for place in range(resized)]
        assert found[0, 0, :, 0].tolist() == x[0, 0, cells, 0].tolist(), (coordinates, nearest, size, resized, scale)
        total, position = total + resized, position + 1
    compared(total, least, dtype)


@pytest.mark.parametrize("least", COUNTS)
@pytest.mark.parametrize("aimed", [False, True], ids=["random", "aimed"])
def test_dynamic_quantize_equals_the_engine(aimed, least, compared):
    """Codes, the scale's bits and the zero point; aimed: a scale that is a power of two, values half way between."""
    rng = np.random.default_rng(int(aimed))
    total = 0
    while total < least:
        count = int(rng.integers(1, 4000))
        x = (rng.normal(size=count) + rng.choice([0, 0, 3, -3, 0.7])) * 2.0 ** rng.uniform(-60, 60)
        if aimed:
            low = int(rng.integers(-300, 60)) / 2
            x = np.array([low, low + 255, *rng.integers(2 * low, 2 * low + 511, count) / 2]) * 2.0 ** rng.integers(
                -9, 9
            )
        x = x.astype(np.float32)
        outputs = {"y": "uint8", "scale": "float32", "zero_point": "uint8"}
        codes, scale, zero_point = one_node("DynamicQuantizeLinear", ["x"], {"x": x}, outputs, {})
        mine = int8sim.dynamic_quantize(x)
        assert (np.float32(mine[1]).tobytes(), mine[2]) == (scale.tobytes(), int(zero_point))
        assert mine[0].tobytes() == codes.tobytes()
        total += x.size
    compared(total, least, "aimed" if aimed else "random")


def test_float_sigmoid_equals_the_engine(compared):
    """The approximation itself, beyond the codes: float32 values between -20 and 20, bit for bit."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(-20, 20, 6000), rng.normal(size=4000) * 2.0 ** rng.integers(-30, 2, 4000)])
    x = np.append(x, [18.0, -18.0, np.inf, -np.inf, 17.482065, -0.0]).astype(np.float32)
    (found,) = one_node("Sigmoid", ["x"], {"x": x}, {"y": "float32"}, {})
    mine = np.array([logistic_fma(value) for value in x.tolist()], np.float32)
    assert mine.tobytes() == found.tobytes()
    compared(x.size, 10_000)
