"""Tensors that are written at one scale and read at another: what NVDLA's compiler leaves so, and nobody reports.

The compiler gives the inputs of a sum one scale (equal_inputs.py) by overwriting one tensor's. That is right where the
operation that writes the tensor has a converter, which then takes the new scale. A ReLU that stands alone has none: the
operation before it converts to the ReLU's own scale of the table, and what reads the tensor takes its codes for other
values, by the ratio of the two. That is so in the compiler's profiles `basic` and `default`; in `fast-math` a ReLU is
part of the operation before it. Pools and concatenations have no converter in any profile, and an input keeps its own
scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.sharing import POOLS, row_origins
from int8sim.lowering.equal_inputs import Rewrite, equalize
from int8sim.lowering.fold import fold_batch_normalization, units
from int8sim.lowering.layer_names import by_tensor
from int8sim.model.errors import MissingRangeError
from int8sim.model.table import Row, Table
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile

CARRIES = POOLS | {"concat"}
"""Ops whose output has the codes of their inputs, whatever its own scale."""


@dataclass(frozen=True)
class Break:
    """A tensor whose codes mean something else to its readers. layer: the one that writes it, "" for an input.

    written, read: the two scales. source: the other tensor by whose scale it is read or written. sum: the layer that
    asks for that scale; "" where the codes only move, and keep the scale of `source`.
    """

    tensor: str
    layer: str
    written: float
    read: float
    source: str
    sum: str = ""

    @property
    def ratio(self) -> float:
        """Real values are this much greater than their readers take them for."""
        return self.written / self.read if self.read else math.inf

    def __str__(self) -> str:
        place = f"tensor {self.tensor!r}" + (f" (layer {self.layer!r})" if self.layer not in {"", self.tensor} else "")
        why = f"sum {self.sum!r} gives it {self.source!r}'s" if self.sum else f"it has the codes of {self.source!r}"
        return f"{place}: written at scale {self.written:.6g}, read at {self.read:.6g}, ratio {self.ratio:.3f}; {why}"


def scale_breaks(
    graph: Graph, table: Table, *, profile: str | Profile = "nvdla", fused: bool = False
) -> tuple[Break, ...]:
    """The breaks, in the network's order.

    graph: float32. table: a row for every tensor or every layer. fused: whether a ReLU is part of the operation before
    it. Raises MissingRangeError, MissingLayersError, UnnamedLayersError, UnknownNameError.
    """
    chosen = find_profile(profile)
    before = _rows(graph, by_tensor(table, graph))
    after = {name: (name, row) for name, row in before.items()}
    rewrites = equalize(_sums(graph, chosen), graph.activations(), {name: name for name in before}, after)
    scales = {name: row.scale for name, (_, row) in after.items()}
    given = {each.tensor: each for each in rewrites}
    alone = _alone(graph, chosen) if fused else {each.name for each in graph.layers if each.op.kind == "clamp"}
    found = list(_written_at_the_table(graph.inputs, "", before, scales, given))
    for layer in graph.layers:
        if layer.name in alone:
            found += _written_at_the_table((layer.output,), layer.name, before, scales, given)
        if layer.op.name in CARRIES:
            found += _carried(layer, scales)
    return tuple(found)


def _rows(graph: Graph, table: Table) -> dict[str, Row]:
    """Every activation's own row; what only reorders another tensor's values has that one's."""
    origins = row_origins(graph, pools=False)
    rows = {name: table.get(name) or table.get(origins.get(name, name)) for name in graph.activations()}
    missing = [name for name, row in rows.items() if row is None]
    if missing:
        raise MissingRangeError(missing, table, f"the table for network {graph.name!r}")
    return {name: row for name, row in rows.items() if row is not None}


def _sums(graph: Graph, profile: Profile) -> list[tuple[str, list[str]]]:
    """Layer and activations of every sum that the profile's rule is for."""
    sums = [layer for layer in graph.layers if layer.op.name in profile.equal_inputs]
    return [(layer.name, [name for name in layer.inputs if name not in graph.constants]) for layer in sums]


def _alone(graph: Graph, profile: Profile) -> set[str]:
    """The activations that no operation with a converter takes in."""
    every = units(fold_batch_normalization(graph, profile.fold))
    inside = {each.name for unit in every if unit.layer.op.name not in CARRIES for each in unit.activations}
    return {layer.name for layer in graph.layers if layer.op.kind == "clamp"} - inside


def _written_at_the_table(
    tensors: tuple[str, ...],
    layer: str,
    before: Mapping[str, Row],
    scales: Mapping[str, float],
    given: Mapping[str, Rewrite],
) -> Iterator[Break]:
    """Tensors that a sum gave another scale, written at their own."""
    for name in tensors:
        if before[name].scale != scales[name]:
            yield Break(name, layer, before[name].scale, scales[name], given[name].by, given[name].layer)


def _carried(layer: Layer, scales: Mapping[str, float]) -> Iterator[Break]:
    for name in layer.inputs:
        if scales[name] != scales[layer.output]:
            yield Break(layer.output, layer.name, scales[name], scales[layer.output], name)
