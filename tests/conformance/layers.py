"""Graphs of one layer, for comparing backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op


def one_layer(
    op: Op,
    types: Sequence[TensorType],
    output: TensorType,
    arithmetic: Arithmetic | None,
    constants: Mapping[int, Array],
) -> Graph:
    """The op alone: its inputs are x0, x1 ..., its output is y."""
    names = [f"x{i}" for i in range(len(types))]
    inputs = tuple(name for i, name in enumerate(names) if i not in constants)
    tensors = {**dict(zip(names, types, strict=True)), "y": output}
    held = {names[i]: value for i, value in constants.items()}
    return Graph((Layer("layer", op, tuple(names), "y", arithmetic),), tensors, held, inputs, ("y",))


def same_bits(a: Array, b: Array) -> bool:
    """Equal values; float32 bit for bit."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype == np.float32:
        return np.array_equal(a.view(np.uint32), b.view(np.uint32))
    return np.array_equal(a, b)


def same_on_a_gpu(a: Array, b: Array) -> bool:
    """As same_bits, but a NaN of arithmetic has one pattern on a GPU, and another on a CPU."""
    return same_bits(*(_with_one_nan(each) if each.dtype == np.float32 else each for each in (a, b)))


def _with_one_nan(values: Array) -> Array:
    return np.where(np.isnan(values), np.float32(np.nan), values)
