"""`int8sim evaluate`: a float network and its integer forms on data, in one table; returns the exit status."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from int8sim import api
from int8sim.analysis.batches import piece
from int8sim.calibration.fingerprint import sample_hashes
from int8sim.calibration.reuse import changes, overlap
from int8sim.calibration.streams.samples import Samples
from int8sim.cli.accuracy import CHUNK, Accuracy, best, judge
from int8sim.cli.data import Data, StreamOptions, in_steps, load_labels
from int8sim.cli.ranges import ANY_ENGINE, load_lowered, read_ranges
from int8sim.cli.screen import Screen
from int8sim.cli.tables import show_cautions
from int8sim.golden.packaged import lenet
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.errors import InputMismatchError, ParameterError, UnmatchedGraphsError
from int8sim.model.step import Array
from int8sim.model.table import Caution, Table
from int8sim.profiles.registry import profiles

COLUMNS = ("", "preset", "ranges", "top-1", "top-5", "changed", "lost", "gained", "images/s")


@dataclass(frozen=True)
class Calibration:
    """Calibrators to try, and what they are given. data: None without any."""

    methods: Sequence[str]
    data: StreamOptions | None

    def tables(self, graph: Graph, screen: Screen, backend: str) -> dict[str, Table]:
        """A table of each method, from one pass over the data."""
        if not self.methods:
            return {}
        if self.data is None:
            raise ParameterError("--calibrate-on", "", "a data set, where a --method is named")
        stream = self.data.open(graph)
        with screen.progress("calibrating", len(stream)) as progress:
            statistics = api.gather(graph, stream, backend=backend, progress=progress)
        return {method: api.table_from(statistics, method) for method in self.methods}


@dataclass(frozen=True)
class Labelled(Data):
    """labels: a data set, "folders", or "" for none."""

    labels: str

    def read_labels(self, graph: Graph, images: int, count: int) -> Array | None:
        """The class numbers of the first `count` of so many images. Raises InputMismatchError."""
        if not self.labels:
            return None
        labels = load_labels(self.labels, self.where)
        if len(labels) != images:
            raise InputMismatchError(graph.inputs[0], f"{images} images, {len(labels)} labels", "as many of both")
        _check_labels(labels[:count], math.prod(graph.tensors[graph.outputs[0]].shape))
        return labels[:count]


@dataclass(frozen=True)
class Forms:
    """Targets (all where none is named) and presets, each with each; choices: more keywords of `lower`.

    graphs: files of lowered graphs and quantized networks; where such a file leaves it open, each target computes it.
    """

    profiles: Sequence[str]
    presets: Sequence[str]
    choices: Mapping[str, Any]
    graphs: Sequence[Path]

    def candidates(self, graph: Graph, ranges: Mapping[str, Table]) -> Iterator[Candidate]:
        """Every graph as it is, and every integer form by every table."""
        for path in self.graphs:
            engines = (self.profiles or [ANY_ENGINE]) if path.suffix.lower() in api.ENGINE_OPEN else [None]
            for engine in engines:
                given = load_lowered(path, engine)
                yield Candidate(api.float_inputs(_fitting(given, graph)), given.profile, "", str(path))
        for source, table in ranges.items():
            for name in self.profiles or profiles():
                for preset in self.presets:
                    lowered = api.lower(graph, table, profile=name, preset=preset, **self.choices)
                    yield Candidate(lowered, name, preset, source)


@dataclass
class Candidate:
    """One network of the table: the float one, or one of its integer forms. best: of each batch; seconds: of all."""

    graph: Graph
    profile: str = "float32"
    preset: str = ""
    ranges: str = ""
    best: list[Array] = field(default_factory=list)
    seconds: float = 0.0

    def take(self, batch: Mapping[str, Array], backend: str) -> None:
        """Some more images. The first run, which may compile, is not timed."""
        output = self.graph.outputs[0]
        if not self.best:
            run(self.graph, batch, backend=backend)
        start = time.perf_counter()
        values = run(self.graph, batch, backend=backend)[output]
        self.seconds += time.perf_counter() - start
        self.best.append(best(values))


def evaluate(
    model: Path | None,
    tables: Sequence[Path],
    calibration: Calibration,
    forms: Forms,
    data: Labelled,
    as_json: bool,
) -> int:
    """`int8sim evaluate`; without a model on the LeNet's own digits."""
    screen, graph = Screen(as_json), api.load(model or lenet("lenet.onnx"))
    images, count = data.open(graph)
    labels = data.read_labels(graph, len(images), count)
    ranges = {str(path): read_ranges(path) for path in tables} | calibration.tables(graph, screen, data.backend)
    if not ranges and not forms.graphs:
        raise ParameterError("--table", "", "ranges; or a --method with data to --calibrate-on; or a --graph")
    candidates = [Candidate(graph), *forms.candidates(graph, ranges)]
    hashes = _run(screen, candidates, images, count, data.backend)
    rows = [_row(candidate, candidates[0], labels) for candidate in candidates]
    screen.table(f"{count:,} images of {graph.name}", COLUMNS, (_cells(*row) for row in rows))
    screen.say(AGREEMENT if labels is None else LEGEND)
    cautions = {source: list(_cautions(table, graph, hashes)) for source, table in ranges.items()}
    for source, found in cautions.items():
        if found and len(ranges) > 1:
            screen.say(f"{source}:")
        show_cautions(screen, found)
    notes = [{**vars(each), "ranges": source} for source, found in cautions.items() for each in found]
    screen.result({"images": count, "results": [_dict(*row) for row in rows], "cautions": notes})
    return 0


