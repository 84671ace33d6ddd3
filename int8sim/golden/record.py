"""Recording: a graph over its inputs, some samples at a time, into a golden file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from int8sim.golden.accumulators import Accumulators
from int8sim.golden.store import Producer, writing
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.errors import InputMismatchError

AT_ONCE = 250
"""Samples of one run, at most ..."""
MEMORY = 1 << 28
"""... and bytes of all its tensors together, unless one sample has more."""


def samples_at_once(graph: Graph) -> int:
    """How many samples are run together: what bounds the memory of recording and verifying."""
    kinds = [graph.tensors[name] for name in graph.activations()]
    sample = sum(np.dtype(kind.dtype).itemsize * int(np.prod(kind.shape[1:])) for kind in kinds)
    return max(1, min(AT_ONCE, MEMORY // max(1, sample)))


def record(
    graph: Graph,
    inputs: Mapping[str, Any],
    path: str | os.PathLike[str],
    producer: Producer,
    *,
    backend: str = "cpu",
    samples: int | None = None,
    accumulators: bool = False,
) -> int:
    """Run the graph and write every tensor; how many samples there were.

    inputs: by name, [N, ...]: arrays, or whatever has a length and slices, as np.memmap and HDF5's data sets. samples:
    how many keep their inner tensors in full, all by default. accumulators: whether those are written too.
    Raises what `run` raises, and OutputNotWritableError.
    """
    held = {name: values if hasattr(values, "__getitem__") else np.asarray(values) for name, values in inputs.items()}
    count, step = _count(held), samples_at_once(graph)
    summed = Accumulators(graph, backend, None if accumulators else ())
    with writing(path, graph, producer, count, samples, step) as writer:
        for start in range(0, max(count, 1), step):
            part = {name: np.asarray(values[start : start + step]) for name, values in held.items()}
            tensors = run(graph, part, backend=backend, keep="all")
            writer.append(tensors, summed(tensors))
    return count


def _count(inputs: Mapping[str, Any]) -> int:
    """The samples of all inputs. Raises InputMismatchError."""
    lengths = {name: len(values) if np.ndim(values) else 0 for name, values in inputs.items()}
    first = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != first:
            raise InputMismatchError(name, f"{length} samples", f"{first}, as in the first input")
    return first
