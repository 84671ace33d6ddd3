"""The whole bench: clock, reset, driver, receiver, monitor and checker around one device."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import hypothesis
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from int8sim.cosim.checker import Checker
from int8sim.cosim.driver import Driver, Sink
from int8sim.cosim.fuzz import fuzz, settings
from int8sim.cosim.model import Model, Transaction
from int8sim.cosim.monitor import Monitor
from int8sim.cosim.port import Beat, Port
from int8sim.cosim.report import MismatchError, Report

RESET_CYCLES = 2
SURVEYED = 60
"""Examples of which a diagnosis sees the values, behind the search."""
PATTERN = 16
"""Cycles of a drawn pattern of idle cycles or stalls."""


class Bench:
    """One input stream, one output stream, and the model between them.

    reset: the handle of a synchronous reset, 0 in reset; or a coroutine function that resets. beats: a transaction as
    the beats that go in; by default the transaction is one. patience: cycles without an output beat after which one
    that is missing counts as lost, and without ready after which the device is stuck. period: of the clock, in ns.
    """

    def __init__(
        self,
        inputs: Port,
        outputs: Port,
        model: Model,
        *,
        reset: Any,
        beats: Callable[[Transaction], Iterable[Beat]] = lambda transaction: [transaction],
        patience: int = 64,
        period: int = 10,
    ) -> None:
        self.inputs, self.outputs, self.model, self.beats = inputs, outputs, model, beats
        self.patience, self.period, self._reset = patience, period, reset
        self.driver, self.sink = Driver(inputs, patience), Sink(outputs)
        self.checker = Checker(model, outputs)
        self._latest: tuple[Sequence[Transaction], list[int], list[int]] = ([], [], [])

    async def start(self) -> None:
        """Clock, monitor, reset: once, at the beginning of a test."""
        self.clock()
        Monitor(self.outputs, self.checker.observe, self.sink.step).start()
        await self.reset()

    def clock(self) -> None:
        """The clock alone, for a bench that has its own monitor."""
        Clock(self.inputs.clock, self.period, unit="ns").start()

    async def reset(self) -> None:
        """The device and the checker as at the beginning."""
        self.driver.idle()
        self.sink.follow(())
        if callable(self._reset):
            await self._reset()
        else:
            await self._hold_reset()
        self.checker.start()

    async def _hold_reset(self) -> None:
        self._reset.value = 0
        await self.cycles(RESET_CYCLES)
        self._reset.value = 1

    async def cycles(self, count: int) -> None:
        """So many rising edges."""
        for _ in range(count):
            await RisingEdge(self.inputs.clock)

    async def run(
        self, transactions: Iterable[Transaction], *, idle: Sequence[int] = (), stalls: Sequence[int] = ()
    ) -> Report:
        """All transactions through the device. Raises MismatchError, StuckError.

        idle: cycles without a beat before each input beat, 0 behind the last of them. stalls: cycle by cycle, whether
        the output is refused.
        """
        await self.through(transactions, idle, stalls)
        return self.checker.check()

    async def through(self, transactions: Iterable[Transaction], idle: Sequence[int], stalls: Sequence[int]) -> None:
        """As `run`, with no judgement."""
        gaps = iter(idle)
        self.sink.follow(map(bool, stalls))
        for transaction in transactions:
            self.checker.expect(transaction)
            for beat in self.beats(transaction):
                await self.driver.send(beat, next(gaps, 0))
        await self.drain()

    async def drain(self) -> None:
        """Wait for the beats that are expected, and a little for one that is not."""
        left, before = self.patience, self.checker.missing
        while before and left:
            await self.cycles(1)
            left = left - 1 if self.checker.missing == before else self.patience
            before = self.checker.missing
        await self.cycles(RESET_CYCLES)

    async def fuzz(
        self, transactions: SearchStrategy[Any], *, most: int = 4, using: hypothesis.settings | None = None
    ) -> None:
        """`run` with drawn transactions, 1 to `most` at a time, drawn idle cycles and stalls.

        Raises the MismatchError of the simplest example that fails: as few transactions as possible, each shrunk; or
        the StuckError.
        """
        batches, patterns = st.lists(transactions, min_size=1, max_size=most), st.integers(0, (1 << PATTERN) - 1)
        stalls = st.just(0) if self.outputs.ready is None else patterns
        try:
            await fuzz(self._example, batches, patterns, stalls, reset=self.reset, using=using)
        except MismatchError as found:
            report, call = await self._fewest(found.report)
        else:
            return
        await fuzz(self._surveyed, batches, patterns, stalls, reset=self.reset, using=settings(SURVEYED))
        raise MismatchError(replace(self.checker.judged(report), call=call))

    async def _surveyed(self, transactions: Sequence[Transaction], idle: int, stalls: int) -> None:
        """More of the device's values, right or wrong, for the diagnosis: few values leave it many mutations."""
        await self.through(transactions, _bits(idle), _bits(stalls))

    async def _example(self, transactions: Sequence[Transaction], idle: int, stalls: int) -> None:
        self._latest = transactions, _bits(idle), _bits(stalls)
        await self.through(*self._latest)
        report = self.checker.report()
        if not report:
            raise MismatchError(report)

    async def _fewest(self, report: Report) -> tuple[Report, str]:
        """The report of the fewest transactions that fail, and the call: Hypothesis seldom leaves one out."""
        transactions, idle, stalls = self._latest
        for place in reversed(range(len(transactions))):
            fewer = [*transactions[:place], *transactions[place + 1 :]]
            await self.reset()
            await self.through(fewer, idle, stalls)
            again = self.checker.report()
            report, transactions = (report, transactions) if again else (again, fewer)
        call = f"run({list(transactions)}" + f", idle={idle}" * any(idle) + f", stalls={stalls}" * any(stalls) + ")"
        return report, call


def _bits(pattern: int) -> list[int]:
    return [(pattern >> place) & 1 for place in range(pattern.bit_length())]
