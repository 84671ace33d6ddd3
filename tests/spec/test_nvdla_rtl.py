"""The NVDLA functions against NVIDIA's RTL, simulated: every vector of every file, values and flags, three times.

Interpreted; compiled, one loop around the function; and through the array kernels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.arrays import dp4a
from int8sim.kernels.cpu.nvdla_pool import pool
from int8sim.kernels.cpu.nvdla_stage import stage
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.max_pool import MaxPool
from int8sim.spec.nvdla import (
    PdpMethod,
    average,
    cacc_clip,
    cacc_clip_ideal,
    cacc_clip_is_defined,
    pdp_average_is_defined,
    pdp_pool,
    pdp_pool_is_defined,
    pdp_total,
)
from int8sim.spec.pooling import sum_codes

from .compiled_loops import evaluate
from .nvdla_vectors import FILES, Check, Cube, Ports, cubes

pytestmark = pytest.mark.witness

POOLING = "nvdla/rtl/pdp_core_nv_small.npz"


def compare(check: Check, found: Any) -> None:
    """0 mismatches; the first five otherwise."""
    wrong = np.flatnonzero((np.asarray(found) != check.expected).reshape(len(check.expected), -1).any(axis=1))
    shown = [({k: v[i] for k, v in check.columns.items()}, np.asarray(found)[i], check.expected[i]) for i in wrong[:5]]
    assert wrong.size == 0, (check.what, wrong.size, shown)


@pytest.mark.parametrize("name", FILES)
def test_interpreted(oracles, compared, name):
    for check in FILES[name](Ports(oracles(f"nvdla/rtl/{name}.npz"))):
        rows = zip(*(np.asarray(column).tolist() for column in check.columns.values()), strict=True)
        compare(check, [check.function(*row) for row in rows])
        compared(check.expected.size, 150, f"{name}, {check.what}")


@pytest.mark.parametrize("name", FILES)
def test_compiled(oracles, compared, tmp_path, name):
    for check in FILES[name](Ports(oracles(f"nvdla/rtl/{name}.npz"))):
        columns = [np.ascontiguousarray(column, np.int64) for column in check.columns.values()]
        compare(check, evaluate(check.function, columns, tmp_path))
        compared(check.expected.size, 150, f"{name}, {check.what}")


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("cmac")])
def test_array_kernels(oracles, compared, name):
    """Each vector is a channel with registers of its own."""
    for check in FILES[name](Ports(oracles(f"nvdla/rtl/{name}.npz"))):
        (_, x), *registers = [(key, np.asarray(column)) for key, column in check.columns.items()]
        compare(check, stage(check.function, x[None], "int64", **dict(registers))[0])
        compared(check.expected.size, 150, f"{name}, {check.what}")


@pytest.mark.parametrize("name", ["cmac_nv_small", "cmac_nv_large"])
def test_multiply_accumulate_cells_are_chains_of_dp4a(oracles, compared, name):
    """Four lanes at a time through the array kernel; a lane whose flag is off counts as 0."""
    check = next(FILES[name](Ports(oracles(f"nvdla/rtl/{name}.npz"))))
    data, weights, *masks = check.columns.values()
    kept = np.logical_and.reduce([mask[:, None] >> np.arange(data.shape[1]) & 1 for mask in masks])
    words = [np.ascontiguousarray((lanes * kept).astype(np.int8)).view(np.uint32) for lanes in (data, weights)]
    total = np.zeros(len(data), np.int32)
    for a, b in zip(words[0].T, words[1].T, strict=True):
        total = dp4a(a, b, total)
    compare(check, total)
    compared(total.size, 1000, f"{name}, value")


def test_every_leaf_module_has_its_file(oracle_folder):
    assert {path.stem for path in (oracle_folder / "nvdla/rtl").glob("*.npz")} == {*FILES, "pdp_core_nv_small"}


def test_lost_sticky_bits_are_seen(oracles, compared):
    """Above truncate 16, where the C model refuses, some vectors differ from the ideal rounding; below, none."""
    checks = list(FILES["cacc_nv_large"](Ports(oracles("nvdla/rtl/cacc_nv_large.npz"))))
    columns = next(check.columns for check in checks if check.function is cacc_clip)
    pairs = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    lost = [pair for pair in pairs if cacc_clip(*pair) != cacc_clip_ideal(*pair)]
    assert lost
    assert not any(cacc_clip_is_defined(*pair) for pair in lost)
    compared(sum(cacc_clip_is_defined(*pair) for pair in pairs), 500)


def test_pooling_core(oracles, compared):
    """Whole cubes: averages with any reciprocals and padding, maxima and minima."""
    averages = 0
    for cube in cubes(oracles(POOLING)):
        assert pdp_pool_is_defined(cube.y.shape[1])
        assert pdp_pool(cube.x.tolist(), *cube.arguments) == cube.y.tolist()
        averages += cube.y.size * (cube.registers["type"] == PdpMethod.AVERAGE)
        compared(cube.y.size, what="pdp_core_nv_small, value")
    compared(averages, 5000, "pdp_core_nv_small, averages among them")


def test_pooling_core_compiled(oracles, compared):
    for cube in cubes(oracles(POOLING)):
        y = pool(cube.x, *cube.arguments)
        assert y.dtype == np.int8
        assert np.array_equal(y, cube.y)
        compared(y.size, what="pdp_core_nv_small, value")


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_pooling_core_as_operators(oracles, compared, backend):
    """Maxima and averages through the operators of a graph, steps as the nvdla profile names them.

    Padding is the code zero_point there, and there is no operator of the minimum.
    """
    for cube in cubes(oracles(POOLING)):
        y = as_operator(cube, backend)
        assert np.array_equal(y, cube.y), cube.registers
        compared(y.size, what=f"{backend}, {PdpMethod(cube.registers['type']).name.lower()}")


def as_operator(cube: Cube, backend: str) -> Any:
    """The cube through a graph of one layer. The minimum of x is the complement of the maximum of ~x."""
    at = cube.registers
    method, kernel, strides, pads, _, _ = cube.arguments
    if method == PdpMethod.AVERAGE:
        reciprocals = {"reciprocal_width": at["recip_w"], "reciprocal_height": at["recip_h"]}
        steps = {"step": Step(sum_codes, {}), "finish": Step(average, {**reciprocals, "low": -128, "high": 127})}
        layer = Layer("pool", AveragePool(kernel, strides, pads, count_include_pad=True), ("x",), "y", steps)
        return execute(layer, cube.x, cube.y.shape, at["pad_value"], backend)
    layer = Layer("pool", MaxPool(kernel, strides, pads), ("x",), "y", {})
    if method == PdpMethod.MAX:
        return execute(layer, cube.x, cube.y.shape, 0, backend)
    return ~execute(layer, ~cube.x, cube.y.shape, 0, backend)


def execute(layer: Layer, x: Any, size: tuple[int, ...], zero_point: int, backend: str) -> Any:
    quant = QuantParams(1.0, zero_point)
    types: Mapping[str, TensorType] = {
        "x": TensorType((1, *x.shape), "int8", "NHWC", quant),
        "y": TensorType((1, *size), "int8", "NHWC", quant),
    }
    graph = Graph((layer,), types, {}, ("x",), ("y",))
    return run(graph, {"x": x[None]}, backend=backend)["y"][0]


def test_wrapped_averages_are_in_the_vectors(oracles, compared):
    """Reciprocals beyond 2**16 / size make the RTL wrap: `pdp_average_is_defined` finds such cells."""
    wrapped = 0
    for cube in cubes(oracles(POOLING)):
        method, kernel, _, pads, padding, (height, width) = cube.arguments
        if method == PdpMethod.AVERAGE and not any(pads):
            for channel in range(cube.x.shape[2]):
                total = pdp_total(cube.x[: kernel[0], : kernel[1], channel].tolist(), kernel, padding)
                wrapped += not pdp_average_is_defined(total, width, height)
    compared(wrapped, 5)
