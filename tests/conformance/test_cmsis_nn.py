"""Arm's CMSIS-NN unit-test vectors, every int8, int4 and int16 case of the profile's operators; multipliers as stored.

A folder may hold arrays of two generations of the upstream generator under other names, and the configuration of one of
them. The arrays whose sizes agree are taken together. Where the configuration is the other generation's, its input
offset and activation bounds are not theirs: then the offset is 0 or 128, the bounds are what the outputs reach, and the
one of these readings that gives every output is looked for. conv_3x3_dilation_5x5_input_int4 is left out: its input has
the size of a geometry that no configuration states.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from int8sim.graph.run import run
from int8sim.model.step import Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.multiply import Multiply
from int8sim.ops.pad import Pad
from int8sim.ops.softmax import Softmax
from int8sim.profiles.cmsis_nn import CMSIS_NN
from int8sim.spec.eltwise import add_double
from int8sim.spec.pooling import average_half_away, sum_codes
from int8sim.spec.requantize import output_double
from int8sim.spec.tflite_elementwise import multiply_double
from int8sim.spec.wide import add_double_16, output_wide, reduced_multiplier

from .layers import one_layer

pytestmark = pytest.mark.witness

CONVOLUTIONS = """
    basic conv_1_x_n_2 conv_1_x_n_3 conv_1_x_n_4 conv_1_x_n_7 conv_1_x_n_8 conv_2x2_dilation_5x5_input
    conv_2x3_dilation conv_3 conv_4 conv_5 conv_dilation_golden grouped_conv_1 grouped_conv_2 grouped_conv_4
    kernel1x1_stride_x kernel1x1_stride_x_y kernel1x1_stride_x_y_2 stride2pad1
""".split()  # noqa: SIM905
CONVOLUTIONS_4 = """
    basic_int4 conv_1_x_n_1_int4 conv_1_x_n_4_int4 conv_1_x_n_5_int4 conv_2_int4 conv_2x2_dilation_5x5_input_int4
    conv_3_int4 conv_3x2_dilation_int4 conv_dilation_golden_int4
    conv_out_activation_int4 kernel1x1_int4 kernel1x1_int4_3 kernel1x1_stride_x_y_1_int4 kernel1x1_stride_x_y_int4
    stride2pad1_int4
""".split()  # noqa: SIM905
CONVOLUTIONS_16 = """
    int16xint8 int16xint8_dilation_1 int16xint8_dilation_3 int16xint8_spill2
    int16xint8xint32_1 int16xint8xint32_3 int16xint8xint32_5 int16xint8xint32_6
""".split()  # noqa: SIM905
DEPTHWISE = """
    depthwise_dilation depthwise_eq_in_out_ch depthwise_kernel_3x3_null_bias depthwise_null_bias_0
    depthwise_null_bias_1 depthwise_sub_block depthwise_int4_2 depthwise_int4_4 depthwise_int4_generic
    depthwise_int4_generic_3 depthwise_int4_generic_5 depthwise_int4_generic_6 dw_int16xint8_dilation
    dw_int16xint8_fast_multiple_batches_uneven_buffers dw_int16xint8_fast_multiple_batches_uneven_buffers_null_bias
    dw_int16xint8_fast_spill dw_int16xint8_fast_stride dw_int16xint8_fast_stride_null_bias dw_int16xint8_mult4
""".split()  # noqa: SIM905
FULLY_CONNECTED = """
    fully_connected fully_connected_mve_0 fully_connected_mve_1 fully_connected_out_activation fc_per_ch
    fully_connected_int4_2 fully_connected_int4_3 fully_connected_int4_5 fully_connected_int16_big
