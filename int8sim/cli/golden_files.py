"""`int8sim golden record` and `verify`; each returns the exit status."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from int8sim import api
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.cli.data import load_input
from int8sim.cli.screen import Screen
from int8sim.golden.compare import Report


def golden_record(
    model: Path,
    data: str,
    output: Path,
    backend: str,
    samples: int | None,
    preprocessing: Preprocessing,
    profile: str | None,
) -> int:
    """`int8sim golden record`."""
    graph = api.load(model, profile=profile)
    images = load_input(graph, data, preprocessing)
    api.record(graph, {graph.inputs[0]: images}, output, backend=backend, samples=samples)
    Screen(as_json=False).say(f"wrote {output}: {len(images)} samples of {graph.name}")
    return 0


def golden_verify(file: Path, backend: str, as_json: bool) -> int:
    """`int8sim golden verify`."""
    screen, report = Screen(as_json), api.verify(file, backend=backend)
    show_report(screen, str(file), report)
    screen.result(report.as_dict())
    return 0 if report else 1


def show_report(screen: Screen, title: str, report: Report) -> None:
    """Every tensor's counts, and the first mismatch in full."""
    columns = ("tensor", "layer", "compared", "different")
    screen.table(f"{title}, produced by {report.producer}", columns, _counts(report))
    for problem in report.problems:
        screen.say(problem)
    if report.first:
        for line in report.first.lines():
            screen.say(line)
    undefined = f", {report.unpredictable:,} of them unpredictable" if report.unpredictable else ""
    verdict = "every bit equal" if report else f"{report.different:,} differ{undefined}"
    screen.say(f"{report.compared:,} values compared on {report.backend}: {verdict}")


def _counts(report: Report) -> Iterable[list[str]]:
    return ([entry.tensor, entry.layer, f"{entry.compared:,}", f"{entry.different:,}"] for entry in report.tensors)
