"""Every wrong form of one spec function: each part of its call tree replaced, each parameter wrong."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from int8sim.golden.mutations.arguments import Change, Parameters, changes
from int8sim.golden.mutations.parts import Calls, substitutes
from int8sim.golden.mutations.sites import Function, Path, Site, fixed, replaced, sites, traced
from int8sim.spec import float32, rounding
from int8sim.spec.rounding import shift_right

Probes = Sequence[tuple[Any, ...]]
"""A few full lists of arguments, plain numbers."""
ROUNDS = (rounding.shift_right, rounding.shift_right_32, float32.half_even)
FAILURES = (ArithmeticError, ValueError, LookupError)
"""What interpreted arithmetic raises out of its domain, such as a negative shift."""


class Variant(NamedTuple):
    """key, words: of the catalogue. where: the function, or the way down its call tree. change: of the parameters."""

    key: str
    words: str
    where: str
    function: Function
    change: Change


KEEP = Change("", "", lambda given: given)


def variants(function: Function, parameters: Parameters, probes: Probes, bounds: tuple[int, int]) -> Iterator[Variant]:
    """The catalogue's entries for a function.

    parameters: by name, in order, behind the operands. probes: with which the parts' own arguments are seen; a part
    that none of them reaches is left out. bounds: the lowest and highest code of the output's type.
    """
    seen = _seen(function, probes)
    for site in (Site((), function), *sites(function)):
        if site.path in seen:
            yield from _in_place(function, site, seen[site.path])
    for change in changes(parameters, bounds):
        yield Variant(change.key, change.words, function.__name__, function, change)
    if "zero_point" in parameters:
        yield from _zero_point_early(function, parameters, probes, seen)


def _seen(function: Function, probes: Probes) -> Mapping[Path, Calls]:
    """The arguments at every site, by path; () is the function itself."""
    found: dict[Path, Calls] = {(): [tuple(probe) for probe in probes]}
    watched = traced(function, lambda path, _, arguments, __: found.setdefault(path, []).append(arguments))
    for probe in probes:
        try:
            watched(*probe)
        except FAILURES:
            continue
    return found


def _in_place(function: Function, site: Site, calls: Calls) -> Iterator[Variant]:
    for part in substitutes(site.callee, calls):
        where = " > ".join((function.__name__, *site.path))
        key = "@".join((part.key, ".".join(site.path))) if site.path else part.key
        yield Variant(key, part.words, where, replaced(function, site.path, part.function), KEEP)


def _zero_point_early(
    function: Function, parameters: Parameters, probes: Probes, seen: Mapping[Path, Calls]
) -> Iterator[Variant]:
    """The zero point added to the operand, and added before each rounding of the tree."""
    names = list(inspect.signature(function).parameters)
    place, operands = names.index("zero_point"), len(names) - len(parameters)
    zero_points = {probe[place] for probe in probes}
    if not any(zero_points):
        return
    if operands == 1 or names[1] == "count":
        words = "zero point added before the scaling"
        yield Variant("zero_point_first", words, function.__name__, _added_first(function, place), KEEP)
    for site in sites(function):
        if site.callee in ROUNDS and site.path in seen:
            where = " > ".join((function.__name__, *site.path))
            key = f"zero_point_early@{'.'.join(site.path)}"
            if len(zero_points) == 1:
                yield Variant(key, EARLY, where, _added_early(function, site, *zero_points), WITHOUT)
            else:
                yield Variant(key, EARLY, where, _each_added_early(function, site, place), KEEP)


def _added_early(function: Function, site: Site, zero_point: int) -> Function:
    """The function with one zero point added before a rounding; it is to be called with 0 for its own."""
    early = real_offset if site.callee is float32.half_even else shift_offset
    return replaced(function, site.path, fixed(early, zero_point))


def _each_added_early(function: Function, site: Site, place: int) -> Function:
    """The same for calls whose zero points differ."""
    made = functools.cache(functools.partial(_added_early, function, site))

    def call(*arguments: Any) -> Any:
        return made(arguments[place])(*arguments[:place], 0, *arguments[place + 1 :])

    return call


EARLY = "zero point added before the rounding"
WITHOUT = Change("", "", lambda given: {**given, "zero_point": 0})


def shift_offset(value: int, shift: int, rounding: int, offset: int) -> int:
    """`shift_right` of a value with the offset in it already."""
    return shift_right(value + (offset << shift), shift, rounding)


def real_offset(value: float, offset: int) -> int:
    """`half_even` of a value with the offset in it already."""
    return float32.half_even(float32.float32(value + offset))


def _added_first(function: Function, place: int) -> Function:
    def call(operand: Any, *rest: Any) -> Any:
        parameters = [*rest[: place - 1], 0, *rest[place:]]
        return function(operand + rest[place - 1], *parameters)

    return call
