"""The whole catalogue for one layer: every step's wrong forms, then every operand's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from int8sim.golden.mutations.functions import Probes, variants
from int8sim.golden.mutations.operands import wrong_operands
from int8sim.golden.mutations.subject import Subject
from int8sim.model.step import Step
from int8sim.model.tensor import dtype_range

ACCUMULATORS = sorted({sign * each for sign in (1, -1) for each in (0, 1, 3, 37, 1000, 54321, 10**6, 1 << 30)})
CODES = (-128, -77, -1, 0, 1, 5, 90, 127)
REALS = (-3.7, -0.5, 0.0, 0.26, 1.0, 99.9)
OPERANDS: Mapping[str, tuple[float, ...]] = {
    "acc": ACCUMULATORS,  # type: ignore[dict-item]
    "total": (-900, -7, 0, 5, 700),
    "count": (1, 4, 9),
    "real": REALS,
    "place": (0, 64),
    "size": (65,),
    "exponential": (1, 100),
    "difference": (-90, 0),
}
"""By the operand's name, what a function is probed with; codes for any other."""
PROBED_CHANNELS = 16


class Mutant(NamedTuple):
    """One entry of the catalogue for a layer. key: stable; words: for a review; where: the role and the function.

    fits: what must have at most so many bits, for this to be no mutation at all: (sum, 16) ...
    """

    key: str
    words: str
    where: str
    subject: Subject
    fits: tuple[str, int] | None = None

    def __str__(self) -> str:
        return f"{self.words} ({self.where})" if self.where else self.words


def catalogue(subject: Subject) -> list[Mutant]:
    """Every known wrong form of the layer that changes its data; () for a float layer."""
    return [
        *_of_steps(subject),
        *(Mutant(each.key, each.words, "", each.subject, each.fits) for each in _of_operands(subject)),
    ]


def _of_operands(subject: Subject) -> Iterator[Any]:
    for each in wrong_operands(subject):
        if not _same_data(subject, each.subject):
            yield each


def _of_steps(subject: Subject) -> Iterator[Mutant]:
    bounds = dtype_range(subject.output.dtype) if subject.output.quant else (-128, 127)
    for role, step in subject.arithmetic.items():
        if role == "accumulate":
            continue  # its register is among the operands' mutations
        for each in variants(step.function, step.parameters, probes(step), bounds):
            wrong = replace(step, function=each.function, parameters=each.change.apply(step.parameters))
            if not same_step(step, wrong):
                yield Mutant(f"{role}.{each.key}", each.words, f"{role}: {each.where}", subject.with_step(role, wrong))


def probes(step: Step) -> Probes:
    """A few full lists of arguments for a step."""
    names = list(inspect.signature(step.function).parameters)
    operands = names[: len(names) - len(step.parameters)]
    lengths = [len(each) for each in step.parameters.values() if isinstance(each, np.ndarray)]
    rows = [step.at(channel) for channel in range(min([*lengths, PROBED_CHANNELS]) if lengths else 1)]
    given = product(*(OPERANDS.get(name, CODES) for name in operands))
    return [(*each, *row) for each in given for row in rows]


def same_step(one: Step, other: Step) -> bool:
    """Whether two steps are the same function of the same numbers."""
    pairs = zip(one.parameters.values(), other.parameters.values(), strict=True)
    return one.function is other.function and all(a is b or bool(np.all(np.asarray(a) == b)) for a, b in pairs)


def _same_data(one: Subject, other: Subject) -> bool:
    """Whether a wrong operand is the right one after all: a bias of zeros, a symmetric kernel."""
    if one.sums is None or other.sums is None:
        return False
    first, second = vars(one.sums), vars(other.sums)
    return all(first[name] is second[name] or _equal(first[name], second[name]) for name in first)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    return bool(one == other)
