"""What the pytest plugin gives to tests: runs that compare bit by bit, golden files, and the words for a mismatch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from int8sim import api
from int8sim.golden import store
from int8sim.golden.compare import Report, bits, explain
from int8sim.graph.ir import Graph
from int8sim.graph.run import BACKENDS, plan, run
from int8sim.model.errors import BackendUnavailableError
from int8sim.model.step import Array


def available_backends() -> dict[str, str]:
    """Every backend by name, with the reason why it cannot run here; "" for one that can."""
    return {name: _obstacle(name) for name in BACKENDS}


def _obstacle(backend: str) -> str:
    try:
        plan(Graph((), {}, {}, (), ()), backend)
    except BackendUnavailableError as problem:
        return problem.reason
    return ""


class Tensors(dict[str, Array]):
    """A run's tensors by name; two are equal if they have the same names and every bit is the same.

    graph: which computed them, for the explanation of a mismatch; None if it is not known.
    """

    def __init__(self, tensors: Mapping[str, Array], graph: Graph | None = None) -> None:
        super().__init__(tensors)
        self.graph = graph

    __hash__ = None  # type: ignore[assignment, unused-ignore]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mapping) and not differences(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other


class GoldenFile:
    """A golden file, opened. Raises NotAGoldenFileError.

    path: the file's. graph: its integer graph. inputs: of every sample. expected: every recorded tensor: of every
    sample for the graph's inputs and outputs, of the first ones for the others; all of them are read into memory, which
    `verify` does not do.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        content = store.read(path)
        self.path, self.graph, self.inputs = Path(path), content.graph, content.inputs
        self.expected = Tensors({**content.inputs, **content.tensors, **content.outputs}, content.graph)

    def run(self, *, backend: str = "cpu", graph: Graph | None = None) -> Tensors:
        """Every tensor of every sample, computed now by the file's graph or another one."""
        subject = graph or self.graph
        return Tensors(run(subject, self.inputs, backend=backend, keep="all"), subject)

    def verify(self, *, backend: str = "cpu", graph: Graph | None = None) -> Report:
        """As int8sim.verify; `assert golden.verify()` prints the first mismatch."""
        return api.verify(self.path, backend=backend, graph=graph)

    def check(self, tensors: Mapping[str, Array]) -> None:
        """Raise AssertionError unless every given tensor is, bit for bit, what is recorded of it.

        tensors: by name, [samples, ...], from the first sample on: what a device under test computed.
        """
        recorded = {name: values[: len(tensors[name])] for name, values in self.expected.items() if name in tensors}
        lines = differences(tensors, recorded, self.graph)
        if lines:
            raise AssertionError("\n".join([f"{self.path} differs", *lines]))


def differences(actual: Mapping[str, Array], expected: Mapping[str, Array], graph: Graph | None = None) -> list[str]:
    """What differs, tensor by tensor, the first of them explained by its layer where the graph is known; [] if nothing.

    graph: None takes that of `actual`, if it is a `Tensors`.
    """
    graph = graph or getattr(actual, "graph", None)
    lines = [f"tensor {name}: not expected" for name in actual if name not in expected]
    lines += [f"tensor {name}: missing" for name in expected if name not in actual]
    for name in _ordered(expected, graph):
        if name in actual:
            lines += _tensor(name, actual, expected[name], graph)
            graph = None if lines else graph  # only the first is explained: the others follow from it
    return lines


def array_differences(actual: Array, expected: Array, name: str = "") -> list[str]:
    """How many values differ, by how much, and the first of them; [] if every bit is equal."""
    title = f"tensor {name}: " if name else ""
    if actual.shape != expected.shape or actual.dtype != expected.dtype:
        kinds = [f"{values.dtype.name}{list(values.shape)}" for values in (actual, expected)]
        return [f"{title}{kinds[0]}, expected {kinds[1]}"]
    differs = bits(actual) != bits(expected)
    if not differs.any():
        return []
    first = tuple(map(int, np.argwhere(differs)[0]))
    count, gap = int(differs.sum()), np.abs(actual.astype(np.float64) - expected.astype(np.float64)).max()
    a, e = actual[first].item(), expected[first].item()
    return [
        f"{title}{count:,} of {actual.size:,} values differ, by {gap:g} at most",
        f"  first at index {list(first)}: expected {e}, actual {a} (difference {a - e:+g})",
    ]


def report_lines(report: Report) -> list[str]:
    """A golden comparison's mismatches; [] if it matched."""
    lines = list(report.problems)
    for entry in report.tensors:
        if entry.different or entry.bad_samples:
            samples = f", samples {entry.bad_samples[:8]}" if entry.bad_samples else ""
            lines.append(f"tensor {entry.tensor}: {entry.different:,} of {entry.compared:,} values differ{samples}")
    return lines + (report.first.lines() if report.first else [])


def _tensor(name: str, actual: Mapping[str, Array], expected: Array, graph: Graph | None) -> list[str]:
    lines = array_differences(actual[name], expected, name)
    if len(lines) > 1 and graph is not None and _replayable(graph, name, actual):
        index = tuple(map(int, np.argwhere(bits(actual[name]) != bits(expected))[0]))
        return lines[:1] + explain(graph, name, index, expected, actual).lines()
    return lines


def _replayable(graph: Graph, name: str, actual: Mapping[str, Array]) -> bool:
    """Whether a layer of the graph computes the tensor from tensors that are there."""
    layer = graph.producer(name)
    return layer is not None and all(source in actual or source in graph.constants for source in layer.inputs)


def _ordered(names: Mapping[str, Array], graph: Graph | None) -> Iterator[str]:
    """As the network computes them, the others behind."""
    known = [name for name in graph.activations() if name in names] if graph else []
    yield from known
    yield from (name for name in names if name not in known)
