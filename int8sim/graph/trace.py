"""Watching a run: an object with this method is told of every layer."""

from __future__ import annotations

from typing import Protocol

from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Array


class Tracer(Protocol):
    """What `run(..., trace=)` calls: once per graph input, with layer None, then after every layer."""

    def tensor(self, graph: Graph, layer: Layer | None, name: str, values: Array) -> None:
        """values: in the tensor's own layout and dtype, batch first; not to be kept without a copy."""