""".split()  # noqa: SIM905
MATMULS = [f"batch_matmul_{name}" for name in ("1_s8", "4_s8", "5_s8", "2_s16", "3_s16", "4_s16")]
AVERAGE_POOLS = [
    "avgpooling",
    "avgpooling_2",
    "avgpooling_4",
    "avgpooling_5",
    "avgpooling_int16_1",
    "avgpooling_int16_3",
]
MAX_POOLS = ["maxpooling_1", "maxpooling_3", "maxpooling_4", "maxpooling_6", "maxpool_int16_1", "maxpool_int16_2"]
PADS = ["pad_int8_1", "pad_int8_2"]
GENERATIONS = [
    ("weights", "biases", "output_mult", "output_ref"),
    ("input_weights", "input_bias", "output_multiplier", "output"),
    ("weights", "bias", "output_multiplier", "output"),
    ("weights", "biases", "output_mult", "output"),
]
SLOW = 200_000  # products that the interpreted definition may be asked for
INT32 = QuantParams(1.0, dtype="int32")


class Vectors:
    """One case: #defines as attributes, arrays by name."""

    def __init__(self, oracles: Any, name: str) -> None:
        self.name, self.archive = name, oracles(f"cmsis_nn/{name}.npz")
        start = f"def__{name.upper()}_"
        self.known: Mapping[str, Any] = {
            key.removeprefix(start): value[()] for key, value in self.archive.items() if key.startswith(start)
        }

    def __getattr__(self, define: str) -> int:
        return int(self.known[define])

    def array(self, *names: str) -> Array:
        """The first of the names that the case has."""
        return next(self.archive[key] for key in (f"{self.name}_{name}" for name in names) if key in self.archive)

    def weighted(self, outputs: int, inputs: int) -> tuple[Array, Array | None, Array, Array, Array]:
        """(weights, bias, multipliers, shifts, expected) of the generation whose output agrees with the input's size.

        outputs, inputs: values of one sample. int4 weights are unpacked, the low half of a byte first.
        """
        batch = self.array("input").size // inputs
        for weights, bias, multiplier, expected in GENERATIONS:
            known = [f"{self.name}_{name}" in self.archive for name in (weights, expected)]
            if all(known) and self.array(expected).size == batch * outputs:
                codes = self.array(weights)
                held = self.array(bias) if f"{self.name}_{bias}" in self.archive else None
                scales = self.scales(multiplier)
                return (self.unpacked(codes) if "int4" in self.name else codes), held, *scales, self.array(expected)
        raise AssertionError(f"{self.name}: no output has the size of its input, {batch} samples")

    def scales(self, multiplier: str) -> tuple[Array, Array]:
        """Multipliers and right shifts: one per channel, or one for all."""
        if "OUTPUT_MULTIPLIER" in self.known:
            return np.array([self.OUTPUT_MULTIPLIER]), np.array([-self.OUTPUT_SHIFT])
        return self.array(multiplier).astype(np.int64), -self.array("output_shift").astype(np.int64)

    @staticmethod
    def unpacked(packed: Array) -> Array:
        halves = np.stack([packed << 4 >> 4, packed >> 4], -1)
        return halves.astype(np.int8).ravel()

    @property
    def bounds(self) -> dict[str, int]:
        return {"low": self.OUT_ACTIVATION_MIN, "high": self.OUT_ACTIVATION_MAX}

    def pads(self, rows: int, columns: int, top: int, left: int, strides: tuple[int, int]) -> tuple[int, int, int, int]:
        """With what is missing at the end: rows, columns are what the window spans."""
        bottom = (self.OUTPUT_H - 1) * strides[0] + rows - self.INPUT_H - top
        right = (self.OUTPUT_W - 1) * strides[1] + columns - self.INPUT_W - left
        return top, left, max(bottom, 0), max(right, 0)


def codes(shape: tuple[int, ...], layout: str, zero_point: int = 0) -> TensorType:
    return TensorType(shape, "int8", layout, QuantParams(1.0, zero_point))


def check(
    graph: Any, inputs: dict[str, Array], expected: Array, products: int, compared: Any, least: int, what: str = ""
) -> None:
    for backend in ("cpu", "reference") if products <= SLOW else ("cpu",):
        found = run(graph, inputs, backend=backend)["y"]
        assert found.ravel().tolist() == expected.ravel().tolist(), backend
    compared(expected.size, least, what)


def kind_of(array: Array, shape: tuple[int, ...], layout: str = "", zero_point: int = 0) -> TensorType:
    return TensorType(shape, array.dtype.name, layout, QuantParams(1.0, zero_point, dtype=array.dtype.name))


def output_step(multiplier: Array, shift: Array, bias: Array | None, wide: bool, **numbers: int) -> Step:
    """16-bit activations with 64-bit biases take 15-bit multipliers, with 32-bit ones two roundings as 8 bits do."""
    if wide and (bias is None or bias.dtype == np.int64):
        reduced = np.array([reduced_multiplier(int(value)) for value in multiplier])
        return Step(output_wide, {"multiplier": reduced, "shift": shift, **numbers})
    return Step(output_double, {"multiplier": multiplier, "shift": shift, **numbers})


