"""A cocotb bench around int8sim's models: ports, driver, monitor, in-order checker, Hypothesis inside a simulation.

    bench = cosim.Bench(inputs, outputs, cosim.Model(sdp_out_convert), reset=dut.rst_n)
    await bench.start()
    await bench.fuzz(transactions)

Plain ints at the border, words as hardware has them. Needs cocotb 2 and Hypothesis, `pip install 'int8sim[cosim]'`, and
raises MissingPackageError without them; only this package imports cocotb. docs/cosim.md has a whole bench.
"""

from __future__ import annotations

from int8sim.model.errors import MissingPackageError as _MissingPackageError

try:
    from int8sim.cosim.bench import Bench
    from int8sim.cosim.checker import Checker
    from int8sim.cosim.driver import Driver, Sink, StuckError
    from int8sim.cosim.fuzz import assert_bit_exact, fuzz, settings
    from int8sim.cosim.model import Model
    from int8sim.cosim.monitor import Monitor
    from int8sim.cosim.port import Port
    from int8sim.cosim.report import MismatchError, Report
    from int8sim.cosim.words import from_words, pack, to_words, unpack
except ModuleNotFoundError as _missing:
    _package = str(_missing.name).partition(".")[0]
    if _package not in {"cocotb", "hypothesis"}:
        raise
    raise _MissingPackageError(_package, "cosim", "int8sim.cosim") from None

__all__ = [
    "Bench",
    "Checker",
    "Driver",
    "MismatchError",
    "Model",
    "Monitor",
    "Port",
    "Report",
    "Sink",
    "StuckError",
    "assert_bit_exact",
    "from_words",
    "fuzz",
    "pack",
    "settings",
    "to_words",
    "unpack",
]
