"""Kernels with a planted mistake, each in a graph of one layer. `python tests/cuda/broken.py`: in the simulator.

Prints, as JSON, which of them give other values there than backend cpu; NUMBA_ENABLE_CUDASIM=1 must be set.
"""

from __future__ import annotations

import importlib
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

import int8sim
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.cuda import build, products
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.weighted_sum import WeightedSum
from int8sim.spec.float32 import float32


class Mistake(NamedTuple):
    """In a copy of a module, `wrong` stands for `right`. layer: the op, its shapes, the profile."""

    module: str
    right: str
    wrong: str
    layer: tuple[Op, tuple[tuple[int, ...], ...], str]


TILE, PRIMITIVES = "int8sim.kernels.cuda.tile", "int8sim.kernels.cuda.primitives"
CONVOLUTION = Conv2d((1, 1), (1, 1, 1, 1)), ((1, 4, 3, 5), (5, 4, 3, 3)), "tflite_reference"
SUM = Add(), ((1, 300), (1, 300)), "tensorrt"
WEIGHTED = WeightedSum((float32(0.3), float32(-0.7))), ((1, 300), (1, 300)), "float32"

MISTAKES = {
    "none": Mistake(TILE, "THREADS, ACROSS = 256, 16", "THREADS, ACROSS = 256, 16", CONVOLUTION),
    "half to even becomes toward zero": Mistake(PRIMITIVES, "cvt.rni.s32.f32", "cvt.rzi.s32.f32", SUM),
    "a product may be fused": Mistake(PRIMITIVES, "mul.rn.{suffix}", "mul.{suffix}", WEIGHTED),
    "a product is fused": Mistake(
        PRIMITIVES,
        'return assembled(builder, f"mul.rn.{suffix} $0, $1, $2;", result, factors)',
        "return builder.fmul(*factors, flags=['contract'])",
        WEIGHTED,
    ),
    "a barrier is missing": Mistake(
        TILE,
        "        put(held, t, s, each)\n        cuda.syncthreads()\n",
        "        put(held, t, s, each)\n",
        CONVOLUTION,
    ),
    "row and column are exchanged": Mistake(TILE, "+ y) * width + z)", "+ z) * width + y)", CONVOLUTION),
    "the stored values are read as signed": Mistake(TILE, "dp4a_us", "dp4a_ss", CONVOLUTION),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Inside, kernels are built with the mistake."""
    mistake = MISTAKES[name]
    with tempfile.TemporaryDirectory() as folder:
        sys.path.insert(0, folder)
        module = _copy(mistake, Path(folder), f"mistake_{list(MISTAKES).index(name)}")
        before = products.tile, build.GPU
        build._build.cache_clear()
        if mistake.module == TILE:
            products.tile = module
        else:
            build.GPU = _from(build.GPU, module.__name__)
        try:
            yield
        finally:
            products.tile, build.GPU = before
            build._build.cache_clear()
            sys.path.remove(folder)


def _copy(mistake: Mistake, folder: Path, name: str):
    text = Path(importlib.import_module(mistake.module).__file__).read_text()
    assert mistake.right in text, f"{mistake.module} has no {mistake.right}"
    (folder / f"{name}.py").write_text(text.replace(mistake.right, mistake.wrong))
    return importlib.import_module(name)


def _from(dialect, module: str):
    """The dialect with its primitives from another module."""
    twins = {each: (module if place[0] == PRIMITIVES else place[0], place[1]) for each, place in dialect.twins.items()}
    return dialect._replace(twins=twins, product=(module, "product"))


def layer(name: str) -> tuple[Graph, dict[str, Array]]:
    """The layer that shows the mistake, and two samples."""
    op, shapes, profile = MISTAKES[name].layer
    rng = np.random.default_rng(7)
    values = [rng.standard_normal(shape).astype(np.float32) for shape in shapes]
    constants = {"x1": values[1]} if isinstance(op, Conv2d) else {}
    names = [each for each in ("x0", "x1") if each not in constants]
    layout = "NCHW" if isinstance(op, Conv2d) else ""
    data = {each: TensorType(shapes[int(each[1])], "float32", layout) for each in names}
    graph = float_graph("one", [Layer("layer", op, ("x0", "x1"), "y")], data, ["y"], constants)
    inputs = {each: rng.standard_normal((2, *shapes[int(each[1])][1:])).astype(np.float32) for each in names}
    if profile == "float32":
        return graph, inputs
    tensors = run(graph, inputs, keep="all")
    rows = {
        each: Row(float(np.abs(t).max() / 127), float(t.min()), float(t.max()), float(np.abs(t).max()))
        for each, t in tensors.items()
    }
    return int8sim.lower(graph, Table(rows), profile=profile), inputs


def differs(name: str) -> bool:
    """Whether backend cuda, wherever its kernels run, gives other values than cpu."""
    graph, inputs = layer(name)
    with planted(name):
        found = run(replace(graph), inputs, backend="cuda", keep="all")
    return any(not np.array_equal(found[each], values) for each, values in run(graph, inputs, keep="all").items())


def fails(name: str) -> bool:
    """Whether it differs, or a thread reads beside an array."""
    try:
        return differs(name)
    except IndexError:
        return True


if __name__ == "__main__":
    print(json.dumps({name: fails(name) for name in MISTAKES}))
