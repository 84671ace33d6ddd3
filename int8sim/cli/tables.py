"""`int8sim table show | convert | merge | accepts`; each returns the exit status."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from int8sim import api
from int8sim.cli.screen import Screen
from int8sim.model.errors import FileProblemError
from int8sim.model.table import Caution, Provenance, Row, Table
from int8sim.spec.float32 import float32_bits

TABLE_COLUMNS = ("tensor", "range", "seen", "bin", "threshold / max", "scale", "bits")
LISTED = 8
"""How many cautions of one kind the screen names."""


def table_rows(table: Table) -> list[list[str]]:
    """A table for the screen: dynamic range, values seen, chosen bin, threshold over the greatest |x|, scale, bits."""
    return [_table_row(name, row) for name, row in table.items()]


def table_dict(table: Table) -> dict[str, Any]:
    """A table for --json; a scale that JSON has no number for is null, its bits tell."""
    return {
        "rows": {name: _row_dict(row) for name, row in table.items()},
        "provenance": vars(table.provenance),
        "cautions": [vars(caution) for caution in table.cautions],
    }


def show_cautions(screen: Screen, cautions: Iterable[Caution]) -> None:
    """A line for each caution; of one kind only the first few and the number of the others."""
    kinds: dict[str, list[Caution]] = {}
    for caution in cautions:
        kinds.setdefault(caution.kind, []).append(caution)
    for kind, same in kinds.items():
        for caution in same[:LISTED]:
            screen.say(f"note: {caution}")
        if len(same) > LISTED:
            screen.say(f"note: {len(same) - LISTED} more of the same ({kind})")


def table_show(file: Path, source: str, as_json: bool) -> int:
    """`int8sim table show`."""
    screen, table = Screen(as_json), api.read_table(file, source)
    made = table.provenance
    screen.table(f"{file} ({made.header or made.producer or 'ranges'})", TABLE_COLUMNS, table_rows(table))
    for line in _made_from(made):
        screen.say(line)
    show_cautions(screen, table.cautions)
    screen.result(table_dict(table))
    return 0


def table_convert(
    file: Path,
    output: Path,
    to: str,
    source: str,
    version: str,
    algorithm: str,
    as_read: bool,
    padded: bool,
    model: Path | None,
    as_json: bool,
) -> int:
    """`int8sim table convert`."""
    screen, table = Screen(as_json), api.read_table(file, source)
    cautions = api.write_table(
        table,
        output,
        format=to,
        version=version,
        algorithm=algorithm,
        header=_header(file, table) if as_read else "",
        padded=padded,
        graph=api.load(model) if model else None,
    )
    return _wrote(screen, output, (*table.cautions, *cautions))


def table_merge(
    first: Path, second: Path, output: Path, to: str, version: str, algorithm: str, as_read: bool, as_json: bool
) -> int:
    """`int8sim table merge`."""
    screen, merged = Screen(as_json), api.merge_tables(api.read_table(first), api.read_table(second))
    header = _header(first, merged) if as_read else ""
    cautions = api.write_table(merged, output, format=to, version=version, algorithm=algorithm, header=header)
    return _wrote(screen, output, (*merged.cautions, *cautions))


def table_accepts(file: Path, version: str, algorithm: str, as_json: bool) -> int:
    """`int8sim table accepts`; 1 where TensorRT would calibrate again."""
    screen, verdict = Screen(as_json), api.accepts(api.read_table(file), version, algorithm)
    screen.say(f"{'accepted' if verdict else 'not accepted'}: {verdict.reason}")
    screen.say("by TensorRT's documentation; not measured")
    screen.result({"accepted": verdict.accepted, "reason": verdict.reason, "measured": False})
    return 0 if verdict else 1


def _table_row(name: str, row: Row) -> list[str]:
    seen = None if row.low is None or row.high is None else (row.low, row.high)
    greatest = max(abs(seen[0]), abs(seen[1])) if seen else 0.0
    return [
        name if row.shared_with is None else f"{name} (as {row.shared_with})",
        "" if row.amax is None else f"{row.amax:.6g}",
        f"{seen[0]:.4g} .. {seen[1]:.4g}" if seen else "",
        "" if row.chosen_bin is None else f"{row.chosen_bin}",
        f"{row.threshold / greatest:.3f}" if greatest else "",
        f"{row.scale:.9g}",
        f"{float32_bits(row.scale):08x}",
    ]


def _row_dict(row: Row) -> dict[str, Any]:
    numbers = {"scale": row.scale, "threshold": row.threshold}
    finite = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
    return {**vars(row), **finite, "bits": f"{float32_bits(row.scale):08x}"}


def _made_from(made: Provenance) -> Iterator[str]:
    if made.batches:
        by = f"{made.producer}, " if made.producer else ""
        yield f"made by {by}{made.method}: {made.batches} batches of {made.batch_size}"
    if made.network or made.data:
        yield f"SHA-256 of the network {made.network[:16] or 'not known'}, of the data {made.data[:16] or 'not known'}"


def _header(file: Path, table: Table) -> str:
    """The header to keep. Raises FileProblemError."""
    if not table.provenance.header:
        raise FileProblemError(file, "there is no TensorRT header to keep; give --version and --algorithm instead")
    return table.provenance.header


def _wrote(screen: Screen, output: Path, cautions: tuple[Caution, ...]) -> int:
    show_cautions(screen, cautions)
    screen.say(f"wrote {output}")
    screen.result({"output": str(output), "cautions": [vars(caution) for caution in cautions]})
    return 0
