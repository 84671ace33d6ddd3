"""One output element, computed again with everything in between: products, accumulator, each part of its steps."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from types import FunctionType
from typing import Any

import numpy as np

from int8sim.golden.mutations.products import Products
from int8sim.golden.mutations.sites import Path, traced
from int8sim.golden.mutations.subject import Subject
from int8sim.model.step import Array, LookupTable, Step
from int8sim.spec import float32, integers, rounding
from int8sim.spec.rounding import Rounding

SHOWN = 24
"""Products and calls on the screen; --json has all."""


@dataclass(frozen=True)
class Product:
    """One product. where: (channel, row, column) in the weights. x: the code; x_real, w: less their zero points."""

    where: tuple[int, ...]
    x: int
    x_real: int
    w: int
    value: int


@dataclass(frozen=True)
class Replay:
    """How one element came about.

    products: of a layer with weights. total: their sum; bias; role: of the step that gave the code; operands: what it
    was given, for `output` the accumulator with its bias. parts: every call of the step's functions, inner ones first,
    in words.
    """

    products: tuple[Product, ...] = ()
    total: int = 0
    bias: int = 0
    role: str = ""
    operands: tuple[int | float, ...] = ()
    parts: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For the screen: the products that are not 0, the first of them."""
        return [*self._products(), *self._operands(), *(f"  {part}" for part in self.parts)]

    def _products(self) -> Iterator[str]:
        if not self.products:
            return
        some = [each for each in self.products if each.value]
        yield f"  {len(self.products)} products, {len(self.products) - len(some)} of them 0:"
        for each in some[:SHOWN]:
            signs = (
                f"({each.x} - {each.x - each.x_real}) * {each.w}" if each.x != each.x_real else f"{each.x} * {each.w}"
            )
            yield f"    w{list(each.where)}: {signs} = {each.value}"
        if len(some) > SHOWN:
            yield f"    ... and {len(some) - SHOWN} more, together {sum(each.value for each in some[SHOWN:])}"
        yield f"  sum {self.total}, bias {self.bias}"

    def _operands(self) -> Iterator[str]:
        if self.role:
            name = "accumulator" if self.role == "output" else f"{self.role} of"
            yield f"  {name} {', '.join(map(str, self.operands))}"


def replay(subject: Subject, activations: Sequence[Array], index: tuple[int, ...]) -> Replay:
    """One element of the layer's output, by its index in the tensor's own layout. activations: as Subject.values."""
    if not subject.arithmetic:
        return Replay()
    channel = index[subject.output.channel_axis]
    if subject.products is not None:
        return _of_products(subject, subject.products, activations[0], index)
    given = subject.op.operands_at(subject.types, subject.arithmetic, subject.inputs(activations), index)
    if not given:
        return Replay()
    role, operands = given
    return Replay(role=role, operands=operands, parts=tuple(parts(subject.arithmetic[role], operands, channel)))


def _of_products(subject: Subject, products: Products, x: Array, index: tuple[int, ...]) -> Replay:
    place = np.ravel_multi_index(index, products.shape(x))
    accumulators, channels = products.accumulators(x, np.array([place]))
    acc, channel = int(accumulators[0]), int(channels[0])
    codes, weights = products.taps(x, int(place))
    pairs = zip(products.places(), codes, weights, strict=True)
    rows = [Product(where, a, a - products.zero, w, (a - products.zero) * w) for where, a, w in pairs]
    bias = int(products.bias[channel] - products.share[channel])
    total = sum(row.value for row in rows)
    step = subject.arithmetic["output"]
    return Replay(tuple(rows), total, bias, "output", (acc,), tuple(parts(step, (acc,), channel)))


def parts(step: Step, operands: Sequence[float], channel: int) -> list[str]:
    """Every call inside a step, in the order in which they returned, and the step itself."""
    found: list[str] = []

    def note(path: Path, callee: FunctionType, arguments: tuple[Any, ...], result: Any) -> None:
        if callee.__module__ != float32.__name__ or callee is float32.half_even:
            found.append("  " * (len(path) - 1) + said(callee, arguments, result))

    given = (*operands, *step.at(channel))
    result = traced(step.function, note)(*given)
    return [*found, said(step.function, given, result)]


def said(function: Any, arguments: tuple[Any, ...], result: Any) -> str:
    """One call in words; roundings and clamps in the words of the field."""
    if function in (rounding.shift_right, rounding.shift_right_32):
        value, shift, mode = arguments
        exact = value / 2**shift
        tie = ", a tie" if abs(exact) % 1 == 0.5 else ""
        return f"{function.__name__}: {value} / 2**{shift} = {exact!r}{tie}, {Rounding(mode).name} -> {result}"
    if function is float32.half_even:
        return f"half_even: {arguments[0]!r} -> {result}"
    if function in (integers.clamp, integers.saturate, integers.wrap):
        word = (
            "" if arguments[0] == result else f" ({function.__name__}s)" if function is not integers.clamp else CLAMPED
        )
        bounds = " .. ".join(map(str, arguments[1:3])) if function is integers.clamp else f"{arguments[1]} bits"
        return f"{function.__name__}: {arguments[0]} to {bounds} -> {result}{word}"
    return f"{function.__name__}({_named(function, arguments)}) = {result}"


CLAMPED = " (saturates)"


def _named(function: Any, arguments: tuple[Any, ...]) -> str:
    names = inspect.signature(function).parameters
    plain = zip(names, arguments, strict=False)
    return ", ".join(f"{name}={value!r}" for name, value in plain if not isinstance(value, list | LookupTable))
