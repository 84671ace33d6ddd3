"""What is proved: a step, its exact breakpoints, its interpreted function and its compiled kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from int8sim.model.errors import ConverterError, UnknownNameError
from int8sim.model.step import Step
from int8sim.model.tensor import dtype_range
from int8sim.proof.definitions import DEFINITIONS, PATTERNS, Definition
from int8sim.proof.interpreted import bisected, interpreter, predicate
from int8sim.proof.kernels import Codes, conversion, converter
from int8sim.proof.parameters import check_parameters
from int8sim.proof.staircase import Staircase, staircase

DTYPES = ("int8", "uint8", "int16")


@dataclass(frozen=True, eq=False)
class Case:
    """One converter with one channel's parameters.

    dtype: of the codes. expected: the definition's. interpreted: operand -> code. codes: the kernel. predicate: whether
    the specification calls an operand defined; None where it says nothing.
    """

    dtype: str
    expected: Staircase
    interpreted: Callable[[int], int]
    codes: Codes
    predicate: Callable[[int], bool] | None


def prepare(step: Step, dtype: str, channel: int, judge: str) -> Case:
    """As `prove` takes them. Raises ConverterError, ParameterError, UnknownNameError, CompileError."""
    check_parameters(step, channel)
    interpreted = interpreter(step, channel)
    interpreted(0)  # what fails everywhere is refused before anything runs
    definition = _definition(step, channel, judge)
    kind = _dtype(step, definition, dtype)
    codes = conversion(step, kind) if definition.domain == PATTERNS else converter(step, kind, channel)
    return Case(kind, staircase(definition), interpreted, codes, predicate(step, channel))


def _definition(step: Step, channel: int, judge: str) -> Definition:
    """The exact definition of the function, or of another that is to judge it."""
    if judge and judge not in DEFINITIONS:
        raise UnknownNameError("exact definition", judge, DEFINITIONS)
    if not judge and step.name not in DEFINITIONS:
        return bisected(step, channel)
    parameters = dict(zip(step.parameters, step.at(channel), strict=True))
    try:
        return DEFINITIONS[judge or step.name](**parameters)
    except (ArithmeticError, LookupError, TypeError, ValueError) as problem:
        raise ConverterError(step.name, f"{judge or 'it'} is not defined for {parameters}: {problem}") from None


def _dtype(step: Step, definition: Definition, asked: str) -> str:
    """The dtype asked for, or the first, that holds all codes."""
    if asked and asked not in DTYPES:
        raise UnknownNameError("dtype", asked, DTYPES)
    least, most = definition.extremes
    for dtype in (asked,) if asked else DTYPES:
        low, high = dtype_range(dtype)
        if low <= least and most <= high:
            return dtype
    raise ConverterError(step.name, f"its codes lie in {least} .. {most}; a kernel writes {asked or ', '.join(DTYPES)}")