@pytest.mark.parametrize("name", CONVOLUTIONS + CONVOLUTIONS_4 + CONVOLUTIONS_16 + DEPTHWISE)
def test_convolution(oracles, compared, name):
    v = Vectors(oracles, name)
    depthwise = name in DEPTHWISE
    group = v.IN_CH if depthwise else v.IN_CH // v.known.get("FILTER_CH", v.IN_CH)
    outputs, inputs = v.OUTPUT_H * v.OUTPUT_W * v.OUT_CH, v.INPUT_H * v.INPUT_W * v.IN_CH
    codes_, bias, multiplier, shift, expected = v.weighted(outputs, inputs)
    stored = codes_[: v.FILTER_Y * v.FILTER_X * v.OUT_CH * (1 if depthwise else v.IN_CH // group)]
    stored = stored.reshape(-1, v.FILTER_Y, v.FILTER_X, v.OUT_CH if depthwise else v.IN_CH // group)
    weights = np.ascontiguousarray(stored.transpose(3, 0, 1, 2) if depthwise else stored.transpose(0, 3, 1, 2))
    strides, dilations = (v.STRIDE_Y, v.STRIDE_X), (v.DILATION_Y, v.DILATION_X)
    spans = (v.FILTER_Y - 1) * dilations[0] + 1, (v.FILTER_X - 1) * dilations[1] + 1
    op = Conv2d(strides, v.pads(*spans, v.PAD_Y, v.PAD_X, strides), dilations, group)
    given = v.array("input").reshape(-1, v.INPUT_H, v.INPUT_W, v.IN_CH)
    y = kind_of(expected, (1, v.OUTPUT_H, v.OUTPUT_W, v.OUT_CH), "NHWC", v.OUTPUT_OFFSET)
    wide, constants = given.dtype == np.int16, {1: weights}
    types = [kind_of(weights, weights.shape)]
    if bias is not None:
        types.append(kind_of(bias, bias.shape))
        constants[2] = bias
    wanted = expected.reshape(-1, *y.shape[1:])

    def graph(zero_point: int, bounds: dict[str, int]) -> Any:
        x, last = kind_of(given, (1, *given.shape[1:]), "NHWC", zero_point), {"zero_point": v.OUTPUT_OFFSET, **bounds}
        step = output_step(multiplier, shift, bias, wide and "xint32" not in name, **last)
        return one_layer(op, [x, *types], y, {"output": step}, constants)

    made = (graph(*reading) for reading in readings(v, name, wanted))
    fitting = next(each for each in made if np.array_equal(run(each, {"x0": given})["y"], wanted))
    check(fitting, {"x0": given}, wanted, wanted.size * weights[0].size, compared, v.DST_SIZE, kind_name(name, given))


def readings(v: Vectors, name: str, wanted: Array) -> list[tuple[int, dict[str, int]]]:
    """(input zero point, output bounds): the configuration's; for int4 convolutions also the other generation's."""
    own = [(-v.INPUT_OFFSET, v.bounds)]
    if name not in CONVOLUTIONS_4:
        return own
    reached = {"low": int(wanted.min()), "high": int(wanted.max())}
    return [*own, *((zero, bounds) for zero in (0, -128) for bounds in (v.bounds, reached))]


def kind_name(name: str, x: Array) -> str:
    """For the counts: the activations' dtype, and int4 weights."""
    return f"{x.dtype.name}{' by int4' if 'int4' in name else ''}"


@pytest.mark.parametrize("name", FULLY_CONNECTED)
def test_fully_connected(oracles, compared, name):
    v = Vectors(oracles, name)
    depth = v.known.get("ACCUMULATION_DEPTH") or v.IN_CH * v.INPUT_H * v.INPUT_W
    codes_, bias, multiplier, shift, expected = v.weighted(v.OUT_CH, int(depth))
    weights = codes_[: v.OUT_CH * depth].reshape(v.OUT_CH, depth)
    given = v.array("input").reshape(-1, depth)
    x, y = kind_of(given, (1, depth), "", -v.INPUT_OFFSET), kind_of(expected, (1, v.OUT_CH), "", v.OUTPUT_OFFSET)
    spread = [np.broadcast_to(each, (v.OUT_CH,)).copy() for each in (multiplier, shift)]
    step = output_step(*spread, bias, given.dtype == np.int16, zero_point=v.OUTPUT_OFFSET, **v.bounds)
    types, constants = [x, kind_of(weights, weights.shape)], {1: np.ascontiguousarray(weights)}
    if bias is not None:
        types.append(kind_of(bias, bias.shape))
        constants[2] = bias
    graph = one_layer(FullyConnected(), types, y, {"output": step}, constants)
    wanted = expected.reshape(-1, v.OUT_CH)
    check(graph, {"x0": given}, wanted, 0, compared, v.DST_SIZE, kind_name(name, given))


@pytest.mark.parametrize("name", MATMULS)
def test_matmul(oracles, compared, name):
    v = Vectors(oracles, name)
    left = v.array("lhs_input_tensor").reshape(v.LHS_BATCH, v.LHS_HEIGHT, v.LHS_ROWS, v.LHS_COLS)
    right = v.array("rhs_input_tensor").reshape(v.RHS_BATCH, v.RHS_HEIGHT, v.RHS_ROWS, v.RHS_COLS)
    left = left.transpose(0, 1, 3, 2) if v.ADJ_X else left
    right = right.transpose(0, 1, 3, 2) if v.ADJ_Y else right
    lead = v.OUTPUT_BATCH, v.OUTPUT_HEIGHT
    both = (np.broadcast_to(each, (*lead, *each.shape[2:])) for each in (left, right))
    a, b = (np.ascontiguousarray(each).reshape(-1, *each.shape[2:]) for each in both)
    output = v.array("output").reshape(-1, v.OUTPUT_ROWS, v.OUTPUT_COLS)
    kinds = [kind_of(a, (1, *a.shape[1:]), "", -v.LHS_OFFSET), kind_of(b, (1, *b.shape[1:]), "", -v.RHS_OFFSET)]
    scales = np.full(v.OUTPUT_COLS, v.OUTPUT_MULTIPLIER), np.full(v.OUTPUT_COLS, -v.OUTPUT_SHIFT)
    bounds = {"low": v.ACTIVATION_MIN, "high": v.ACTIVATION_MAX}
    step = output_step(*scales, None, a.dtype == np.int16, zero_point=v.OUTPUT_OFFSET, **bounds)
    y = kind_of(output, (1, *output.shape[1:]), "", v.OUTPUT_OFFSET)
    graph = one_layer(Matmul(), kinds, y, {"output": step}, {})
    check(graph, {"x0": a, "x1": b}, output, output.size * a.shape[2], compared, v.DST_SIZE, kind_name(name, a))


def test_add(oracles, compared):
    v = Vectors(oracles, "add")
    numbers = {
        "a_zero_point": -v.INPUT1_OFFSET,
        "b_zero_point": -v.INPUT2_OFFSET,
        "a_multiplier": v.INPUT1_MULT,
        "a_shift": -v.INPUT1_SHIFT,
        "b_multiplier": v.INPUT2_MULT,
        "b_shift": -v.INPUT2_SHIFT,
        "multiplier": v.OUTPUT_MULT,
        "shift": -v.OUTPUT_SHIFT,
        "zero_point": v.OUTPUT_OFFSET,
        **v.bounds,
    }
    assert v.LEFT_SHIFT == 20
    kind = codes((1, v.DST_SIZE), "", -128)
    graph = one_layer(Add(), [kind, kind], kind, {"combine": Step(add_double, numbers)}, {})
    inputs = {f"x{i}": v.array(f"input{i + 1}").reshape(1, -1) for i in range(2)}
    check(graph, inputs, v.array("output_ref"), 0, compared, v.DST_SIZE, "int8")


def test_add_of_16_bits(oracles, compared):
    v = Vectors(oracles, "add_s16_spill")
    inputs = {"a_multiplier": v.INPUT1_MULT, "a_shift": -v.INPUT1_SHIFT}
    inputs |= {"b_multiplier": v.INPUT2_MULT, "b_shift": -v.INPUT2_SHIFT}
    assert (v.LEFT_SHIFT, v.INPUT1_OFFSET, v.INPUT2_OFFSET, v.OUTPUT_OFFSET) == (15, 0, 0, 0)
    step = Step(add_double_16, {**inputs, "multiplier": v.OUTPUT_MULT, "shift": -v.OUTPUT_SHIFT, **v.bounds})
    pair(v, Add(), step, compared)


def test_multiply_of_16_bits(oracles, compared):
    v = Vectors(oracles, "mul_s16")
    zeros = {"a_zero_point": -v.INPUT1_OFFSET, "b_zero_point": -v.INPUT2_OFFSET}
    scale = {"multiplier": v.OUTPUT_MULT, "shift": -v.OUTPUT_SHIFT, "zero_point": v.OUTPUT_OFFSET}
    pair(v, Multiply(), Step(multiply_double, {**zeros, **scale, **v.bounds}), compared)


def pair(v: Vectors, op: Any, step: Step, compared: Any) -> None:
    given = {f"x{i}": v.array(f"input{i + 1}").reshape(1, -1) for i in range(2)}
    kind = kind_of(given["x0"], (1, v.DST_SIZE))
    graph = one_layer(op, [kind, kind], kind, {"combine": step}, {})
    check(graph, given, v.array("output_ref"), 0, compared, v.DST_SIZE, "int16")


@pytest.mark.parametrize("name", AVERAGE_POOLS + MAX_POOLS)
def test_pools(oracles, compared, name):
    v = Vectors(oracles, name)
    window, strides = (v.FILTER_H, v.FILTER_W), (v.STRIDE_H, v.STRIDE_W)
    pads = v.pads(*window, v.PADDING_H, v.PADDING_W, strides)
    low, high = v.ACTIVATION_MIN, v.ACTIVATION_MAX
    op: Any = MaxPool(window, strides, pads)
    arithmetic = {}
    if name in AVERAGE_POOLS:
        op = AveragePool(window, strides, pads)
        arithmetic = {
            "step": Step(sum_codes, {}),
            "finish": Step(average_half_away, {"low": low, "high": high}),
        }
    given, expected = v.array("input_tensor"), v.array("output")
    x = kind_of(given, (1, v.INPUT_H, v.INPUT_W, v.INPUT_C), "NHWC")
    y = kind_of(given, (1, v.OUTPUT_H, v.OUTPUT_W, v.OUTPUT_C), "NHWC")
    graph = one_layer(op, [x], y, arithmetic, {})
    inputs = {"x0": given.reshape(-1, *x.shape[1:])}
    for backend in ("cpu", "reference"):
        found = np.clip(run(graph, inputs, backend=backend)["y"], low, high)
        assert found.ravel()[: expected.size].tolist() == expected.tolist(), backend
    compared(expected.size, 1, kind_name(name, given))


def test_softmax_of_16_bits(oracles, compared):
    """The tables are the profile's own; the multiplier is stored."""
    v = Vectors(oracles, "softmax_s16")
    x = QuantParams(1e-4, dtype="int16")
    made = CMSIS_NN.schemes["softmax int16"].steps(x=x, y=x, length=v.ROW_SIZE, low=-32768, high=32767)
    numbers = {**made["exponential"].parameters, "multiplier": v.INPUT_MULT, "shift": -v.INPUT_LEFT_SHIFT}
    arithmetic = {**made, "exponential": Step(made["exponential"].function, numbers)}
    given = v.array("input").reshape(v.NUM_ROWS, v.ROW_SIZE)
    kind = kind_of(given, (1, v.ROW_SIZE))
    graph = one_layer(Softmax(1), [kind], kind, arithmetic, {})
    check(graph, {"x0": given}, v.array("output_ref"), 0, compared, v.DST_SIZE, "int16")


@pytest.mark.parametrize("name", PADS)
def test_pads(oracles, compared, name):
    v = Vectors(oracles, name)
    widths = [v.known[f"{side}_PAD_{axis}"] for side in ("PRE", "POST") for axis in "NHWC"]
    given = v.array("input_tensor").reshape(v.INPUT_N, v.INPUT_H, v.INPUT_W, v.INPUT_C)
    op = Pad(tuple(map(int, widths)))
    x = kind_of(given, (1, *given.shape[1:]), "NHWC", v.PAD_VALUE)
    y = kind_of(given, op.infer([x]).shape, "NHWC", v.PAD_VALUE)
    check(one_layer(op, [x], y, {}, {}), {"x0": given}, v.array("output"), 0, compared, v.OUTPUT_SIZE, "int8")
