"""`int8sim golden diff`; returns the exit status."""

from __future__ import annotations

from pathlib import Path

from int8sim.cli.screen import Screen
from int8sim.golden.diff_files import Difference, Row, diff
from int8sim.golden.dumps import Packing
from int8sim.golden.heat import rows, write_png


def golden_diff(golden: Path, dump: Path, packing: Packing, png: Path | None, as_json: bool) -> int:
    """`int8sim golden diff`."""
    screen, found = Screen(as_json), diff(golden, dump, packing)
    _show(screen, f"{dump} beside {golden}", found)
    if png is not None and found.heat is not None:
        write_png(png, found.heat)
        screen.say(f"wrote {png}: {found.first}, a tile for each channel")
    screen.result(found.as_dict())
    return 0 if found else 1


def _show(screen: Screen, title: str, found: Difference) -> None:
    columns = ("tensor", "layer", "samples", "compared", "different", "of its own making")
    screen.table(title, columns, [_cells(row) for row in found.rows])
    if found.absent:
        screen.say(f"not in the dump: {', '.join(found.absent)}")
    if found:
        screen.say(f"{sum(row.compared for row in found.rows):,} values compared: every bit equal")
        return
    if found.heat is not None:
        heat = [[str(channel), f"{count:,}", f"|{shades}|"] for channel, count, shades in rows(found.heat)]
        screen.table(f"{found.first}: mismatches by channel, places from left to right", ("channel", "count", ""), heat)
    if found.diagnosis is None:
        screen.say(
            f"{found.first} differs first; no layer can be judged: it is an input, or its inputs are not recorded"
        )
        return
    for line in found.diagnosis.lines():
        screen.say(line)


def _cells(row: Row) -> list[str]:
    """own: of those that differ, how many do not follow from the device's own inputs to the layer."""
    own = "" if row.own is None else f"{row.own:,}"
    return [row.tensor, row.layer, f"{row.samples:,}", f"{row.compared:,}", f"{row.different:,}", own]
