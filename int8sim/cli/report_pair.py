"""`int8sim report A B`: two lowered graphs of one network, layer by layer; returns the exit status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from int8sim import api
from int8sim.analysis.layers import layer_report
from int8sim.analysis.pairs import LayerPair, layer_pairs
from int8sim.cli.data import Data
from int8sim.cli.report import Rows, Subject, check_file, leave, text
from int8sim.cli.screen import Screen
from int8sim.graph.ir import Graph
from int8sim.model.errors import ParameterError

SHOWN = 4
"""Changes of a layer on the screen; JSON and CSV have all."""


def report_pair(subject: Subject, other: Graph, data: Data, file: Path | None, as_json: bool) -> int:
    """`int8sim report A B`; with data the errors of both, too."""
    screen, both = Screen(as_json), (subject.lowered, api.float_inputs(other) if subject.network else other)
    check_file(file)
    if data.where and subject.network is None:
        raise ParameterError("--float", "", "the float network that both graphs were lowered from")
    errors = [_whole(subject.network, graph, data, screen) for graph in both]
    rows = [_pair_dict(entry, errors) for entry in layer_pairs(*both)]
    names = [graph.name for graph in both]
    screen.table(
        f"A: {names[0]}, B: {names[1]}", ("layer", "A", "B", "A, dB", "B, dB", "differs"), map(_pair_row, rows)
    )
    for line in _precisions(rows):
        screen.say(line)
    leave(screen, subject, {"other": names[1], "layers": rows}, file)
    return 0


def _whole(network: Graph | None, graph: Graph, data: Data, screen: Screen) -> dict[str, float]:
    """Layer -> SQNR of the whole run; nothing without data."""
    if network is None or not data.where:
        return {}
    batches = data.batches(network, screen)
    return {entry.layer: entry.sqnr for entry in layer_report(network, graph, batches, backend=data.backend)}


def _pair_dict(entry: LayerPair, errors: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    first, second = (found.get(entry.layer) for found in errors)
    about = {"layer": entry.layer, "first": entry.first, "second": entry.second}
    return {**about, "first_sqnr": first, "second_sqnr": second, "changes": [str(each) for each in entry.changes]}


def _pair_row(row: Mapping[str, Any]) -> list[str]:
    changes, more = row["changes"][:SHOWN], len(row["changes"]) - SHOWN
    errors = [text(row[key], ".2f") for key in ("first_sqnr", "second_sqnr")]
    words = [*changes, *([f"{more} more"] if more > 0 else [])]
    return [row["layer"], row["first"], row["second"], *errors, "; ".join(words)]


def _precisions(rows: Rows) -> Iterator[str]:
    """How many layers go from one precision to another."""
    for (first, second), count in Counter((row["first"] or "none", row["second"] or "none") for row in rows).items():
        yield f"{first} -> {second}: {count} of {len(rows)} layers"
