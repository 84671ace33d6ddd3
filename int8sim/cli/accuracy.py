"""Top-1, top-5 and changed predictions."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.step import Array

CHUNK = 250


@dataclass(frozen=True)
class Accuracy:
    """top1, top5: fractions; None without labels. changed: predictions that differ from the float network's.

    rate: images per second. lost, gained: of those changed, right to wrong and wrong to right; None without labels.
    """

    name: str
    top1: float | None
    top5: float | None
    changed: int
    rate: float
    lost: int | None = None
    gained: int | None = None

    def row(self) -> list[str]:
        """For the screen."""
        shares = ["" if share is None else f"{share:.2%}" for share in (self.top1, self.top5)]
        return [self.name, *shares, f"{self.changed}", f"{self.rate:,.0f}"]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


COLUMNS = ("", "top-1", "top-5", "changed", "images/s")


def scores(graph: Graph, images: Array) -> tuple[Array, float]:
    """The first output of every image, and images per second with everything compiled."""
    name, output = graph.inputs[0], graph.outputs[0]
    run(graph, {name: images[:CHUNK]})  # tensors of one image take other kernels
    start = time.perf_counter()
    parts = [run(graph, {name: images[i : i + CHUNK]})[output] for i in range(0, len(images), CHUNK)]
    return np.concatenate(parts), len(images) / (time.perf_counter() - start)


def accuracy(name: str, values: Array, rate: float, labels: Array | None, float_values: Array) -> Accuracy:
    """values, float_values: [N, classes]. Equal scores rank by class number."""
    return judge(name, best(values), rate, labels, best(float_values))


def best(values: Array) -> Array:
    """The five classes of the highest scores [N, classes], the highest first: [N, 5], or fewer."""
    return np.argsort(-values.reshape(len(values), -1).astype(np.float64), axis=1, kind="stable")[:, :5]


def judge(name: str, found: Array, rate: float, labels: Array | None, real: Array) -> Accuracy:
    """found, real: as `best` has them, of a network and of the float one. labels: class numbers [N], or None."""
    changed = int((found[:, 0] != real[:, 0]).sum())
    if labels is None:
        return Accuracy(name, None, None, changed, rate)
    hits, was = found == labels[:, None], real[:, 0] == labels
    lost, gained = int((was & ~hits[:, 0]).sum()), int((hits[:, 0] & ~was).sum())
    return Accuracy(name, float(hits[:, 0].mean()), float(hits.any(1).mean()), changed, rate, lost, gained)
