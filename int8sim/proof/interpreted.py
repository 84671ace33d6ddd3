"""A step as the interpreter runs it: its code, whether it is defined, and breakpoints where nothing else defines it."""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

from int8sim.model.errors import ConverterError
from int8sim.model.step import Step
from int8sim.proof.definitions import Definition
from int8sim.proof.search import INT32, Interval, around_zero
from int8sim.spec.integers import Word

BISECTED = "bisection of the interpreted function: it must be monotone, and defined on one interval"


def interpreter(step: Step, channel: int) -> Callable[[int], int]:
    """operand -> code, by the spec function itself. The result raises ConverterError where the function fails."""
    parameters = step.at(channel)
    return _guarded(step, lambda operand: operator.index(step.function(operand, *parameters)))


def predicate(step: Step, channel: int) -> Callable[[int], bool] | None:
    """`<function>_is_defined` beside the function; None where there is none."""
    found = getattr(sys.modules[step.function.__module__], f"{step.function.__name__}_is_defined", None)
    if found is None:
        return None
    given = dict(zip(step.parameters, step.at(channel), strict=True))
    fixed = {each: given[each] for each in inspect.signature(found).parameters if each in given}
    return _guarded(step, lambda operand: bool(found(operand, **fixed)))


def _guarded(step: Step, call: Callable[[int], Any]) -> Callable[[int], Any]:
    def guarded(operand: int) -> Any:
        try:
            return call(operand)
        except Exception as problem:
            reason = f"it fails at {operand} with {type(problem).__name__}: {problem}"
            raise ConverterError(step.name, f"{reason}; check its parameters") from None

    return guarded


def words(step: Step) -> dict[str, Word]:
    """The words that the function's arguments are annotated with, by name."""
    return {
        name: word
        for name, hint in get_type_hints(step.function, include_extras=True).items()
        for word in getattr(hint, "__metadata__", ())
        if isinstance(word, Word)
    }


def bisected(step: Step, channel: int) -> Definition:
    """The interpreted function as its own definition: all that somebody else's converter has.

    Its domain: the int32 accumulators that the word of its operand holds, all of them where it names no word.
    """
    word = words(step).get(next(iter(inspect.signature(step.function).parameters)), Word(32, signed=True))
    domain: Interval = max(word.low, INT32[0]), min(word.high, INT32[1])
    holds = predicate(step, channel)
    defined = around_zero(holds, domain) if holds else (domain,)
    period = domain[1] - domain[0] + 1
    return Definition(interpreter(step, channel), domain, period, defined=defined, rule=BISECTED)