LEGEND = "changed: predictions other than float32's; of these lost: right -> wrong, gained: wrong -> right."
AGREEMENT = "changed: predictions other than float32's. Without labels nobody knows which are right."


def _fitting(given: Graph, network: Graph) -> Graph:
    """A graph for the network's one input. Raises UnmatchedGraphsError."""
    here, there = (tuple(graph.tensors[name].shape for name in graph.inputs) for graph in (given, network))
    if given.inputs != network.inputs or here != there:
        reason = f"inputs {list(given.inputs)} {list(here)} and {list(network.inputs)} {list(there)}"
        raise UnmatchedGraphsError(given.name, network.name, reason)
    return given


def _run(screen: Screen, candidates: Sequence[Candidate], images: Samples, count: int, backend: str) -> list[str]:
    """All candidates on all images, batch by batch; returns the images' hashes."""
    graph = candidates[0].graph
    step = min(CHUNK, piece(graph, "outputs"))
    hashes: list[str] = []
    for batch in in_steps(graph, images, count, step, screen):
        hashes += sample_hashes(batch)
        for candidate in candidates:
            candidate.take(batch, backend)
    return hashes


def _check_labels(labels: Array, classes: int) -> None:
    if not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        found = f"classes {labels.min()} .. {labels.max()}"
        raise InputMismatchError("labels", found, f"class numbers 0 .. {classes - 1}")


def _row(candidate: Candidate, real: Candidate, labels: Array | None) -> tuple[Candidate, Accuracy]:
    found, expected = (np.concatenate(each.best) for each in (candidate, real))
    return candidate, judge(candidate.profile, found, len(found) / candidate.seconds, labels, expected)


def _cells(candidate: Candidate, found: Accuracy) -> list[str]:
    name, top1, top5, changed, rate = found.row()
    both = ["" if count is None else f"{count}" for count in (found.lost, found.gained)]
    return [name, candidate.preset, Path(candidate.ranges).name, top1, top5, changed, *both, rate]


def _dict(candidate: Candidate, found: Accuracy) -> dict[str, Any]:
    return {**found.as_dict(), "preset": candidate.preset, "ranges": candidate.ranges}


def _cautions(table: Table, graph: Graph, hashes: Sequence[str]) -> Iterator[Caution]:
    yield from table.cautions
    yield from changes(table, graph)
    yield from overlap(table, hashes)
