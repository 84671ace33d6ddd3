"""The two sides that a bench plays: the source of an input stream, and the receiver that may stall an output stream."""

from __future__ import annotations

from collections.abc import Iterable

from cocotb.triggers import RisingEdge

from int8sim.cosim.port import Beat, Port


class StuckError(AssertionError):
    """A device that does not take a beat. beat: which; cycles: for how many it was there."""

    def __init__(self, beat: Beat, cycles: int) -> None:
        self.beat, self.cycles = beat, cycles
        super().__init__(f"the device is not ready: {dict(beat)} waits for {cycles} cycles")


class Driver:
    """Puts beats on an input port, each until it is taken.

    patience: cycles after which a beat that is not taken is given up.
    """

    def __init__(self, port: Port, patience: int = 1000) -> None:
        self.port, self.patience = port, patience
        port.drive({})
        self.idle()

    def idle(self) -> None:
        """No beat."""
        self.port.valid.value = 0

    async def send(self, beat: Beat, idle: int = 0) -> None:
        """One beat, behind so many idle cycles; back to back if the next call follows at once.

        The fields keep their values while no beat is there. Raises StuckError, WordValueError, UnknownNameError.
        """
        edge = RisingEdge(self.port.clock)
        for _ in range(idle):
            await edge
        self.port.drive(beat)
        self.port.valid.value = 1
        for _ in range(self.patience):
            await edge
            if self.port.accepts():
                return self.idle()
        self.idle()
        raise StuckError(beat, self.patience)


class Sink:
    """Takes beats from an output port; without a ready signal it has nothing to do."""

    def __init__(self, port: Port) -> None:
        self.port = port
        self.stalls: list[bool] = []
        self.follow(())

    def follow(self, stalls: Iterable[bool]) -> None:
        """From now on, cycle by cycle: True stalls; ready behind the last."""
        self.stalls = list(stalls)[::-1]
        self.step()

    def step(self) -> None:
        """The next cycle begins."""
        stalls = self.stalls.pop() if self.stalls else False
        if self.port.ready is not None:
            self.port.ready.value = 0 if stalls else 1
