"""`int8sim nvdla-trace` and `nvdla-convert`: play trace tests of NVDLA, write them in their other form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from int8sim.cli.screen import Screen
from int8sim.formats.nvdla_dat import write_dat
from int8sim.formats.nvdla_trace_file import read_trace, write_trace
from int8sim.model.errors import Int8SimError, ParameterError
from int8sim.model.files import write_bytes
from int8sim.nvdla_trace.explain import explain, first_difference
from int8sim.nvdla_trace.hardware import Hardware, hardware
from int8sim.nvdla_trace.play import Check, Played, play

COLUMNS = ("trace", "blocks", "window", "computed", "golden", "")


@dataclass(frozen=True)
class Outcome:
    """What came of one file: played, or the error's message."""

    file: Path
    played: Played | None
    error: str = ""

    @property
    def status(self) -> int:
        """0 every check passed, 1 one did not, 2 not played."""
        return 2 if self.played is None else int(not self.played.passed)

    @property
    def word(self) -> str:
        """The status in a word."""
        return ("OK", "FAILED", "ERROR")[self.status]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        operations = self.played.operations if self.played else []
        checks = self.played.checks if self.played else []
        return {
            "file": str(self.file),
            "result": self.word,
            "error": self.error or None,
            "operations": [{"blocks": each.blocks, "configuration": dict(each.rows)} for each in operations],
            "checks": [{**vars(check), "passed": check.passed} for check in checks],
        }


def nvdla_trace(files: Sequence[Path], target: str, place: str, dump: Path | None, as_json: bool) -> int:
    """The exit status: 2 if a file is not played, else 1 if a check fails."""
    screen, configuration = Screen(as_json), hardware(target)
    if len(files) > 1 and (place or dump):
        raise ParameterError("files", len(files), "one, with --explain or --dump")
    outcomes = [_outcome(file, configuration, alone=len(files) == 1) for file in files]
    if len(files) == 1:
        _show_one(screen, outcomes[0], configuration)
    else:
        _show_all(screen, outcomes)
    steps = _after(screen, outcomes[0].played, place, dump) if outcomes[0].played else []
    content = {"hardware": configuration.name, "traces": [outcome.as_dict() for outcome in outcomes]}
    screen.result({**content, **({"explained": steps} if steps else {})})
    return max(outcome.status for outcome in outcomes)


def nvdla_convert(file: Path, output: Path, as_json: bool) -> int:
    """Write a trace in the form that the output's name says."""
    screen, trace = Screen(as_json), read_trace(file)
    write_trace(output, trace)
    screen.say(f"wrote {output}: {len(trace.commands)} commands")
    screen.result({"output": str(output), "commands": len(trace.commands)})
    return 0


def _outcome(file: Path, configuration: Hardware, alone: bool) -> Outcome:
    """An error of one file among several does not keep the others from being played."""
    try:
        return Outcome(file, play(read_trace(file), configuration))
    except Int8SimError as problem:
        if alone:
            raise
        return Outcome(file, None, str(problem))


def _show_one(screen: Screen, outcome: Outcome, configuration: Hardware) -> None:
    assert outcome.played is not None
    for operation in outcome.played.operations:
        title = f"{outcome.file.name}: {', '.join(operation.blocks)} of {configuration.name}"
        screen.table(title, ("register", "says"), operation.rows)
    for check in outcome.played.checks:
        screen.say(_verdict(check))
    if not outcome.played.checks:
        screen.say("no golden CRC or file: the trace says check_nothing")


def _verdict(check: Check) -> str:
    window = f"{check.size:,} bytes at {check.address:#x}"
    word = "OK" if check.passed else "FAILED"
    if check.golden is not None:
        return f"CRC-32 of {window}: computed {check.computed:08x}, golden {check.golden:08x}: {word}"
    first = f", the first at {check.different[0]:#x}" if check.different else ""
    return f"{window}: {len(check.different):,} differ from the golden file{first}: {word}"


def _show_all(screen: Screen, outcomes: Sequence[Outcome]) -> None:
    screen.table("", COLUMNS, (row for outcome in outcomes for row in _rows(outcome)))
    for outcome in outcomes:
        if outcome.error:
            screen.say(f"{outcome.file}: {outcome.error}")
    counts = [(word, sum(outcome.word == word for outcome in outcomes)) for word in ("OK", "FAILED", "ERROR")]
    summary = ", ".join(f"{count} {word}" for word, count in counts if count)
    screen.say(f"{len(outcomes)} traces: {summary}")


def _rows(outcome: Outcome) -> Iterator[tuple[str, ...]]:
    if outcome.played is None:
        yield outcome.file.stem, "", "", "", "", outcome.word
        return
    blocks = "; ".join(" ".join(each.blocks) for each in outcome.played.operations)
    for check in outcome.played.checks:
        golden = "by file" if check.golden is None else f"{check.golden:08x}"
        window = f"{check.address:#x} + {check.size}"
        word = "OK" if check.passed else "FAILED"
        yield outcome.file.stem, blocks, window, f"{check.computed:08x}", golden, word
    if not outcome.played.checks:
        yield outcome.file.stem, blocks, "check_nothing", "", "", outcome.word


def _after(screen: Screen, played: Played, place: str, dump: Path | None) -> list[tuple[str, int]]:
    """--dump; and --explain, or the first byte that differs from a golden file."""
    if dump:
        _dump(played, dump)
        screen.say(f"wrote {dump}")
    wanted = place or first_difference(played)
    if not wanted:
        return []
    title, steps = explain(played, wanted)
    screen.table(title, ("step", "value"), [(step, str(value)) for step, value in steps])
    return steps


def _dump(played: Played, dump: Path) -> None:
    """The window of the only check, as a .dat or as bytes."""
    if len(played.checks) != 1:
        raise ParameterError("checks", len(played.checks), "one window, to dump it")
    check = played.checks[0]
    data = played.memory.read(check.address, check.size).tobytes()
    if dump.suffix == ".dat":
        write_dat(dump, [(0, data)])
    else:
        write_bytes(dump, data)
