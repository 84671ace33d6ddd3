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
    """top1, top5: fractions. changed: predictions that differ from the float network's. rate: images per second."""

    name: str
    top1: float
    top5: float
    changed: int
    rate: float

    def row(self) -> list[str]:
        """For the screen."""
        return [self.name, f"{self.top1:.2%}", f"{self.top5:.2%}", f"{self.changed}", f"{self.rate:,.0f}"]

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


def accuracy(name: str, values: Array, rate: float, labels: Array, float_values: Array) -> Accuracy:
    """values, float_values: [N, classes]. Equal scores rank by class number."""
    order = np.argsort(-values.astype(np.float64), axis=1, kind="stable")
    hits = order[:, :5] == np.asarray(labels)[:, None]
    changed = int((order[:, 0] != np.argsort(-float_values.astype(np.float64), axis=1, kind="stable")[:, 0]).sum())
    return Accuracy(name, float(hits[:, 0].mean()), float(hits.any(1).mean()), changed, rate)
