"""Ops that only move codes: where each value comes from is found once, by the op's own definition, run over places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.export_c.call import Call, Room, Site, room
from int8sim.kernels.storage import own_axes, own_layout, stored_axes, stored_layout
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.pad import Pad

ZERO, ELSEWHERE = -1, -2
"""Instead of a place: the code of real zero; a value of another input."""


def pad(site: Site) -> list[Call]:
    """Cells of one value around a tensor."""
    op = site.layer.op
    assert isinstance(op, Pad)
    zeros = site._replace(layer=replace(site.layer, op=replace(op, value=0.0)))
    filling = op.filling(site.types[0])
    return [copy(site.inputs()[0], site.out(), _sources(zeros, 0), filling)]


def move(site: Site) -> list[Call]:
    """Of concat, flatten, reshape, resize_nearest, slice, transpose ..."""
    return copies(site, site.inputs())


def copies(site: Site, inputs: list[Room]) -> list[Call]:
    """The values of every input to their places in the output; inputs may be others of the same types."""
    return [
        copy(given, site.out(), _sources(site, place), _zero(site.types[place])) for place, given in enumerate(inputs)
    ]


def arranged(site: Site, place: int, shape: tuple[int, ...], layout: str = "") -> tuple[Room, list[Call]]:
    """An input as it broadcasts to a shape, as a tensor of that layout is stored; and what moves it there."""
    kind, given = site.types[place], room(site.graph, site.layer.inputs[place])
    own = np.broadcast_to(own_layout(places(kind), kind), shape)
    sources = stored_layout(own, kind.with_shape(shape, layout)).reshape(-1)
    if np.array_equal(sources, np.arange(given.count)):
        return given, []
    out = site.own(f"arranged{place}", kind.dtype, sources.size)
    return out, [copy(given, out, sources, 0)]


def copy(given: Room, out: Room, sources: Array, zero: float) -> Call:
    """sources: for each value of out, where in the given room it lies, or ZERO, or ELSEWHERE."""
    flat = sources.reshape(-1)
    before = np.concatenate([[ELSEWHERE - 1], flat[:-1]])
    goes_on = np.where(flat < 0, flat == before, (before >= 0) & (flat == before + 1))
    starts = np.flatnonzero(~goes_on)
    lengths = np.diff(starts, append=len(flat))
    runs = np.stack([flat[starts], starts, lengths], 1)[flat[starts] != ELSEWHERE].astype(np.int32)
    value = np.float32(zero) if out.dtype == "float32" else int(zero)
    return Call(copy_runs, (given, runs, len(runs), value, out))


def _zero(kind: TensorType) -> int:
    return kind.quant.tensor_zero_point if kind.quant else 0


def places(kind: TensorType) -> Array:
    """Of one image's values as they are stored, [1, ...]."""
    stored = [kind.shape[axis] for axis in stored_axes(kind)]
    return np.arange(np.prod(stored), dtype=np.int64).reshape(stored)


def _sources(site: Site, place: int) -> Array:
    """Where the output's values come from, if from the input `place`."""
    kinds = [replace(kind, quant=QuantParams(1.0, ZERO)) for kind in site.types]
    inputs = [
        own_layout(places(kind), kind) if i == place else np.full(kind.shape, ELSEWHERE)
        for i, kind in enumerate(site.types)
    ]
    moved = site.layer.op.reference(kinds, replace(site.output, dtype="int64"), {}, inputs)
    return stored_layout(moved, site.output)


def copy_runs(x: Array, runs: Array, count: int, zero: float, out: Array) -> None:
    """runs: int32 [count, 3], from where, to where, how many; from below 0: zeros."""
    for i in range(count):
        source, target, length = runs[3 * i], runs[3 * i + 1], runs[3 * i + 2]
        if source < 0:
            for j in range(length):
                out[target + j] = zero
        else:
            for j in range(length):
                out[target + j] = x[source + j]


def in_own_layout(kind: TensorType) -> tuple[int, int]:
    """(cells, channels) of a tensor that lies otherwise in C than in the library; (values, 1) of any other."""
    if own_axes(kind) == tuple(range(len(kind.shape))):
        return int(np.prod(kind.shape[1:])), 1
    return int(np.prod(kind.shape[2:])), kind.shape[1]


def turn(x: Array, out: Array, rows: int, columns: int) -> None:
    """[rows, columns] to [columns, rows]."""
    for column in range(columns):
        for row in range(rows):
            out[column * rows + row] = x[row * columns + column]
