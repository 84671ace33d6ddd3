"""The tensors of a golden file by one name each: activations by their own, accumulators as accumulators/<tensor>."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.golden.data_sets import DataSets
from int8sim.golden.digests import rows_of
from int8sim.golden.graph_json import tensor_key
from int8sim.golden.store import Golden
from int8sim.model.errors import UnknownNameError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

ACCUMULATORS = "accumulators"
BLOCK = 1 << 22
"""Bytes that are read at once, unless one sample has more."""


@dataclass(frozen=True, eq=False)
class Recorded:
    """One tensor. name: as users give it; tensor: the activation; layer: which computed it, "" of an input.

    role: input, output, tensor or accumulator. kind: the activation's type. dtype: of the values.
    """

    name: str
    tensor: str
    layer: str
    role: str
    kind: TensorType
    values: DataSets

    @property
    def key(self) -> str:
        """Its name in the store, and of its file in an export."""
        own = tensor_key(self.tensor)
        return f"{ACCUMULATORS}/{own}" if self.role == "accumulator" else own

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one sample."""
        return self.kind.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.values.dtypes[self.tensor]

    @property
    def count(self) -> int:
        """How many samples are recorded."""
        return self.values.samples[self.tensor]

    def rows(self, start: int, stop: int) -> Array:
        """Samples start .. stop - 1, those of them that are recorded."""
        return self.values.rows(self.tensor, start, stop)

    def blocks(self, start: int, stop: int) -> Iterator[Array]:
        """Samples start .. stop - 1, some at a time."""
        step = rows_of((1, *self.shape), self.dtype.itemsize, BLOCK)
        for first in range(start, stop, step):
            yield self.rows(first, min(first + step, stop))


def recorded_tensors(golden: Golden) -> dict[str, Recorded]:
    """By name, in topological order, the accumulators behind the activations."""
    graph, found = golden.graph, []
    for name in graph.activations():
        layer = graph.producer(name)
        roles = {"input": golden.inputs, "output": golden.outputs, "tensor": golden.tensors}
        role, values = next((role, values) for role, values in roles.items() if name in values)
        found.append(Recorded(name, name, layer.name if layer else "", role, graph.tensors[name], values))
    for name in golden.accumulators:
        layer = graph.producer(name)
        words = (f"{ACCUMULATORS}/{name}", name, layer.name if layer else "", "accumulator")
        found.append(Recorded(*words, graph.tensors[name], golden.accumulators))
    return {each.name: each for each in found}


def chosen(golden: Golden, names: Iterable[str]) -> list[Recorded]:
    """Those tensors; all of them if there is no name. Raises UnknownNameError."""
    known, wanted = recorded_tensors(golden), list(names)
    for name in wanted:
        if name not in known:
            raise UnknownNameError("tensor", name, known)
    return [known[name] for name in wanted] or list(known.values())
