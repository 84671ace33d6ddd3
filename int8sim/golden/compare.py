"""The one comparer: tensors of a run against a golden file, bit by bit, the first mismatch explained.

A value that differs is explained by its layer's steps. Where the hardware leaves it undefined (`<function>_is_defined`
of the step says so) it is reported as unpredictable, and still never counts as equal.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from int8sim.golden.accumulators import Accumulators
from int8sim.golden.record import samples_at_once
from int8sim.golden.store import Golden, sample_hashes
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import operands, run
from int8sim.model.accumulation import describe
from int8sim.model.step import Array, Step
from int8sim.ops.base import Operands

EXAMINED = 100
"""Values that differ, by tensor and run, of which it is found out whether their step is defined."""


@dataclass(frozen=True)
class Mismatch:
    """One value that differs. index: sample first, in the tensor's own layout."""

    layer: str
    op: str
    tensor: str
    index: tuple[int, ...]
    expected: int | float
    actual: int | float
    steps: Mapping[str, str] = field(default_factory=dict)
    role: str = ""
    operands: tuple[int | float, ...] = ()
    unpredictable: bool = False

    @property
    def accumulator(self) -> int | float | None:
        """What the output step was given, in a layer that accumulates."""
        return self.operands[0] if self.role == "output" else None

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {**vars(self), "accumulator": self.accumulator}

    def lines(self) -> list[str]:
        """For the screen."""
        gap = self.actual - self.expected
        text = [
            f"layer {self.layer} ({self.op}), tensor {self.tensor}, index {list(self.index)}",
            f"  expected {self.expected}, actual {self.actual} (difference {gap:+g})",
        ]
        if self.role:
            name = "accumulator" if self.role == "output" else f"{self.role} of"
            text.append(f"  {name} {', '.join(map(str, self.operands))}")
        if self.unpredictable:
            text.append("  unpredictable: the hardware leaves the result of this step undefined")
        return text + [f"  {role}: {step}" for role, step in self.steps.items()]


@dataclass
class TensorReport:
    """One tensor's comparison. compared: values, by themselves or by their sample's hash; bad_samples: by hash.

    unpredictable: of the first EXAMINED recorded values that differ, those whose step the hardware leaves undefined.
    """

    tensor: str
    layer: str
    compared: int = 0
    different: int = 0
    unpredictable: int = 0
    bad_samples: list[int] = field(default_factory=list)
    greatest: float = 0.0


@dataclass
class Report:
    """The whole comparison; truthy if every bit matched."""

    producer: str
    backend: str
    tensors: list[TensorReport]
    first: Mismatch | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def compared(self) -> int:
        """Values compared."""
        return sum(entry.compared for entry in self.tensors)

    @property
    def different(self) -> int:
        """Values known to differ, and one for each sample whose hash differs without recorded values."""
        return sum(entry.different for entry in self.tensors)

    @property
    def unpredictable(self) -> int:
        """Of the values that differ and were looked at, those that the hardware leaves undefined."""
        return sum(entry.unpredictable for entry in self.tensors)

    @property
    def matched(self) -> bool:
        """Whether every bit matched."""
        return not self.problems and all(not entry.different and not entry.bad_samples for entry in self.tensors)

    def __bool__(self) -> bool:
        return self.matched

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            "matched": self.matched,
            "producer": self.producer,
            "backend": self.backend,
            "compared": self.compared,
            "different": self.different,
            "problems": self.problems,
            "tensors": [vars(entry) for entry in self.tensors],
            "first_mismatch": None if self.first is None else self.first.as_dict(),
        }


def compare(golden: Golden, *, backend: str = "cpu", graph: Graph | None = None) -> Report:
    """Run the graph on the golden inputs and compare what every layer computed for every sample.

    graph: another graph with the same tensor names, for example one lowered just now; default: the golden file's own.
    """
    subject = golden.graph if graph is None else graph
    entries = {layer.output: TensorReport(layer.output, layer.name) for layer in golden.graph.layers}
    described = f"{golden.producer.name} {golden.producer.version}".strip()
    report = Report(described, backend, list(entries.values()))
    report.problems = _missing(golden.graph, subject)
    if report.problems:
        return report
    step = golden.batch or samples_at_once(golden.graph)
    summed = Accumulators(subject, backend, golden.accumulators)
    for start in range(0, golden.count, step):
        inputs = {name: golden.inputs.rows(name, start, start + step) for name in golden.inputs}
        actual = run(subject, inputs, backend=backend, keep="all")
        for entry in entries.values():
            compare_tensor(golden, subject, start, actual, entry, report)
        for name, values in summed(actual):
            _compare_accumulators(golden, name, start, values, report)
    return report


def _missing(golden: Graph, subject: Graph) -> list[str]:
    lacking = sorted(set(golden.activations()) - set(subject.activations()))
    return [f"tensor {name!r} of the golden file is not in graph {subject.name!r}" for name in lacking]


