"""One converter proved: exact breakpoints, the sweep against them, the interpreted function beside it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from int8sim.model.accumulation import describe
from int8sim.model.errors import ParameterError
from int8sim.model.step import Step
from int8sim.proof.case import prepare
from int8sim.proof.points import chosen, disagreements
from int8sim.proof.report import Proof
from int8sim.proof.search import Interval
from int8sim.proof.sweep import FIRST_FEW, sweep

POINTS = 1_000_000


def prove_step(
    step: Step,
    *,
    dtype: str = "",
    channel: int = 0,
    judge: str = "",
    only: Interval | None = None,
    points: int = POINTS,
    progress: Callable[[int], None] = lambda _: None,
) -> Proof:
    """Run every operand of a converter through its compiled kernel and compare it with its exact definition.

    dtype: of the codes; by default the first of int8, uint8, int16 that holds them. channel: whose parameters. judge:
    the function, as module:name, by whose definition it is judged, its own by default. only: first and last operand of
    a part of the sweep. points: random ones for the interpreted function. progress: called with operands done.
    Raises ConverterError, ParameterError, UnknownNameError, CompileError.
    """
    started = time.perf_counter()
    case = prepare(step, dtype, channel, judge)
    first, last = reach = _reach(case.expected.definition.domain, only)
    swept = sweep(case.codes, case.expected, reach, progress)
    places = chosen(case.expected, reach, points)
    wrong = disagreements(case, places)
    shown = disagreements(case, np.array(swept.mismatches, np.int64)) or wrong[:FIRST_FEW]
    undefined = case.expected.undefined(first, last)
    return Proof(
        converter=describe(step, channel),
        function=step.name,
        parameters=dict(zip(step.parameters, step.at(channel), strict=True)),
        dtype=case.dtype,
        rule=case.expected.definition.rule,
        first=first,
        last=last,
        whole=reach == case.expected.definition.domain,
        breakpoints=case.expected.breakpoints,
        compared=last - first + 1 - undefined,
        undefined=undefined,
        different=swept.different,
        unpredicted=swept.unpredicted,
        points=len(places),
        points_different=len(wrong),
        counterexamples=tuple(shown),
        sha256=swept.digest.hex(),
        seconds=time.perf_counter() - started,
    )


def _reach(domain: Interval, only: Interval | None) -> Interval:
    """The part of the domain that is swept. Raises ParameterError."""
    first, last = only or domain
    if not domain[0] <= first <= last <= domain[1]:
        raise ParameterError("only", f"{first}:{last}", f"first:last, ascending, within {domain[0]} .. {domain[1]}")
    return first, last
