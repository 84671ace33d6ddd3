"""Arm's TOSA reference model, as tools/make_tosa_golden.py recorded it: every operator that the profile is made of."""

import functools
import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim.graph.run import run
from int8sim.model.step import LookupTable, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.multiply import Multiply
from int8sim.ops.tanh import Tanh
from int8sim.spec import tosa
from int8sim.spec.pooling import sum_offset

from ..spec.compiled_loops import evaluate
from .layers import one_layer

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "golden" / "tosa" / "reference_model.npz"
INT8 = {"low": -128, "high": 127}
RESCALES = {(True, False): tosa.rescale_single, (True, True): tosa.rescale_double, (False, False): tosa.rescale_16}


@functools.cache
def known():
    sys.path.insert(0, str(ROOT / "tools"))
    import tosa_cases

    return {case.name: case for case in tosa_cases.cases()}, tosa_cases.RANGES


def names():
    with np.load(RECORDED) as recorded:
        return [name.removesuffix("/head") for name in recorded.files if name.endswith("/head")]


def rescale(case, folder):
    """One element at a time: x, and the channel's multiplier and shift."""
    low, high = known()[1][case.numbers["target"]]
    columns = [case.arrays["x"], case.numbers["zeros"][0], case.arrays["multiplier"], case.arrays["shift"]]
    columns += [case.numbers["zeros"][1], low, high]
    flat = [np.broadcast_to(column, case.arrays["x"].shape).ravel().copy() for column in columns]
    function = RESCALES[case.numbers["wide"], case.numbers["double"]]
    return flat, function, evaluate(function, flat, folder)


def codes(shape, layout="", zero_point=0):
    return TensorType(tuple(shape), "int8", layout, QuantParams(1.0, zero_point))


def layer(op, types, output, arithmetic, arrays, constants=()):
    """The layer by the compiled kernel, and by its definition for the first sample's first output row."""
    held = {place: arrays[place] for place in constants}
    graph = one_layer(op, types, output, arithmetic, held)
    return run(graph, {name: arrays[int(name[1:])] for name in graph.inputs})["y"]


def average_pool(case):
    n, x = case.numbers, case.arrays["x"].astype(np.int8)
    before, after = n["zeros"]
    top, bottom, left, right = n["pad"]
    op = AveragePool(n["kernel"], n["stride"], (top, left, bottom, right))
    arithmetic = {
        "step": Step(sum_offset, {"zero_point": before}),
        "finish": Step(tosa.average, {"zero_point": after, **INT8}),
    }
    kind = codes(x.shape, "NHWC", before)
    shape = op.infer([kind]).shape
    return layer(op, [kind], codes(shape, "NHWC", after), arithmetic, [x])


def convolution(case):
    arrays, (before, after) = case.arrays, case.numbers["zeros"]
    x, w = arrays["x"].astype(np.int8), np.ascontiguousarray(arrays["w"].transpose(0, 3, 1, 2).astype(np.int8))
    op = Conv2d(group=x.shape[3] if case.operator == "depthwise" else 1)
    bias = TensorType(arrays["bias"].shape, "int32", "", QuantParams(1.0, dtype="int32"))
    types = [codes(x.shape, "NHWC", before), codes(w.shape), bias]
    numbers = {"multiplier": arrays["multiplier"], "shift": arrays["shift"], "zero_point": after, **INT8}
    output = codes(op.infer(types).shape, "NHWC", after)
    operands = [x, w, arrays["bias"].astype(np.int32)]
    return layer(op, types, output, {"output": Step(tosa.output_double, numbers)}, operands, (1, 2))


def outputs(case, folder):
    if case.operator == "average_pool":
        return average_pool(case)
    if case.operator in {"convolution", "depthwise"}:
        return convolution(case)
    if case.operator == "shift":
        x, by = (case.arrays[name].ravel() for name in ("x", "by"))
        return evaluate(tosa.arithmetic_right_shift, [x, by, np.ones(x.size, np.bool_)], folder)
    if case.operator == "multiply":
        zeros = dict(zip(("a_zero_point", "b_zero_point"), case.numbers["zeros"], strict=True))
        exact = {"multiplier": 1 << 30, "shift": 30, "zero_point": 0, "low": -(2**31), "high": 2**31 - 1}
        kinds = [codes(case.arrays[name].shape) for name in ("a", "b")]
        step = Step(tosa.multiply_rescaled, {**zeros, **exact})
        wide = TensorType(kinds[0].shape, "int32", "", QuantParams(1.0, dtype="int32"))
        return layer(Multiply(), kinds, wide, {"combine": step}, [case.arrays[n].astype(np.int8) for n in ("a", "b")])
    if case.operator == "table":
        step = Step(tosa.table_code, {"table": LookupTable(case.arrays["table"]), **INT8})
        kind, x = codes(case.arrays["x"].shape), case.arrays["x"].astype(np.int8)
        return layer(Tanh(), [kind], kind, {"convert": step}, [x])
    table = case.arrays["table"].tolist()
    return np.array([tosa.table_16(x, table) for x in case.arrays["x"].ravel().tolist()])


@pytest.mark.parametrize("name", names())
def test_the_reference_models_outputs(name, tmp_path, compared):
    case = known()[0][name]
    if case.operator == "rescale":
        flat, function, found = rescale(case, tmp_path)
        few = [column[::997].tolist() for column in flat]
        assert [function(*row) for row in zip(*few, strict=True)] == found[::997].tolist()
    else:
        found = outputs(case, tmp_path)
    wide = np.ascontiguousarray(found, "<i8")
    with np.load(RECORDED) as recorded:
        assert wide.ravel()[: len(recorded[f"{name}/head"])].tolist() == recorded[f"{name}/head"].tolist()
        assert hashlib.sha256(wide.tobytes()).digest() == recorded[f"{name}/sha256"].tobytes()
    compared(wide.size, 60_000, " ".join(name.split()[:2]) if case.operator == "rescale" else case.operator)
