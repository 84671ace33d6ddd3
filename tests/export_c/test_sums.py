"""Sums of products in C: those that saturate on the way in every order, and transposed convolutions."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.paths import sequential_layers
from int8sim.model.accumulation import ORDERS, Accumulation, Loop
from int8sim.model.step import Step
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.spec.requantize import output_double
from int8sim.spec.x86 import add_vpmaddubsw_pair

from ..kernels.test_accumulation import codes, convolution, decaying, kind, one_layer, saturating
from .called import compare, library_of

PAIRS = Accumulation(add_vpmaddubsw_pair, {}, Loop(None, 2, unsigned=True, group_bits=16))

KINDS = [(1, "uint8"), (1, "int16"), (2, "int16"), (4, "int8"), (4, "int16")]
"""Groups and dtypes."""


def compared_in_c(cases, folder):
    """How many values of (graph, inputs) by name were compared."""
    library = library_of({name: graph for name, (graph, _) in cases.items()}, folder)
    return sum(compare(library, name, graph, inputs) for name, (graph, inputs) in cases.items())


def rows_and_matrices(step):
    w, x = codes(3, (5, 23)), codes(4, (2, 4, 23), "uint8")
    types = [kind((1, 4, 23), "uint8", 120), kind(w.shape, zero_point=2), kind((5,), "int32")]
    bias = np.arange(5, dtype=np.int32)
    yield one_layer(FullyConnected(), types, kind((1, 4, 5)), {1: w, 2: bias}, step), {"x0": x}
    types = [kind((1, 4, 23), "int8", -5), kind((1, 23, 6), "uint8", 99)]
    matrices = {"x0": codes(5, (2, 4, 23)), "x1": codes(6, (2, 23, 6), "uint8")}
    yield one_layer(Matmul(), types, kind((1, 4, 6)), {}, step), matrices


def test_saturating_sums(tmp_path, compared):
    """The pairs of vpmaddubsw."""
    cases = [convolution(PAIRS, group=2, x_dtype="uint8", zero_point=20, w_zero=2), *rows_and_matrices(PAIRS)]
    assert all(sequential_layers(graph) for graph, _ in cases)
    compared(compared_in_c({f"n{i}": case for i, case in enumerate(cases)}, tmp_path), 1000)


@pytest.mark.slow
@pytest.mark.parametrize("bits", [14, 18, 40])
def test_every_order(tmp_path, bits, compared):
    """Groups, orders, stored and true operands, widths, dtypes."""
    choices = itertools.product([1, 3, 5], ORDERS, [False, True], [(1, 1), (2, 1), (6, 1), (6, 2)], ["int8", "int16"])
    cases = {}
    for i, (products, order, unsigned, (group, multiplier), dtype) in enumerate(choices):
        step = saturating(bits, products=products, order=order, unsigned=unsigned)
        numbers = {"zero_point": i % 50, "w_dtype": "uint8", "w_zero": 130, "seed": i, "x_dtype": dtype}
        cases[f"c{i}"] = convolution(step, group=group, multiplier=multiplier, **numbers)
    for i, (products, unsigned) in enumerate(itertools.product([1, 2, 5], [False, True])):
        matrices = rows_and_matrices(saturating(bits, products=products, unsigned=unsigned))
        cases |= {f"m{i}_{j}": case for j, case in enumerate(matrices)}
    compared(compared_in_c(cases, tmp_path))


@pytest.mark.slow
def test_what_is_no_sum(tmp_path, compared):
    """Each cell counts, padding too, and its place, and its channel."""
    step = Accumulation(decaying, {"weight": np.arange(1, 7)}, Loop(1))
    cases = {f"n{group}": convolution(step, group=group, zero_point=-20) for group in (1, 2, 6)}
    compared(compared_in_c(cases, tmp_path), 1000)


def transposed(seed, group=1, dtype="int8", step=None, layout="NHWC", **attributes):
    """4 channels of 3 x 5 cells to 4."""
    op = ConvTranspose(group=group, **attributes)
    w, bias = codes(seed, (4, 4 // group, 3, 2)), np.arange(4, dtype=np.int32) * 777
    shape = (1, 3, 5, 4) if layout == "NHWC" else (1, 4, 3, 5)
    types = [kind(shape, dtype, 7, layout), kind(w.shape, zero_point=3), kind((4,), "int32")]
    graph = one_layer(op, types, kind(op.infer(types).shape, "int8", 0, layout), {1: w, 2: bias}, step)
    half = {"multiplier": 1 << 30, "shift": 7, "zero_point": 5, "low": -100, "high": 120}
    steps = {"output": Step(output_double, half), **({"accumulate": step} if step else {})}
    layer = replace(graph.layers[0], arithmetic=steps)
    return replace(graph, layers=(layer,)), {"x0": codes(seed + 1, (2, *shape[1:]), dtype)}


@pytest.mark.slow
def test_transposed_convolutions(tmp_path, compared):
    """Strides, dilations, cut and missing edges, groups."""
    cases = [
        transposed(1, strides=(2, 3), pads=(1, 0, 0, 1)),
        transposed(2, group=2, strides=(3, 1), dilations=(1, 2), pads=(2, 1, -1, -2), layout="NCHW"),
    ]
    compared(compared_in_c({f"n{i}": case for i, case in enumerate(cases)}, tmp_path), 800)


@pytest.mark.slow
def test_every_transposed_convolution(tmp_path, compared):
    """Depthwise, wide, and where sums saturate."""
    half = {"strides": (2, 2), "pads": (0, 1, 1, 0)}
    cases = [transposed(i, group=group, dtype=dtype, **half) for i, (group, dtype) in enumerate(KINDS)]
    cases += [transposed(9, step=saturating(16, products=2), layout=layout, **half) for layout in ("NHWC", "NCHW")]
    assert all(sequential_layers(graph) for graph, _ in cases[-2:])
    compared(compared_in_c({f"n{i}": case for i, case in enumerate(cases)}, tmp_path))
