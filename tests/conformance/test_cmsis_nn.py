"""Arm's CMSIS-NN unit-test vectors: int8 convolutions, fully connected layers, sums, pools; multipliers as stored."""

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
from int8sim.ops.max_pool import MaxPool
from int8sim.spec.eltwise import add_double
from int8sim.spec.pooling import average_half_away, sum_codes
from int8sim.spec.requantize import output_double

from .layers import one_layer

pytestmark = pytest.mark.witness

CONVOLUTIONS = """
    basic conv_1_x_n_2 conv_1_x_n_3 conv_1_x_n_4 conv_1_x_n_7 conv_1_x_n_8 conv_2x2_dilation_5x5_input
    conv_2x3_dilation conv_3 conv_4 conv_5 conv_dilation_golden grouped_conv_1 grouped_conv_2 grouped_conv_4
    kernel1x1_stride_x kernel1x1_stride_x_y kernel1x1_stride_x_y_2 stride2pad1
""".split()  # noqa: SIM905
DEPTHWISE = """
    depthwise_dilation depthwise_eq_in_out_ch depthwise_kernel_3x3_null_bias depthwise_null_bias_0
    depthwise_null_bias_1 depthwise_sub_block
""".split()  # noqa: SIM905
FULLY_CONNECTED = [f"fully_connected{suffix}" for suffix in ("", "_mve_0", "_mve_1", "_out_activation")]
AVERAGE_POOLS = ["avgpooling", "avgpooling_2", "avgpooling_4", "avgpooling_5"]
MAX_POOLS = ["maxpooling_1", "maxpooling_3", "maxpooling_4", "maxpooling_6"]
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

    def array(self, name: str) -> Array:
        return self.archive[f"{self.name}_{name}"]

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


def check(graph: Any, inputs: dict[str, Array], expected: Array, products: int, compared: Any, least: int) -> None:
    for backend in ("cpu", "reference") if products <= SLOW else ("cpu",):
        found = run(graph, inputs, backend=backend)["y"]
        assert found.ravel().tolist() == expected.ravel().tolist(), backend
    compared(expected.size, least)


@pytest.mark.parametrize("name", CONVOLUTIONS + DEPTHWISE)
def test_convolution(oracles, compared, name):
    v = Vectors(oracles, name)
    depthwise = name in DEPTHWISE
    group = v.IN_CH if depthwise else v.IN_CH // v.known.get("FILTER_CH", v.IN_CH)
    stored = v.array("weights").reshape(-1, v.FILTER_Y, v.FILTER_X, v.OUT_CH if depthwise else v.IN_CH // group)
    weights = stored.transpose(3, 0, 1, 2) if depthwise else stored.transpose(0, 3, 1, 2)
    strides, dilations = (v.STRIDE_Y, v.STRIDE_X), (v.DILATION_Y, v.DILATION_X)
    spans = (v.FILTER_Y - 1) * dilations[0] + 1, (v.FILTER_X - 1) * dilations[1] + 1
    op = Conv2d(strides, v.pads(*spans, v.PAD_Y, v.PAD_X, strides), dilations, group)
    x = codes((1, v.INPUT_H, v.INPUT_W, v.IN_CH), "NHWC", -v.INPUT_OFFSET)
    types = [x, codes(weights.shape, ""), TensorType((v.OUT_CH,), "int32", "", INT32)]
    output = codes((1, v.OUTPUT_H, v.OUTPUT_W, v.OUT_CH), "NHWC", v.OUTPUT_OFFSET)
    parameters = {
        "multiplier": v.array("output_mult").astype(np.int64),
        "shift": -v.array("output_shift").astype(np.int64),
        "zero_point": v.OUTPUT_OFFSET,
        **v.bounds,
    }
    constants = {1: np.ascontiguousarray(weights), 2: v.array("biases")}
    graph = one_layer(op, types, output, {"output": Step(output_double, parameters)}, constants)
    expected = v.array("output_ref").reshape(-1, v.OUTPUT_H, v.OUTPUT_W, v.OUT_CH)
    inputs = {"x0": v.array("input").reshape(len(expected), v.INPUT_H, v.INPUT_W, v.IN_CH)}
    check(graph, inputs, expected, expected.size * weights[0].size, compared, v.DST_SIZE)


@pytest.mark.parametrize("name", FULLY_CONNECTED)
def test_fully_connected(oracles, compared, name):
    v = Vectors(oracles, name)
    weights = v.array("weights").reshape(v.OUT_CH, -1)
    depth = weights.shape[1]
    bias = TensorType((v.OUT_CH,), "int32", "", INT32)
    types = [codes((1, depth), "", -v.INPUT_OFFSET), codes(weights.shape, ""), bias]
    numbers = {"multiplier": v.OUTPUT_MULTIPLIER, "shift": -v.OUTPUT_SHIFT, "zero_point": v.OUTPUT_OFFSET, **v.bounds}
    constants = {1: weights, 2: v.array("biases")}
    output = codes((1, v.OUT_CH), "", v.OUTPUT_OFFSET)
    graph = one_layer(FullyConnected(), types, output, {"output": Step(output_double, numbers)}, constants)
    expected = v.array("output_ref")
    check(graph, {"x0": v.array("input").reshape(-1, depth)}, expected, 0, compared, v.DST_SIZE)


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
    check(graph, inputs, v.array("output_ref"), 0, compared, v.DST_SIZE)


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
    x, y = codes((1, v.INPUT_H, v.INPUT_W, v.INPUT_C), "NHWC"), codes((1, v.OUTPUT_H, v.OUTPUT_W, v.OUTPUT_C), "NHWC")
    graph = one_layer(op, [x], y, arithmetic, {})
    inputs = {"x0": v.array("input_tensor").reshape(-1, *x.shape[1:])}
    for backend in ("cpu", "reference"):
        found = np.clip(run(graph, inputs, backend=backend)["y"], low, high)
        assert found.ravel().tolist() == v.array("output").tolist(), backend
    compared(found.size, v.array("output").size)
