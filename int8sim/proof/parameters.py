"""Whether a step's numbers are what its function takes."""

from __future__ import annotations

import inspect
import math

from int8sim.model.errors import ConverterError, ParameterError
from int8sim.model.step import Step
from int8sim.proof.interpreted import words


def check_parameters(step: Step, channel: int) -> None:
    """Raise ConverterError for other names than the function's, ParameterError for a number outside its word."""
    names = list(inspect.signature(step.function).parameters)
    if names[1:] != list(step.parameters):
        given = ", ".join(step.parameters) or "none"
        raise ConverterError(
            step.name, f"after {names[0]} it takes {', '.join(names[1:]) or 'nothing'}; given: {given}"
        )
    held = words(step)
    numbers = dict(zip(names[1:], step.at(channel), strict=True))
    for name, value in numbers.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(name, value, "a finite number")
        if name in held and not held[name].low <= value <= held[name].high:
            raise ParameterError(name, value, f"{held[name].low} .. {held[name].high}")
    if numbers.get("low", 0) > numbers.get("high", numbers.get("low", 0)):
        raise ParameterError("low", numbers["low"], f"at most high, {numbers['high']}")
