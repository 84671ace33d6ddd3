"""What rows prove together: pairs that must share a range, and rows that one calibration cannot have made."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from int8sim.calibration.explanation.candidates import common_range
from int8sim.calibration.explanation.reach import unreachable
from int8sim.calibration.explanation.readings import exceeds_one
from int8sim.calibration.methods.registry import METHODS
from int8sim.graph.ir import Graph
from int8sim.graph.sharing import row_origins
from int8sim.model.table import Table

SUMS = frozenset({"add", "weighted_sum"})
SOFTMAX_NAME = re.compile(r"prob|(.*/)?softmax[\w:.]*|.*\[Softmax\]_output", re.IGNORECASE)
NEIGHBOURS = np.array([sign * step for sign in (-1, 1) for step in range(101, 1000, 100)], np.int32)
"""In units of the last place: scales about as great, with which the chance of a common range is measured."""


@dataclass(frozen=True)
class Pair:
    """A sum and its ReLU, with different rows.

    doublings: of the sum's range over the ReLU's, None if no range fits both; chance: that one fits by accident.
    """

    total: str
    relu: str
    doublings: int | None
    chance: float


@dataclass(frozen=True)
class Contradiction:
    """Rows that one TensorRT calibration of the network cannot have made. kind: probability, repeats or reach."""

    kind: str
    tensors: tuple[str, ...]
    message: str


def usable(scale: float) -> bool:
    """Whether a scale has a range."""
    return 0.0 < scale < math.inf


def is_probability(name: str, graph: Graph | None) -> bool:
    """By the network, or by the name: TensorRT's `[Softmax]`, Caffe's usual `prob`, a path that ends in softmax."""
    producer = graph.producer(name) if graph else None
    return producer.op.name == "softmax" if producer else bool(SOFTMAX_NAME.fullmatch(name))


def origins(table: Table, graph: Graph | None) -> dict[str, str]:
    """Tensor -> the tensor whose row the table's calibrator repeats for it."""
    if graph is None:
        return {}
    method = METHODS.get(table.provenance.method)
    return row_origins(graph, pools=method is None or method.pools_share)


def sums(table: Table, graph: Graph | None) -> Iterator[Pair]:
    """Sums and their ReLUs with different rows.

    Both start from the same range while the greatest |sum| of the first batch is positive, and a ReLU's doubles at most
    as often. Without a network they are found by name: in a Caffe table the named blob right behind an element-wise
    layer is that of its in-place ReLU.
    """
    for total, relu in _by_name(table) if graph is None else _by_network(graph):
        a, b = (table[name].scale if name in table else 0.0 for name in (total, relu))
        if a != b and usable(a) and usable(b):
            near = (np.float32(b).view(np.int32) + NEIGHBOURS).view(np.float32).tolist()
            chance = sum(common_range(a, other) is not None for other in near) / len(near)
            yield Pair(total, relu, common_range(a, b), chance)


def _by_network(graph: Graph) -> Iterator[tuple[str, str]]:
    for layer in graph.layers:
        producer = graph.producer(layer.inputs[0])
        if layer.op.name == "relu" and producer and producer.op.name in SUMS:
            yield producer.output, layer.output


def _by_name(table: Table) -> Iterator[tuple[str, str]]:
    for name, following in pairwise(table):
        if name.endswith("[ElementWise]_output") and not following.startswith("(Unnamed Layer"):
            yield name, following


def contradictions(table: Table, graph: Graph | None, rule: str, known: Mapping[str, float]) -> Iterator[Contradiction]:
    """All that the rows, and the network if there is one, rule out. known: tensor -> range, where it is settled."""
    for name, row in table.items():
        if is_probability(name, graph) and usable(row.scale) and exceeds_one(row.scale, rule):
            message = f"{name} is a softmax, and no value up to 1 gives its threshold {row.threshold:.6g}"
            yield Contradiction("probability", (name,), message)
    for name, origin in origins(table, graph).items():
        if name in table and origin in table and table[name].scale != table[origin].scale:
            message = f"{name} only moves the values of {origin}, and its row is another"
            yield Contradiction("repeats", (name, origin), message)
    if graph is not None:
        yield from _out_of_reach(table, graph, rule, known)


def _out_of_reach(table: Table, graph: Graph, rule: str, known: Mapping[str, float]) -> Iterator[Contradiction]:
    finite = replace(table, rows={name: row for name, row in table.items() if 0.0 <= row.scale < math.inf})
    for layer, bound in unreachable(graph, finite, rule, known):
        sources = [name for name in layer.inputs if name not in graph.constants]
        found = f"{layer.output} has the threshold {table[layer.output].threshold:.6g}"
        message = f"{found}; by the row of {', '.join(sources)} and these weights |y| is at most {bound:.6g}"
        yield Contradiction("reach", (layer.output, *sources), message)
