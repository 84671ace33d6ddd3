"""How a bad argument is refused: at the call, as Hypothesis refuses its own."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis.errors import InvalidArgument


def require(condition: object, name: str, value: object, valid: str) -> None:
    """Raise InvalidArgument, with the value's repr and what is valid, unless the condition holds."""
    if not condition:
        msg = f"Got {name}={value!r}, but {valid}"
        raise InvalidArgument(msg)


def require_one_of(name: str, value: object, known: Iterable[object]) -> None:
    """Raise InvalidArgument unless the value is one of those known."""
    valid = list(known)
    require(value in valid, name, value, f"the only valid values are {', '.join(map(repr, valid))}")


def require_size(name: str, value: object, low: int, high: int) -> None:
    """Raise InvalidArgument unless the value is an int of low .. high."""
    legal = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
    require(legal, name, value, f"the only valid values are the integers {low} to {high}")
