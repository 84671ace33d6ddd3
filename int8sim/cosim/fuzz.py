"""Hypothesis inside a simulation: examples on a thread of their own, the device reached through cocotb's bridge.

Hypothesis runs no coroutines, and a simulation an example would be 200 times slower: here one simulation runs them all.
The device is reset before each example, as hidden state would make the shrinking of a failure a matter of luck.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
import hypothesis
from cocotb.task import bridge, resume
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase
from hypothesis.errors import HypothesisSideeffectWarning
from hypothesis.strategies import SearchStrategy

PHASES = (Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink)
"""Without Phase.explain, which traces every line that runs."""
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
"""A simulated device takes the time it takes, and a tensor is large."""


def settings(max_examples: int = 200, database: str | Path | None = None) -> hypothesis.settings:
    """No deadline. database: a folder in which failing examples are kept for the next run; None keeps none."""
    kept: ExampleDatabase | None = None if database is None else DirectoryBasedExampleDatabase(database)
    return hypothesis.settings(
        max_examples=max_examples,
        deadline=None,
        derandomize=False,  # the seed is the simulation's, on a build server too
        database=kept,
        suppress_health_check=SLOW,
        report_multiple_bugs=False,
        print_blob=False,
        phases=PHASES,
    )


async def fuzz(
    body: Callable[..., Awaitable[Any]],
    *strategies: SearchStrategy[Any],
    reset: Callable[[], Awaitable[Any]] | None = None,
    using: hypothesis.settings | None = None,
) -> None:
    """Await body(*example) for examples of the strategies; the error of the simplest that fails is raised.

    reset: awaited before each example. using: `settings()` by default. The seed is the simulation's own, which cocotb
    prints and takes from COCOTB_RANDOM_SEED: the same seed, the same examples.
    """

    async def example(drawn: tuple[Any, ...]) -> None:
        if reset:
            await reset()
        await body(*drawn)

    @hypothesis.seed(cocotb.RANDOM_SEED)
    @(using or settings())
    @hypothesis.given(st.tuples(*strategies))
    def examples(drawn: tuple[Any, ...]) -> None:
        resume(example)(drawn)

    with (
        warnings.catch_warnings()
    ):  # cocotb loads pytest's plugins, and Hypothesis takes that for the start of a session
        warnings.simplefilter("ignore", HypothesisSideeffectWarning)
        await bridge(examples)()


async def assert_bit_exact(
    dut: Callable[..., Awaitable[Any]], reference: Any, strategy: SearchStrategy[Any] | None = None, **options: Any
) -> int:
    """As int8sim.testing.assert_bit_exact, the device a coroutine function that drives the simulated one.

    The seed is the simulation's, as in `fuzz`.
    """
    from int8sim.testing import assert_bit_exact as blocking

    options = {"seed": cocotb.RANDOM_SEED, **options}
    compared: int = await _on_a_thread(blocking, resume(dut), reference, strategy, **options)
    return compared


async def _on_a_thread(blocking: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The result; cocotb loads pytest's plugins, which Hypothesis takes for the start of a session that forbids it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", HypothesisSideeffectWarning)
        return await bridge(blocking)(*arguments, **options)
