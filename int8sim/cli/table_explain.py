"""`int8sim table explain`: what somebody else's table says about how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from int8sim import api
from int8sim.calibration.explanation.candidates import pairs
from int8sim.calibration.explanation.explain import Explanation, RowExplanation, explain
from int8sim.calibration.explanation.together import usable
from int8sim.cli.screen import Screen
from int8sim.model.errors import BadScaleError, UnknownNameError
from int8sim.model.table import INT8_MAX

COLUMNS = ("tensor", "bits", "threshold", "range R (bin 2048 .. 128)", "same as", "reading")


def table_explain(file: Path, model: Path | None, inputs: Sequence[str], as_json: bool) -> int:
    """The exit status: 0, or 1 if rows contradict each other or the network."""
    screen, table = Screen(as_json), api.read_table(file)
    found = explain(table, api.load(model) if model else None, inputs)
    screen.table(str(file), COLUMNS, (_row(row) for row in found.rows))
    for line in _lines(found):
        screen.say(line)
    screen.result(asdict(found))
    return 1 if found.contradictions else 0


def table_pairs(file: Path, tensor: str, as_json: bool) -> int:
    """Every pair of range and bin that gives one row's scale. The exit status."""
    screen, table = Screen(as_json), api.read_table(file)
    if tensor not in table:
        raise UnknownNameError("row of the table", tensor, table)
    scale = table[tensor].scale
    if not usable(scale):
        raise BadScaleError(tensor, scale, "finite and greater than 0, to have a range")
    bins, ranges = (array.tolist() for array in pairs(scale))
    screen.table(tensor, ("bin", "range"), ([f"{b}", f"{limit:.9g}"] for b, limit in zip(bins, ranges, strict=True)))
    screen.result({"tensor": tensor, "scale": scale, "bins": bins, "ranges": ranges})
    return 0


def _row(row: RowExplanation) -> list[str]:
    return [
        row.tensor,
        f"{row.bits:08x}",
        f"{row.scale * INT8_MAX:.6g}",
        f"{row.least:.5g} .. {row.greatest:.5g}" if row.greatest > row.least else "",
        f"{row.repeats} (must)" if row.repeats else row.equals,
        row.remark or (str(row.readings[0]) if row.readings else ""),
    ]


def _lines(found: Explanation) -> Iterator[str]:
    """Pairs without a common range, tensors without a row, contradictions; the verdict last."""
    for pair in found.pairs:
        if pair.doublings is None:
            yield f"no common range: {pair.total} and its ReLU {pair.relu} (right if the greatest |sum| is negative)"
    yield from (f"no row: {name}" for name in found.missing)
    yield from (f"no tensor: {name}" for name in found.extra)
    yield from (f"contradiction ({each.kind}): {each.message}" for each in found.contradictions)
    yield from (f"verdict: {line}" for line in found.verdict)
