"""One scale for the inputs of a sum, for an engine that adds codes as they are: a pass over the rows of a table.

The sums are taken in the network's order. Where the scales of the inputs differ, the input that is computed last
keeps its own, and the others' rows are overwritten by its row: their producers convert to it, and whatever else reads
them takes it as their scale. A later sum may overwrite it again.

NVDLA's compiler does this before it quantizes anything: nvdla/sw:umd/core/src/compiler/engine-ast/EngineGraph.cpp,
updateScalingFactors. It overwrites the scale on a node's first edge by that on its second; edges are in the order in
which they were made, and they are made layer by layer as the network lists them (include/priv/AST.h,
appendEdgeToNode_Internal; CanonicalAST.cpp, generateGraph). Its test for other readers of the tensor never holds, since
all readers of a tensor share one edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from int8sim.model.table import Row


@dataclass(frozen=True)
class Rewrite:
    """A sum (layer) gave a tensor the row of another. before, after: scales, of the table and of the other's row."""

    layer: str
    tensor: str
    by: str
    before: float
    after: float


def equalize(
    sums: Iterable[tuple[str, Sequence[str]]],
    order: Sequence[str],
    leaders: Mapping[str, str],
    rows: dict[str, tuple[str, Row]],
) -> list[Rewrite]:
    """What was overwritten, in order; `rows` is changed.

    sums: (layer, inputs), in the network's order. order: tensors as the network computes them. leaders: tensor -> the
    tensor that stands for it and all that share its scale. rows: such a tensor -> (tensor whose row it takes, row).
    """
    place = {name: index for index, name in enumerate(order)}
    found = []
    for layer, inputs in sums:
        *earlier, last = sorted(dict.fromkeys(inputs), key=place.__getitem__)
        source, kept = rows[leaders[last]]
        for name in earlier:
            before = rows[leaders[name]][1].scale
            if before != kept.scale:
                found.append(Rewrite(layer, name, source, before, kept.scale))
                rows[leaders[name]] = source, kept
    return found
