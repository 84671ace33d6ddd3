"""What a checker found, in the words of the comparer: count, first mismatch, its numbers, who would compute so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from int8sim.cosim.model import Transaction


@dataclass(frozen=True)
class Mismatch:
    """One field of one output beat that differs.

    transaction: what went in; index: its number in its run; beat: that of the output beat, from 0; bits: the field's
    width; actual: None where no beat came, the string of its bits where one of them is unknown.
    """

    transaction: Transaction
    index: int
    beat: int
    field: str
    bits: int
    expected: int
    actual: int | str | None

    def lines(self) -> list[str]:
        """For the screen."""
        gap = f" (difference {self.actual - self.expected:+d})" if isinstance(self.actual, int) else ""
        expected, actual = (_word(value, self.bits) for value in (self.expected, self.actual))
        return [
            f"transaction {self.index}: {told(self.transaction)}",
            f"  output beat {self.beat}, field {self.field}: expected {expected}, actual {actual}{gap}",
        ]


@dataclass(frozen=True)
class Report:
    """One run of a bench; truthy if every output was as expected.

    model: its name; transactions, compared: how many went in, and how many fields of output beats were compared;
    different: of these; missing, unexpected: output beats; first: the first mismatch; replay: how the model came to
    the expected value; diagnosis: what the catalogue of wrong arithmetic says; named: its mutations that give every
    value seen, in words; call: of `Bench.run`, that fails so again.
    """

    model: str
    transactions: int
    compared: int
    different: int
    missing: int = 0
    unexpected: int = 0
    first: Mismatch | None = None
    replay: Sequence[str] = ()
    diagnosis: Sequence[str] = ()
    named: Sequence[str] = ()
    call: str = ""

    @property
    def matched(self) -> bool:
        """Whether every beat came and every bit of it is right."""
        return not (self.different or self.missing or self.unexpected)

    def __bool__(self) -> bool:
        return self.matched

    def lines(self) -> list[str]:
        """For the screen."""
        counts = f"{self.different:,} of {self.compared:,} values differ"
        beats = f", {self.missing:,} output beats missing, {self.unexpected:,} not expected"
        text = [f"{self.model}: {self.transactions:,} transactions, {counts}" + beats * (not self._all_came())]
        text += ["  " + line for line in self.first.lines()] if self.first else []
        text += ["  the model:", *("    " + line for line in self.replay)] if self.replay else []
        text += [f"  {line}" for line in self.diagnosis]
        return text + ([f"  again: await bench.{self.call}"] if self.call else [])

    def _all_came(self) -> bool:
        return not (self.missing or self.unexpected)

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "first": self.first and vars(self.first), "matched": self.matched}


class MismatchError(AssertionError):
    """A device under test that differs from its model; report: how."""

    def __init__(self, report: Report) -> None:
        self.report = report
        super().__init__("\n".join(report.lines()))


def told(value: Any) -> str:
    """A transaction: numbers that are no small ones in hexadecimal, too."""
    if hasattr(value, "items"):
        return ", ".join(f"{name}={_nested(each)}" for name, each in value.items())
    return _nested(value)


def _nested(value: Any) -> str:
    if hasattr(value, "items"):
        return f"{{{told(value)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_nested, value))}]"
    return f"{value} (0x{value:x})" if isinstance(value, int) and value > 9 else str(value)


def _word(value: int | str | None, bits: int) -> str:
    if value is None:
        return "no beat"
    if isinstance(value, str):
        return f"{bits}'b{value} (unknown bits)"
    return f"{value} (0x{value & ((1 << bits) - 1):0{(bits + 3) // 4}x})"
