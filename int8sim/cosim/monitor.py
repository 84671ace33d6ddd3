"""What passes on a port, beat by beat."""

from __future__ import annotations

from collections.abc import Callable

import cocotb
from cocotb.triggers import RisingEdge

from int8sim.cosim.port import Port, Seen


class Monitor:
    """Hands every beat that passes on a port to `observe`.

    A valid or ready signal that is unknown, as before a reset, passes nothing; an unknown bit on a field is shown as
    such. each_cycle: called behind every rising edge, whether a beat passed or not.
    """

    def __init__(
        self, port: Port, observe: Callable[[Seen], None], each_cycle: Callable[[], None] | None = None
    ) -> None:
        self.port, self.observe, self.each_cycle = port, observe, each_cycle

    def start(self) -> None:
        """Watch, from now to the end of the simulation or of the test."""
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        edge = RisingEdge(self.port.clock)
        while True:
            await edge
            if self.port.passes():
                self.observe(self.port.sample())
            if self.each_cycle:
                self.each_cycle()
