"""`int8sim bench`: a table a job on the screen, as each is done; every figure in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from int8sim.bench import Line, Setting, machine, measure
from int8sim.cli.screen import Screen
from int8sim.kernels.cpu.tile import DOT_PRODUCTS, instruction_set
from int8sim.model.files import check_writable, write_bytes

COLUMNS = ("", "value", "of int8sim", "of the ceiling")


def bench(groups: Sequence[str], seconds: float, setting: Setting, forced: str, file: Path | None) -> int:
    """forced: an instruction set, or "". Whatever is wrong with them or with the file is said before measuring."""
    screen = Screen(as_json=False)
    if file:
        check_writable(file)
    with ExitStack() as stack:
        if forced:
            stack.enter_context(DOT_PRODUCTS.forced(forced))
        described = machine()
        screen.say("\n".join(described))
        lines = list(_shown(screen, measure(setting, groups, seconds)))
        content = {"groups": list(groups), "seconds": seconds, "instruction_set": instruction_set(), **vars(setting)}
    if file:
        found = {**content, "machine": described, "lines": [line.as_dict() for line in lines]}
        write_bytes(file, json.dumps(found, indent=1).encode())
        screen.say(f"wrote {file}")
    return 0


def _shown(screen: Screen, lines: Iterable[Line]) -> Iterator[Line]:
    """The lines, a table for each job."""
    for (job, unit), found in groupby(lines, lambda line: (line.job, line.unit)):
        own = list(found)
        screen.table(f"{job}, {unit}", COLUMNS, (line.row() for line in own))
        yield from own
