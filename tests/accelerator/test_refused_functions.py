"""Functions of a user's profile that cannot be compiled: the named error, with the function and the reason."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.accumulation import Accumulation, Loop
from int8sim.model.errors import CompileError
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.fully_connected import FullyConnected

NUMBERS = {"narrow": 1}


def plain(acc):
    return acc


def raising(acc):
    if acc > 100:
        raise OverflowError(acc)
    return acc


def from_a_dict(acc):
    return acc + NUMBERS["narrow"]


def formatting(acc):
    return {"low": acc}["low"] + len(f"{acc:>{acc}}")


def closed_over(offset):
    def convert(acc):
        return acc + offset

    return convert


def saturating_with(limit):
    return lambda acc, product: min(acc + product, limit)


def layer(**steps):
    """One row of four weights."""
    kind = TensorType((1, 4), "int8", "", QuantParams(1.0))
    weights = TensorType((1, 4), "int8", "", QuantParams(1.0))
    output = TensorType((1, 1), "int8", "", QuantParams(1.0))
    held = {"w": np.ones((1, 4), np.int8)}
    layers = (Layer("dense", FullyConnected(), ("x", "w"), "y", {"output": Step(plain, {}), **steps}),)
    return Graph(layers, {"x": kind, "w": weights, "y": output}, held, ("x",), ("y",))


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (raising, r"it raises an error, .*test_refused_functions\.py:25"),
        (closed_over(3), "at module level, with no closure"),
        (lambda acc: acc, "at module level"),
        (from_a_dict, "it refers to NUMBERS, a dict; pass that as a parameter"),
        (formatting, "formatting"),
    ],
    ids=["raise", "closure", "lambda", "global dict", "not Numba's"],
)
def test_output_functions(function, reason):
    with pytest.raises(CompileError, match=reason):
        run(layer(output=Step(function, {})), {"x": np.ones((1, 4), np.int8)})


def test_accumulators():
    step = Accumulation(saturating_with(3), {}, Loop(3))
    with pytest.raises(CompileError, match="no closure"):
        run(layer(accumulate=step), {"x": np.ones((1, 4), np.int8)})


def test_they_still_run_on_the_reference():
    found = run(layer(output=Step(closed_over(3), {})), {"x": np.ones((1, 4), np.int8)}, backend="reference")
    assert found["y"].tolist() == [[7]]