def compare_tensor(
    golden: Golden, graph: Graph, start: int, actual: Mapping[str, Array], entry: TensorReport, report: Report
) -> None:
    """Hashes for every sample, values where they are recorded; both must agree. actual: of samples from `start` on.

    entry: of the tensor, counted up. report: takes the first mismatch.
    """
    values = actual[entry.tensor]
    recorded = golden.rows(entry.tensor, start, start + len(values))
    places = count_tensor(golden, start, recorded, values, entry)
    if len(places):
        entry.unpredictable += _unpredictable(graph, entry.tensor, places, actual)
        if report.first is None:
            report.first = explain(graph, entry.tensor, tuple(map(int, places[0])), recorded, actual, start)


def count_tensor(golden: Golden, start: int, recorded: Array, actual: Array, entry: TensorReport) -> Array:
    """Count one tensor's mismatches; the places of the first of them that are recorded."""
    hashes = golden.hashes.rows(entry.tensor, start, start + len(actual))
    bad = np.flatnonzero((hashes != sample_hashes(actual)).any(1))
    entry.compared += actual.size
    entry.bad_samples += [start + int(sample) for sample in bad]
    entry.different += sum(1 for sample in bad if sample >= len(recorded))
    return count_values(recorded, actual[: len(recorded)], entry)


def count_values(recorded: Array, actual: Array, entry: TensorReport) -> Array:
    """Count the values that differ; the places of the first EXAMINED, [n, rank]."""
    flat = np.flatnonzero(bits(actual) != bits(recorded))
    entry.different += len(flat)
    if len(flat):
        gap = np.abs(actual.astype(np.float64) - recorded.astype(np.float64))
        entry.greatest = max(entry.greatest, float(gap.max()))
    return np.stack(np.unravel_index(flat[:EXAMINED], actual.shape), 1)


def _compare_accumulators(golden: Golden, name: str, start: int, actual: Array, report: Report) -> None:
    """As `compare_tensor`, of the accumulators behind a tensor: those that are recorded."""
    recorded, layer = golden.accumulators.rows(name, start, start + len(actual)), golden.graph.producer(name)
    known, key = actual[: len(recorded)], f"accumulators/{name}"
    entry = next((each for each in report.tensors if each.tensor == key), None)
    if entry is None:
        entry = TensorReport(key, layer.name if layer else "")
        report.tensors.append(entry)
    entry.compared += known.size
    places = count_values(recorded, known, entry)
    if len(places) and report.first is None and layer:
        at = tuple(map(int, places[0]))
        values = recorded[at].item(), known[at].item()
        report.first = Mismatch(layer.name, layer.op.name, key, (start + at[0], *at[1:]), *values)


def _unpredictable(graph: Graph, name: str, places: Array, actual: Mapping[str, Array]) -> int:
    """At how many of these places a layer has a step that the hardware leaves undefined."""
    layer = graph.producer(name)
    if layer is None:
        return 0
    return sum(not is_defined_at(graph, layer, tuple(map(int, place)), actual) for place in places)


def bits(values: Array) -> Array:
    """Floats by their bits, so that -0 differs from 0 and NaN equals itself."""
    contiguous = np.ascontiguousarray(values)
    return contiguous.view(f"u{values.dtype.itemsize}") if values.dtype.kind == "f" else contiguous


def explain(
    graph: Graph,
    tensor: str,
    index: tuple[int, ...],
    expected: Array,
    actual: Mapping[str, Array],
    start: int = 0,
) -> Mismatch:
    """What the layer computed at one element: its operands and its steps with that channel's parameters."""
    layer = graph.producer(tensor)
    place = (start + index[0], *index[1:])
    values = expected[index].item(), actual[tensor][index].item()
    if layer is None:
        return Mismatch("input", "input", tensor, place, *values)
    channel = index[graph.tensors[tensor].channel_axis]
    steps = {role: describe(step, channel) for role, step in (layer.arithmetic or {}).items()}
    given = operands_at(graph, layer, index, actual)
    undefined = not is_defined_at(graph, layer, index, actual)
    return Mismatch(layer.name, layer.op.name, tensor, place, *values, steps, *(given or ("", ())), undefined)


def operands_at(graph: Graph, layer: Layer, index: tuple[int, ...], actual: Mapping[str, Array]) -> Operands:
    """The role that made one element of a layer's output and its operands; () for a float layer or a moved code."""
    if not layer.arithmetic:
        return ()
    inputs = operands(graph, layer, [actual[name] for name in layer.inputs if name not in graph.constants])
    return layer.op.operands_at(graph.types(layer), layer.arithmetic, inputs, index)


def is_defined_at(graph: Graph, layer: Layer, index: tuple[int, ...], actual: Mapping[str, Array]) -> bool:
    """Whether the hardware defines one element of a layer's output."""
    given = operands_at(graph, layer, index, actual)
    if not given or not layer.arithmetic:
        return True
    channel = index[graph.tensors[layer.output].channel_axis]
    return is_defined(layer.arithmetic[given[0]], given[1], channel)


def is_defined(step: Step, operands_: tuple[Any, ...], channel: int) -> bool:
    """Whether the hardware defines the step at these operands: `<function>_is_defined`, true where there is none."""
    module = importlib.import_module(step.function.__module__)
    predicate = getattr(module, f"{step.function.__name__}_is_defined", None)
    if predicate is None:
        return True
    given = dict(zip(inspect.signature(step.function).parameters, [*operands_, *step.at(channel)], strict=False))
    return bool(predicate(**{name: given[name] for name in inspect.signature(predicate).parameters}))
