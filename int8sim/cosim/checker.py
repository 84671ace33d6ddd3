"""The in-order checker: what the model expects, in the order of the transactions, against what the device puts out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace

from int8sim.cosim.diagnosis import Outcome, diagnosis, told_model
from int8sim.cosim.model import Model, Transaction
from int8sim.cosim.port import Port, Seen
from int8sim.cosim.report import Mismatch, MismatchError, Report
from int8sim.model.errors import UnknownNameError

REMEMBERED = 20_000
"""Transactions of a whole test that a diagnosis looks at."""


class Checker:
    """Compares beat by beat; `check` tells. outputs: the port that the beats pass."""

    def __init__(self, model: Model, outputs: Port) -> None:
        self.model, self.outputs = model, outputs
        self.remembered: deque[Outcome] = deque(maxlen=REMEMBERED)
        self.start()

    def start(self) -> None:
        """A new run, the device reset: nothing is expected."""
        self.outcomes: list[Outcome] = []
        self.unexpected: list[Seen] = []
        self._waiting: deque[Outcome] = deque()

    def expect(self, transaction: Transaction) -> None:
        """A transaction that is going in. Raises UnknownNameError for a field of the model that the port has not."""
        beats = self.model.beats(transaction, list(self.outputs.bits))
        for name in (name for beat in beats for name in beat):
            if name not in self.outputs.bits:
                raise UnknownNameError("field of the output port", name, tuple(self.outputs.bits))
        outcome = Outcome(len(self.outcomes), transaction, beats, [])
        self.outcomes.append(outcome)
        self.remembered.append(outcome)
        if beats:
            self._waiting.append(outcome)

    def observe(self, beat: Seen) -> None:
        """An output beat."""
        if not self._waiting:
            self.unexpected.append(beat)
            return
        outcome = self._waiting[0]
        outcome.seen.append(beat)
        if len(outcome.seen) == len(outcome.expected):
            self._waiting.popleft()

    @property
    def missing(self) -> int:
        """Output beats that are expected still."""
        return sum(len(outcome.expected) - len(outcome.seen) for outcome in self._waiting)

    def check(self) -> Report:
        """The run's report. Raises MismatchError, diagnosed, if a beat differs, is missing, or is one too many."""
        report = self.report()
        if not report:
            raise MismatchError(self.judged(report))
        return report

    def report(self) -> Report:
        """Of the run, not diagnosed."""
        found = [each for outcome in self.outcomes for each in differences(outcome, self.outputs.bits)]
        compared = sum(len(beat) for outcome in self.outcomes for beat in outcome.expected[: len(outcome.seen)])
        different = sum(1 for each in found if each.actual is not None)
        counts = len(self.outcomes), compared, different, self.missing, len(self.unexpected)
        return Report(self.model.name, *counts, found[0] if found else None)

    def judged(self, report: Report) -> Report:
        """With the model's own way to the first mismatch, and the diagnosis of everything seen since the test began."""
        told = told_model(self.model, report.first) if report.first else []
        said = diagnosis(self.model, self.remembered, self.outputs.bits, self.outputs.signed)
        return replace(report, replay=told, diagnosis=said.lines, named=said.named)


def differences(outcome: Outcome, bits: Mapping[str, int]) -> Iterator[Mismatch]:
    """Every field that differs, and the first one of every beat that has not come."""
    for place, beat in enumerate(outcome.expected):
        seen = outcome.seen[place] if place < len(outcome.seen) else None
        for name, value in beat.items():
            actual = None if seen is None else seen.get(name)
            if actual != value:
                yield Mismatch(outcome.transaction, outcome.index, place, name, bits[name], value, actual)
            if seen is None:
                break
