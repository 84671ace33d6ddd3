"""`int8sim calibrate` and `int8sim statistics table | merge | curve`; each returns the exit status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from int8sim import api
from int8sim.calibration.curve import Curve
from int8sim.calibration.gather import Statistics
from int8sim.cli.data import StreamOptions
from int8sim.cli.screen import Screen
from int8sim.cli.tables import TABLE_COLUMNS, show_cautions, table_dict, table_rows
from int8sim.model.table import Table

CURVE_ROWS = 24
BAR = 40
"""Rows and characters of a curve on the screen."""


@dataclass(frozen=True)
class Target:
    """The table to write. method: the calibrator; parameters: its own numbers; format, version: of the file."""

    output: Path
    method: str
    parameters: Mapping[str, float]
    format: str
    version: str

    def derive(self, statistics: Statistics) -> Table:
        """The table of these statistics."""
        return api.table_from(statistics, self.method, **self.parameters)


def calibrate(
    model: Path, data: StreamOptions, target: Target, kind: str, resume: Path | None, save: Path | None, as_json: bool
) -> int:
    """`int8sim calibrate`. kind: of statistics; resume, save: files of statistics to continue from and to write."""
    screen, graph = Screen(as_json), api.load(model)
    stream = data.open(graph)
    begun = api.load_statistics(resume) if resume else kind
    with screen.progress("calibrating", len(stream)) as progress:
        statistics = api.gather(graph, stream, statistics=begun, progress=progress)
    if save:
        api.save_statistics(statistics, save)
    if stream.dropped:
        screen.say(f"dropped the last {stream.dropped} samples: they do not fill a batch of {stream.batch_size}")
    return _write(screen, statistics, target, dropped=stream.dropped)


def statistics_table(file: Path, target: Target, as_json: bool) -> int:
    """`int8sim statistics table`: a table by any calibrator, with no second pass over the data."""
    return _write(Screen(as_json), api.load_statistics(file), target)


def statistics_merge(first: Path, second: Path, output: Path, as_json: bool) -> int:
    """`int8sim statistics merge`."""
    screen = Screen(as_json)
    merged = api.merge_statistics(api.load_statistics(first), api.load_statistics(second))
    api.save_statistics(merged, output)
    screen.say(f"wrote {output}: {merged.batches} batches, {len(merged.samples)} samples")
    screen.result({"output": str(output), "batches": merged.batches, "samples": len(merged.samples)})
    return 0


def statistics_curve(file: Path, tensor: str, as_json: bool) -> int:
    """`int8sim statistics curve`."""
    screen, curve = Screen(as_json), api.divergence_curve(api.load_statistics(file), tensor)
    columns = ("bins", "threshold", "threshold / max", "divergence", "")
    screen.table(f"{tensor}: max |x| {curve.amax:.6g}", columns, curve_rows(curve))
    finite = [value if math.isfinite(value) else None for value in curve.divergences.tolist()]
    chosen = int(curve.bins[curve.chosen])
    content = {"bins": curve.bins.tolist(), "thresholds": curve.thresholds.tolist(), "divergences": finite}
    screen.result({"tensor": tensor, "chosen": chosen, **content})
    return 0


def curve_rows(curve: Curve) -> list[list[str]]:
    """Evenly spaced candidates and the chosen one; the bar is logarithmic, from the least divergence up."""
    values = curve.divergences[curve.places(CURVE_ROWS)]
    finite = [value for value in values.tolist() if math.isfinite(value) and value > 0]
    least, most = (math.log(min(finite)), math.log(max(finite))) if finite else (0.0, 0.0)
    rows = []
    for place in curve.places(CURVE_ROWS):
        value, threshold = float(curve.divergences[place]), float(curve.thresholds[place])
        share = f"{threshold / curve.amax:.3f}" if curve.amax else ""
        mark = " <- chosen" if place == curve.chosen else ""
        rows.append(
            [f"{curve.bins[place]}", f"{threshold:.6g}", share, f"{value:.6g}", _bar(value, least, most) + mark]
        )
    return rows


def _bar(value: float, least: float, most: float) -> str:
    if not math.isfinite(value):
        return "impossible"
    height = (math.log(value) - least) / (most - least) if value > 0 and most > least else 0.0
    return "#" * (1 + int(height * (BAR - 1)))


def _write(screen: Screen, statistics: Statistics, target: Target, **more: int) -> int:
    table = target.derive(statistics)
    cautions = api.write_table(table, target.output, format=target.format, version=target.version)
    title = f"{target.method}, {statistics.batches} batches of {statistics.batch_size}, {statistics.kind} statistics"
    screen.table(title, TABLE_COLUMNS, table_rows(table))
    show_cautions(screen, (*table.cautions, *cautions))
    screen.say(f"wrote {target.output}")
    screen.result({**table_dict(table), "output": str(target.output), **more})
    return 0
