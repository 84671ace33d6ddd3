"""`int8sim report`: layers and accumulators of a lowered graph; each returns the exit status."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from int8sim import api
from int8sim.analysis.accumulators import accumulators
from int8sim.analysis.layers import LayerReport, layer_report
from int8sim.cli.data import Data
from int8sim.cli.ranges import load_network, read_ranges
from int8sim.cli.screen import Screen
from int8sim.formats.text import write_text
from int8sim.graph.ir import Graph
from int8sim.model.errors import ParameterError
from int8sim.model.files import check_writable

LAYER_COLUMNS = (
    *("layer", "codes", "local", "whole", "cosine", "LSB", "low %", "high %", "unused"),
    *("acc low", "acc high", "bits", "spread"),
)
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Subject:
    """What a report is about: a lowered graph and, where it is known, the float network that it was made from."""

    lowered: Graph
    network: Graph | None


def load_subject(model: Path, network: Path | None, table: Path | None, choices: Mapping[str, Any]) -> Subject:
    """From files: a lowered graph and its float network; or that network, lowered here. Raises ParameterError.

    choices: keywords of `lower`; the profile is also that of a quantized network that leaves it open. Beside a float
    network, a quantized one takes real values, too.
    """
    graph = load_network(model, choices["profile"])
    if graph.profile:
        return Subject(api.float_inputs(graph), api.load(network)) if network else Subject(graph, None)
    if table is None or choices["profile"] is None:
        raise ParameterError("model", str(model), "a lowered graph; or a float network with --table and --profile")
    return Subject(api.lower(graph, read_ranges(table), **choices), graph)


def report_layers(subject: Subject, data: Data, by: str, file: Path | None, as_json: bool) -> int:
    """`int8sim report --layers`."""
    screen, network = Screen(as_json), subject.network
    if network is None:
        raise ParameterError("--float", "", "the float network that the graph was lowered from")
    check_file(file)
    batches = data.batches(network, screen)
    found = sorted(layer_report(network, subject.lowered, batches, backend=data.backend), key=KEYS[by])
    samples = found[0].values // math.prod(network.tensors[found[0].tensor].shape)
    screen.table(f"{subject.lowered.name}, {samples:,} samples, by {by}", LAYER_COLUMNS, map(_layer_row, found))
    for line in LEGEND:
        screen.say(line)
    leave(screen, subject, {"samples": samples, "layers": [entry.as_dict() for entry in found]}, file)
    return 0


def report_accumulators(subject: Subject, data: Data, widths: Sequence[int], file: Path | None, as_json: bool) -> int:
    """`int8sim report --accumulators`; without data the worst cases only."""
    screen, graph = Screen(as_json), subject.lowered
    check_file(file)
    batches = data.batches(graph, screen) if data.where else ()
    rows = [entry.as_dict(widths) for entry in accumulators(graph, batches, backend=data.backend)]
    columns = (*ACCUMULATOR_COLUMNS, *(f"left of {bits}" for bits in widths))
    cells = ([text(value, "") for key, value in row.items() if key != "op"] for row in rows)
    screen.table(graph.name, columns, cells)
    screen.say(
        "Exact sums with the integer bias; worst: of any codes; bits of two's complement; left in the worst case."
    )
    leave(screen, subject, {"accumulators": rows}, file)
    return 0


ACCUMULATOR_COLUMNS = ("layer", "products", "seen low", "seen high", "bits", "worst low", "worst high", "bits")
LEGEND = (
    "local: SQNR in dB of the layer by itself, its inputs the float network's; whole: of the whole integer run.",
    "LSB: the greatest error. low, high: clipped at the lowest, highest code. unused: codes that never occurred.",
)
KEYS: Mapping[str, Callable[[LayerReport], float]] = {
    "local": lambda entry: math.inf if entry.local_sqnr is None else entry.local_sqnr,
    "whole": lambda entry: entry.sqnr,
    "order": lambda _: 0.0,
}
"""How layers are sorted: worst first, or as they run."""


def _layer_row(entry: LayerReport) -> list[str]:
    low, high = entry.accumulator or (None, None)
    return [
        entry.layer,
        entry.dtype,
        text(entry.local_sqnr, ".2f"),
        text(entry.sqnr, ".2f"),
        text(entry.cosine, ".5f"),
        text(entry.max_lsb, ".2f"),
        text(entry.saturated_low, ".2%"),
        text(entry.saturated_high, ".2%"),
        text(entry.unused, ""),
        text(low, ""),
        text(high, ""),
        text(entry.bits, ""),
        text(entry.spread, ".1f"),
    ]


def text(value: float | str | None, form: str) -> str:
    """Empty for what a layer has not."""
    return "" if value is None else format(value, form).rstrip("%")


def check_file(file: Path | None) -> None:
    """Raise OutputNotWritableError before the work, not behind it."""
    if file is not None:
        check_writable(file)


def leave(screen: Screen, subject: Subject, content: Mapping[str, Any], file: Path | None) -> None:
    """The JSON object, and its rows, the last entry, as CSV. In JSON a number that is not finite is null."""
    *_, rows = content.values()
    if file is not None:
        write_text(file, _csv(rows))
        screen.say(f"wrote {file}")
    about = {"graph": subject.lowered.name, "profile": subject.lowered.profile}
    screen.result({**about, **content, [*content][-1]: [_finite(row) for row in rows]})


def _csv(rows: Rows) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(
        {key: "; ".join(cell) if isinstance(cell, list) else cell for key, cell in row.items()} for row in rows
    )
    return file.getvalue()


def _finite(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in row.items()}
