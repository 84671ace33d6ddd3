"""Make the generated parts of docs/performance.md: what was measured, beside what was aimed at.

    python tools/performance_page.py                 measures for half an hour, and writes the page
    python tools/performance_page.py FILE.json ...   of files that `int8sim bench` and tools/memory.py have written

Targets, and reasons where one is missed: tools/performance_targets.toml. Runs with other instruction sets are other
columns; two files of one instruction set and as many threads are parts of one run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pages import put, table

from int8sim.bench.measure import ratio

ROOT = Path(__file__).parents[1]
PAGE, TARGETS = ROOT / "docs" / "performance.md", ROOT / "tools" / "performance_targets.toml"
BENCH, TWO_THREADS = "int8sim bench", "int8sim bench networks --threads 2"
WITHOUT_AMX = "python tools/without_amx.py"
COMMANDS = (BENCH, TWO_THREADS, f"{WITHOUT_AMX} {BENCH}", f"{WITHOUT_AMX} {TWO_THREADS}", "python tools/memory.py")


@dataclass
class Run:
    """The bench's lines of one instruction set and number of threads. lines: by job and contender."""

    instruction_set: str
    threads: int
    machine: list[str]
    lines: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def jobs(self) -> list[str]:
        """In the order of measuring."""
        return list(dict.fromkeys(job for job, _ in self.lines))

    def fastest(self, job: str, names: Sequence[str]) -> dict[str, Any] | None:
        """The line of the fastest of the contenders, None where none took part."""
        found = [self.lines[job, name] for name in names if (job, name) in self.lines]
        return max(found, key=lambda line: line["value"], default=None)


@dataclass(frozen=True)
class Target:
    """As performance_targets.toml says it."""

    jobs: list[str]
    ours: list[str]
    theirs: list[str]
    least: float
    threads: int = 1
    images: int = 0
    note: str = ""
    why: str = ""

    def ratio(self, run: Run, job: str) -> float | None:
        """Ours over theirs, the median over the rounds; None where one of both was not measured."""
        ours, theirs = run.fastest(job, self.ours), run.fastest(job, self.theirs)
        return ratio(ours["turns"], theirs["turns"]) if ours and theirs else None

    def cell(self, run: Run, job: str) -> str:
        """What was measured, and the verdict."""
        ratio, ours = self.ratio(run, job), run.fastest(job, self.ours)
        if ratio is None or ours is None:
            return "not measured"
        each = f", {ours['seconds'] / self.images * 1e6:.2f} us an image" if self.images else ""
        return f"{ratio:.2f} {verdict(met=ratio >= self.least)}{each}"

    def matches(self, job: str) -> bool:
        """Whether a job is one of its cases."""
        return any(fnmatchcase(job, pattern) for pattern in self.jobs)

    def names(self) -> tuple[str, str]:
        """Who is compared with whom, for a person."""
        ours = " or ".join(name.removeprefix("int8sim").lstrip(" ,") for name in self.ours)
        return ours, " or ".join(self.theirs)


def main() -> None:
    """Read or measure, and rewrite the generated parts."""
    files = [Path(name) for name in sys.argv[1:]]
    contents = [json.loads(file.read_text()) for file in files] if files else list(measured())
    PAGE.write_text(written(PAGE.read_text(), contents, targets()))


def targets() -> list[Target]:
    """Of the file."""
    return [Target(**entry) for entry in tomllib.loads(TARGETS.read_text())["target"]]


def measured() -> Iterator[dict[str, Any]]:
    """What every command writes."""
    with tempfile.TemporaryDirectory() as folder:
        for number, command in enumerate(COMMANDS):
            file = Path(folder) / f"{number}.json"
            words = command.replace("int8sim", "python -m int8sim").split()
            given = [sys.executable if word == "python" else word for word in words]
            subprocess.run([*given, "--json", str(file)], cwd=ROOT, check=True)
            yield json.loads(file.read_text())


