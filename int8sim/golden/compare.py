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

from int8sim.golden.store import Golden, sample_hashes
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import operands, run
from int8sim.model.accumulation import Accumulation
from int8sim.model.step import Array, Step
from int8sim.ops.base import Operands

CHUNK = 250
"""Samples per run: bounds the memory of a verification."""
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
    for start in range(0, golden.count, CHUNK):
        inputs = {name: values[start : start + CHUNK] for name, values in golden.inputs.items()}
        actual = run(subject, inputs, backend=backend, keep="all")
        for name, entry in entries.items():
            _compare_tensor(golden, name, start, actual[name], entry)
            entry.unpredictable += _unpredictable(golden, subject, name, start, actual)
        if report.first is None:
            report.first = _first(golden, subject, entries, start, actual)
    return report


def _missing(golden: Graph, subject: Graph) -> list[str]:
    lacking = sorted(set(golden.activations()) - set(subject.activations()))
    return [f"tensor {name!r} of the golden file is not in graph {subject.name!r}" for name in lacking]


def _recorded(golden: Golden, name: str) -> Array:
    for group in (golden.outputs, golden.tensors):
        if name in group:
            return group[name]
    return np.empty(0)


def _compare_tensor(golden: Golden, name: str, start: int, actual: Array, entry: TensorReport) -> None:
    """Hashes for every sample, values where they are recorded; both must agree."""
    hashes = golden.hashes[name][start : start + len(actual)]
    bad = np.flatnonzero((hashes != sample_hashes(actual)).any(1))
    recorded = _recorded(golden, name)[start : start + len(actual)]
    known = actual[: len(recorded)]
    differs = _bits(known) != _bits(recorded) if len(recorded) else np.zeros(0, bool)
    entry.compared += actual.size
    entry.bad_samples += [start + int(sample) for sample in bad]
    entry.different += int(differs.sum()) + sum(1 for sample in bad if sample >= len(recorded))
    if differs.any():
        gap = np.abs(known.astype(np.float64) - recorded.astype(np.float64))
        entry.greatest = max(entry.greatest, float(gap.max()))


def _unpredictable(golden: Golden, graph: Graph, name: str, start: int, actual: Mapping[str, Array]) -> int:
    """How many of the first values that differ have a step that the hardware leaves undefined."""
    recorded, layer = _recorded(golden, name)[start : start + len(actual[name])], graph.producer(name)
    if layer is None or not len(recorded):
        return 0
    places = np.argwhere(_bits(actual[name][: len(recorded)]) != _bits(recorded))[:EXAMINED]
    return sum(not is_defined_at(graph, layer, tuple(map(int, place)), actual) for place in places)


def _bits(values: Array) -> Array:
    """Floats by their bits, so that -0 differs from 0 and NaN equals itself."""
    contiguous = np.ascontiguousarray(values)
    return contiguous.view(np.uint32) if values.dtype == np.float32 else contiguous


def _first(
    golden: Golden, graph: Graph, entries: Mapping[str, TensorReport], start: int, actual: Mapping[str, Array]
) -> Mismatch | None:
    """The first differing value in topological order, explained; None if no recorded value differs."""
    for name in entries:
        recorded = _recorded(golden, name)[start : start + len(actual[name])]
        if entries[name].different and len(recorded):
            differs = np.argwhere(_bits(actual[name][: len(recorded)]) != _bits(recorded))
            if len(differs):
                return explain(graph, name, tuple(map(int, differs[0])), recorded, actual, start)
    return None


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


def describe(step: Step, channel: int) -> str:
    """The step as a call with one channel's numbers, and the loop around it; tables are left out."""
    names = [name for name in step.parameters if not hasattr(step.parameters[name], "values")]
    parameters = dict(zip(step.parameters, step.at(min(channel, _last(step))), strict=True))
    loop = f" in {step.loop}" if isinstance(step, Accumulation) else ""
    return f"{step.function.__name__}({', '.join(f'{name}={parameters[name]!r}' for name in names)}){loop}"


def _last(step: Step) -> int:
    """The greatest channel that the step's arrays have."""
    lengths = [len(value) for value in step.parameters.values() if isinstance(value, np.ndarray)]
    return min(lengths, default=1 << 30) - 1


def is_defined(step: Step, operands_: tuple[Any, ...], channel: int) -> bool:
    """Whether the hardware defines the step at these operands: `<function>_is_defined`, true where there is none."""
    module = importlib.import_module(step.function.__module__)
    predicate = getattr(module, f"{step.function.__name__}_is_defined", None)
    if predicate is None:
        return True
    given = dict(zip(inspect.signature(step.function).parameters, [*operands_, *step.at(channel)], strict=False))
    return bool(predicate(**{name: given[name] for name in inspect.signature(predicate).parameters}))
