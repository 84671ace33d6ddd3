"""Run where the package acme_npu is installed: the accelerator by name, from Python. Prints what was found, as JSON."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
from hypothesis import given, settings

import int8sim
from int8sim.cli.recipe import calibrated, digits
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.paths import sequential_layers
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.conv2d import requantize
from int8sim.model.step import Step
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.strategies import accumulators, output_steps


def same_on_both(graph, images):
    """Values compared, tensor by tensor, bit by bit; and the tensors."""
    fast, slow = (int8sim.run(graph, images, keep="all", backend=name) for name in ("cpu", "reference"))
    for name, values in slow.items():
        assert fast[name].dtype == values.dtype
        assert fast[name].tobytes() == values.tobytes(), name
    return sum(values.size for values in slow.values()), fast


def trunk():
    """A convolution, a sum, an average, and a row of 1,280 weights: half of them 1, then half of them -1."""
    layers = [
        Layer("conv", Conv2d(pads=(1, 1, 1, 1)), ("x", "w"), "c"),
        Layer("sum", Add(), ("c", "x"), "s"),
        Layer("mean", AveragePool((2, 2), (2, 2)), ("s",), "m"),
        Layer("rows", Flatten(), ("m",), "f"),
        Layer("dense", FullyConnected(), ("f", "v"), "y"),
    ]
    rng = np.random.default_rng(3)
    dense = np.where(np.arange(1280) < 640, 1.0, -1.0) * rng.uniform(0.9, 1.0, (6, 1280))
    constants = {"w": rng.uniform(0, 0.1, (20, 20, 3, 3)).astype(np.float32), "v": dense.astype(np.float32)}
    graph = float_graph("trunk", layers, {"x": TensorType((1, 20, 16, 16), "float32", "NCHW")}, ["y"], constants)
    images = {"x": rng.uniform(0.8, 1.0, (2, 20, 16, 16)).astype(np.float32)}
    tensors = int8sim.run(graph, images, keep="all")
    amax = {name: float(np.abs(values).max()) for name, values in tensors.items()}
    return (
        graph,
        Table({name: Row(float(np.float32(value / 127)), -value, value, value) for name, value in amax.items()}),
        images,
    )


def without_accumulation(graph):
    """The same graph with exact accumulators."""
    steps = [
        {role: step for role, step in (layer.arithmetic or {}).items() if role != "accumulate"}
        for layer in graph.layers
    ]
    layers = [
        replace(layer, arithmetic=None if layer.arithmetic is None else own)
        for layer, own in zip(graph.layers, steps, strict=True)
    ]
    return replace(graph, layers=tuple(layers))


def compiled_converter():
    """The converter of random layers, compiled and interpreted; and its ties, which go toward zero."""
    count = 0

    @settings(max_examples=60, deadline=None, database=None)
    @given(output_steps("acme_npu"), accumulators(bits=24))
    def check(step, acc):
        nonlocal count
        bound, values = bind(step)
        accs = np.array([[acc], [acc + 1], [-acc], [(1 << 23) - 1], [-(1 << 23)]], np.int64)
        out = np.empty(accs.shape, np.uint8)
        build(requantize, {"output": bound})(accs, values, out, 128)
        assert (out.astype(int) - 128).ravel().tolist() == [step(value) for value in accs.ravel().tolist()]
        count += accs.size

    check()
    return count


def main(folder):
    (entry,) = [each for each in entry_points(group="int8sim.profiles") if each.name == "acme_npu"]
    npu = entry.load()
    convert = npu.schemes["convolution"].functions["output"]
    half = Step(convert, {"multiplier": 1, "shift": 1, "low": -9, "high": 9})

    lenet, table = calibrated()
    named, given_ = (int8sim.lower(lenet, table, profile=each) for each in ("acme_npu", npu))
    picture = digits(lenet, "test")[:200]
    values, _ = same_on_both(named, {"data": picture[:1]})
    right = int8sim.run(named, {"data": picture})["prob"].argmax(1)
    as_float = int8sim.run(lenet, {"data": picture})["prob"].argmax(1)

    graph, ranges, images = trunk()
    integer = int8sim.lower(graph, ranges, profile=npu)
    more, found = same_on_both(integer, images)
    exact = int8sim.run(without_accumulation(integer), images)["y"]

    int8sim.write_table(table, Path(folder) / "lenet.cache", format="tensorrt")
    np.savez(Path(folder) / "digits.npz", data=picture[:40])
    golden = Path(folder) / "trunk.h5"
    int8sim.record(integer, images, golden)
    facts = {
        "file": entry.dist.name,
        "ties": [half(acc) for acc in (-5, -3, -1, 1, 3, 5)],
        "same": [layer.arithmetic.keys() if layer.arithmetic else None for layer in named.layers]
        == [layer.arithmetic.keys() if layer.arithmetic else None for layer in given_.layers],
        "lenet sequential": sequential_layers(named),
        "trunk sequential": sequential_layers(integer),
        "notes": [*named.notes, *integer.notes],
        "integer": [layer.op.name for layer in integer.layers if layer.arithmetic is not None],
        "compared": values + more,
        "agreement": float((right == as_float).mean()),
        "saturated": int((found["y"] != exact).sum()),
        "verified": int8sim.verify(golden).compared,
        "verified by the reference": bool(int8sim.verify(golden, backend="reference")),
        "converted": compiled_converter(),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1])