def written(text: str, contents: Sequence[Mapping[str, Any]], wanted: Sequence[Target]) -> str:
    """The page with every part that the contents are for."""
    runs = joined([each for each in contents if "lines" in each])
    figures = [figure for each in contents for figure in each.get("figures", [])]
    if runs:
        text = put(text, "machine", "\n".join(f"    {line}" for line in runs[0].machine))
        text = put(text, "targets", target_table(runs, wanted))
        text = put(text, "missed", missed(runs, wanted))
        text = put(text, "measured", "\n\n".join(map(speeds, runs)))
    return put(text, "memory", memory_table(figures)) if figures else text


def joined(contents: Sequence[Mapping[str, Any]]) -> list[Run]:
    """Runs by instruction set and threads, in the order given."""
    found: dict[tuple[str, int], Run] = {}
    for each in contents:
        key = each["instruction_set"], each["threads"]
        lines = {(line["job"], line["who"]): line for line in each["lines"]}
        found.setdefault(key, Run(*key, each["machine"])).lines.update(lines)
    return list(found.values())


def target_table(runs: Sequence[Run], wanted: Sequence[Target]) -> str:
    """A row for every target and job, a column for every instruction set."""
    sets = list(dict.fromkeys(run.instruction_set for run in runs))
    rows = []
    for target in wanted:
        own = {run.instruction_set: run for run in runs if run.threads == target.threads}
        for job in dict.fromkeys(job for run in own.values() for job in run.jobs if target.matches(job)):
            cells = [target.cell(own[each], job) if each in own else "not measured" for each in sets]
            if set(cells) != {"not measured"}:
                case = f"{job} ({target.note})" if target.note else job
                rows.append([case, *target.names(), f"{target.least:g}", *cells])
    return table(["case", "int8sim as", "against", " at least", *sets], rows)


def missed(runs: Sequence[Run], wanted: Sequence[Target]) -> str:
    """Every target that is missed somewhere: by how much, and why."""
    found = []
    for target in wanted:
        ratios = [
            (run.instruction_set, job, ratio)
            for run in runs
            for job in run.jobs
            if run.threads == target.threads and target.matches(job)
            if (ratio := target.ratio(run, job)) is not None and ratio < target.least
        ]
        ours, theirs = target.names()
        if ratios:
            listed = ", ".join(f"{job} {ratio:.2f} ({name})" for name, job, ratio in ratios)
            found.append(f"**{ours} against {theirs}, {target.least:g}**: {listed}. {target.why.strip()}".rstrip())
    return "\n\n".join(found) or "None."


def speeds(run: Run) -> str:
    """Every figure of a run: a table a group, a column a contender."""
    title = f"### {run.instruction_set}, {run.threads} thread{'s' * (run.threads > 1)}"
    groups = dict.fromkeys(line["group"] for line in run.lines.values())
    return "\n\n".join([title, *(_group(group, run) for group in groups)])


def _group(group: str, run: Run) -> str:
    lines = {key: line for key, line in run.lines.items() if line["group"] == group}
    names = list(dict.fromkeys(who for _, who in lines))
    rows: dict[str, list[str]] = {}
    for (job, who), line in lines.items():
        rows.setdefault(job, [job, line["unit"], *[""] * len(names)])[2 + names.index(who)] = f"{line['value']:,.4g}"
    return table([group, "unit", *(f" {name}" for name in names)], rows.values())


def memory_table(figures: Sequence[Mapping[str, Any]]) -> str:
    """What tools/memory.py has measured."""
    rows = [
        [
            each["name"],
            f"{each['most']:g} {each['unit']}",
            f"{each['value']:.3g} {each['unit']}",
            verdict(met=each["value"] <= each["most"]),
        ]
        for each in figures
    ]
    return table(["", " at most", " measured", ""], rows)


def verdict(*, met: bool) -> str:
    """In a cell."""
    return "met" if met else "**missed**"


if __name__ == "__main__":
    main()
