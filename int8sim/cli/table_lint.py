"""`int8sim table lint`: what a reader would misread, drop or miss in a table, by line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

from int8sim import api
from int8sim.cli.screen import Screen
from int8sim.formats.findings import NOTE, Finding
from int8sim.formats.lint import lint
from int8sim.formats.readers import READERS

SHOWN = 5
"""Findings of one kind that the screen shows; --json has all."""


def table_lint(file: Path, reader: str, model: Path | None, as_json: bool) -> int:
    """The exit status: 0 clean, 1 with findings that are more than notes."""
    screen = Screen(as_json)
    findings = lint(file, reader, api.load(model) if model else None)
    for line in _lines(file, findings):
        screen.say(line)
    counts = Counter(each.severity for each in findings)
    summary = ", ".join(f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in sorted(counts.items()))
    screen.say(f"{file}: {summary or 'clean'} for {READERS[reader].title}")
    screen.result({"reader": reader, "source": READERS[reader].source, "findings": [asdict(each) for each in findings]})
    return int(any(each.severity != NOTE for each in findings))


def _lines(file: Path, findings: Iterable[Finding]) -> Iterator[str]:
    """`file:line: severity [kind] row: what happens; what to do`, the first ones of each kind."""
    shown: Counter[str] = Counter()
    for each in findings:
        shown[each.kind] += 1
        if shown[each.kind] <= SHOWN:
            place = f"{file}:{each.line}" if each.line else str(file)
            row = each.text.strip() or each.tensor
            yield f"{place}: {each.severity} [{each.kind}] {row}: {each.what}; {each.remedy}"
    for kind, count in shown.items():
        if count > SHOWN:
            yield f"{file}: [{kind}] and {count - SHOWN} more; --json lists them"
