"""Graphs whose kernels are compiled, assembled and interpreted where there is no GPU."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

import int8sim
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.cuda.assembly import CAPABILITIES, Capability, distinct
from int8sim.kernels.cuda.availability import TENSOR_CORES
from int8sim.kernels.cuda.device import Launch, recorded
from int8sim.kernels.cuda.products import forced
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax
from int8sim.profiles.registry import profiles
from int8sim.spec.float32 import float32

LENET = Path(__file__).parents[2] / "golden" / "lenet"
FAST = ("small float32", "lenet onnxruntime", "small nvdla", "tensor cores tflite_reference")
"""Names of what CI compiles; the others are slow."""


def names() -> list[str]:
    """Every graph."""
    kinds = ("lenet", "small", "tensor cores")
    return [f"{kind} {profile}" for kind in kinds for profile in ("float32", *profiles())]


@functools.cache
def network(name: str) -> tuple[Graph, dict[str, Array]]:
    """A graph and inputs for it."""
    kind, _, profile = name.rpartition(" ")
    graph, inputs = _lenet() if kind == "lenet" else _small(64 if kind == "tensor cores" else 6)
    if profile == "float32":
        return graph, inputs
    return int8sim.lower(graph, _ranges(graph, inputs), profile=profile), inputs


def _lenet() -> tuple[Graph, dict[str, Array]]:
    """The committed network, and two digits."""
    with h5py.File(LENET / "digits.h5") as file:
        images = file["test/images"][:2].astype(np.float32)[:, None] / np.float32(255)
    return int8sim.load(LENET / "lenet.onnx"), {"data": images}


def _small(channels: int) -> tuple[Graph, dict[str, Array]]:
    """Convolutions, one of them depthwise, a residual sum, both pools, a fully connected layer, a softmax."""
    layers = [
        Layer("first", Conv2d((1, 1), (1, 1, 1, 1)), ("x", "w1", "b1"), "c"),
        Layer("relu", Relu(), ("c",), "r"),
        Layer("each", Conv2d((1, 1), (1, 1, 1, 1), (1, 1), channels), ("r", "w2", "b2"), "d"),
        Layer("sum", Add(), ("r", "d"), "s"),
        Layer("max", MaxPool((2, 2), (2, 2)), ("s",), "m"),
        Layer("mean", AveragePool((2, 2), (2, 2)), ("m",), "a"),
        Layer("rows", Flatten(), ("a",), "f"),
        Layer("dense", FullyConnected(), ("f", "w3", "b3"), "y"),
        Layer("shares", Softmax(1), ("y",), "p"),
    ]
    n = channels
    shapes = {"w1": (n, n, 3, 3), "b1": (n,), "w2": (n, 1, 3, 3), "b2": (n,), "w3": (5, 4 * n), "b3": (5,)}
    rng = np.random.default_rng(channels)
    constants = {each: rng.standard_normal(shape).astype(np.float32) / 8 for each, shape in shapes.items()}
    data = TensorType((1, n, 8, 8), "float32", "NCHW")
    inputs = {"x": 2 * rng.standard_normal((2, n, 8, 8)).astype(np.float32)}
    return float_graph("small", layers, {"x": data}, ["p"], constants), inputs


def _ranges(graph: Graph, inputs: dict[str, Array]) -> Table:
    """By minimum and maximum of one run."""
    rows = {}
    for name, values in run(graph, inputs, keep="all").items():
        amax = float(np.abs(values).max())
        rows[name] = Row(float32(amax / 127), float(values.min()), float(values.max()), amax)
    return Table(rows)


@contextmanager
def instructions_of(name: str) -> Iterator[None]:
    """Inside, products are by the instruction that the name asks for."""
    with forced("mma") if name.startswith("tensor cores") else nullcontext():
        yield


def capabilities(name: str) -> tuple[Capability, ...]:
    """Those for which a graph's kernels are made."""
    least = TENSOR_CORES if name.startswith("tensor cores") else CAPABILITIES[0]
    return tuple(each for each in CAPABILITIES if each >= least)


@functools.cache
def launches(name: str) -> list[Launch]:
    """One of each kernel that a graph takes."""
    graph, inputs = network(name)
    with instructions_of(name), recorded() as found:
        run(replace(graph), inputs, backend="cuda")
    return distinct(found)
