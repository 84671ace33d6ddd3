"""Values that differ, judged: the catalogue tried on one layer, its inputs taken as right; and on a function's calls.

For a test bench: `diagnose(graph, tensor, inputs, expected, actual)` where the device is a layer, and
`diagnose_calls(function, calls, actual)` where it is a converter or any other spec function. Both take plain arrays
and return a Diagnosis: its `named` are the mutations that give every value that was seen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.golden.compare import bits
from int8sim.golden.diagnosis import Diagnosis, Explanation
from int8sim.golden.mutations.catalogue import Mutant, catalogue
from int8sim.golden.mutations.functions import FAILURES, Variant, variants
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.replay import Replay, parts, replay
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import InputMismatchError, UnknownNameError
from int8sim.model.step import Array, Step
from int8sim.spec.integers import wrap

EXAMINED = 256
"""Values that differ, and as many that do not, by which most of the catalogue is ruled out."""
PART = 1 << 14
"""Places computed at a time."""


def diagnose(graph: Graph, tensor: str, inputs: Mapping[str, Array], expected: Array, actual: Array) -> Diagnosis:
    """Which known wrong arithmetic of one layer gives the values seen.

    tensor: the layer's output. inputs: the activations that the layer reads, by name, [batch, ...], right ones: the
    golden file's, so that this layer alone is judged. expected, actual: the golden and the device's values, of one
    shape [batch, ...] in the tensor's own layout.
    Raises UnknownNameError, InputMismatchError.
    """
    layer = graph.producer(tensor)
    if layer is None:
        raise UnknownNameError("tensor that a layer computes", tensor, [each.output for each in graph.layers])
    if expected.shape != actual.shape or len(expected) == 0:
        raise InputMismatchError(tensor, f"{list(actual.shape)} values", f"{list(expected.shape)}, at least one")
    seen = Seen(Subject.of(graph, layer), _activations(graph, layer, inputs), expected, actual)
    mutants = catalogue(seen.subject)
    reproduced = bool(layer.arithmetic) and seen.reproduced()
    explanations = _ranked(seen, mutants) if reproduced and len(seen.differing) else []
    index = tuple(map(int, np.unravel_index(seen.first, expected.shape)))
    return Diagnosis(
        layer=layer.name,
        op=layer.op.name,
        tensor=tensor,
        compared=expected.size,
        different=len(seen.differing),
        index=index,
        expected=expected[index].item(),
        actual=actual[index].item(),
        tried=len(mutants),
        explanations=tuple(explanations),
        replay=replay(seen.subject, seen.activations, index),
        reproduced=reproduced,
    )


def _activations(graph: Graph, layer: Layer, inputs: Mapping[str, Array]) -> list[Array]:
    names = [name for name in layer.inputs if name not in graph.constants]
    for name in names:
        if name not in inputs:
            raise InputMismatchError(name, f"data for {sorted(inputs)}", "every activation that the layer reads")
    return [inputs[name] for name in names]


class Seen:
    """A layer, its inputs, and what came out."""

    def __init__(self, subject: Subject, activations: list[Array], expected: Array, actual: Array) -> None:
        self.subject, self.activations = subject, activations
        self.expected, self.actual = expected.reshape(-1), actual.reshape(-1)
        unequal = bits(self.expected) != bits(self.actual)
        self.differing, matching = np.flatnonzero(unequal), np.flatnonzero(~unequal)
        self.first = int(self.differing[0]) if len(self.differing) else 0
        self.some, self.others = spread(self.differing), spread(matching)

    def reproduced(self) -> bool:
        """Whether the right arithmetic gives the expected values, where they are looked at."""
        places = np.concatenate([self.some, self.others])
        found = self.subject.values(self.activations, places)
        return bool(np.array_equal(bits(found), bits(self.expected[places].astype(found.dtype))))

    def hits(self, subject: Subject, places: Array) -> int:
        """At how many places a subject gives what came out."""
        if not len(places):
            return 0
        found = subject.values(self.activations, places)
        return int((bits(found) == bits(self.actual[places].astype(found.dtype))).sum())

    def gives_all(self, subject: Subject) -> bool:
        """Whether it does everywhere."""
        count = len(self.actual)
        parts_ = (np.arange(start, min(start + PART, count)) for start in range(0, count, PART))
        return all(self.hits(subject, places) == len(places) for places in parts_)


def spread(places: Array) -> Array:
    """At most EXAMINED of them, evenly; the first is among them."""
    return places[:: max(1, -(-len(places) // EXAMINED))]


def _ranked(seen: Seen, mutants: Sequence[Mutant]) -> list[Explanation]:
    """Those that give everything; else those that explain something, the best first."""
    found = [each for mutant in mutants for each in _explained(seen, mutant)]
    whole = [each for each in found if each.whole]
    return whole or best(found)


def best(found: Sequence[Explanation]) -> list[Explanation]:
    """In order of what they explain and keep; without those that explain nothing, or break more than they explain."""
    useful = [each for each in found if each.explained > each.matches - each.kept]
    return sorted(useful, key=lambda each: each.matches - each.kept - each.explained)


def _explained(seen: Seen, mutant: Mutant) -> Iterator[Explanation]:
    try:
        explained, kept = seen.hits(mutant.subject, seen.some), seen.hits(mutant.subject, seen.others)
        everywhere = explained == len(seen.some) and kept == len(seen.others)
        whole = everywhere and seen.gives_all(mutant.subject)
    except FAILURES:
        return
    counts = explained, len(seen.some), kept, len(seen.others)
    yield Explanation(mutant.key, mutant.words, mutant.where, *counts, whole)


def diagnose_calls(
    function: Callable[..., int] | Step,
    calls: Sequence[Sequence[int | float]],
    actual: Sequence[int],
    *,
    operands: int = 1,
    bits: int = 8,
    signed: bool = True,
) -> Diagnosis:
    """Which known wrong form of a spec function, or of a layer's step, gives the results seen.

    calls: each call's arguments, plain numbers in the function's order; of a Step only its operands. The first
    `operands` are data, the others parameters. actual: the device's result of each call. bits, signed: of its output;
    a result is compared as such a word.
    Raises InputMismatchError.
    """
    arguments, operands = _full(function, calls, operands)
    called = function.function if isinstance(function, Step) else function
    names = list(inspect.signature(called).parameters)[: len(arguments[0])] if arguments else []
    if not arguments or len(arguments) != len(actual):
        raise InputMismatchError(called.__name__, f"{len(actual)} results", f"one for each of {len(arguments)} calls")
    seen = _Results(called, names, arguments, [_word(each, bits, signed) for each in actual], bits, signed)
    ends = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    given = dict(zip(names[operands:], arguments[0][operands:], strict=True))
    tried = list(variants(called, given, [*_spread(arguments)], ends))
    found = [each for variant in tried for each in seen.explained(variant)] if seen.differing else []
    first = seen.differing[0] if seen.differing else 0
    return Diagnosis(
        layer="",
        op=called.__name__,
        tensor="",
        compared=len(arguments),
        different=len(seen.differing),
        index=(first,),
        expected=seen.expected[first],
        actual=seen.actual[first],
        tried=len(tried),
        explanations=tuple([each for each in found if each.whole] or best(found)),
        replay=_call_replay(called, names, arguments[first], operands),
    )


def _full(
    function: Callable[..., int] | Step, calls: Sequence[Sequence[int | float]], operands: int
) -> tuple[list[tuple[Any, ...]], int]:
    if isinstance(function, Step):
        row = function.at(0)
        return [(*call, *row) for call in calls], len(calls[0]) if calls else operands
    return [tuple(call) for call in calls], operands


def _word(value: int, bits_: int, signed: bool) -> int:
    return wrap(value, bits_) if signed else value & ((1 << bits_) - 1)


def _spread(arguments: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
    return arguments[:: max(1, len(arguments) // EXAMINED)]


def _call_replay(function: Callable[..., int], names: list[str], call: tuple[Any, ...], operands: int) -> Replay:
    step = Step(function, dict(zip(names[operands:], call[operands:], strict=True)))
    return Replay(role=function.__name__, operands=call[:operands], parts=tuple(parts(step, call[:operands], 0)))


class _Results:
    """A function's calls and the device's results."""

    def __init__(
        self,
        function: Callable[..., int],
        names: list[str],
        arguments: list[tuple[Any, ...]],
        actual: list[int],
        width: int,
        signed: bool,
    ) -> None:
        self.names, self.arguments, self.actual, self.width, self.signed = names, arguments, actual, width, signed
        self.expected = [_word(function(*call), width, signed) for call in arguments]
        unequal = np.array([right != seen for right, seen in zip(self.expected, actual, strict=True)])
        self.differing: list[int] = np.flatnonzero(unequal).tolist()
        self.some: list[int] = spread(np.flatnonzero(unequal)).tolist()
        self.others: list[int] = spread(np.flatnonzero(~unequal)).tolist()

    def explained(self, variant: Variant) -> Iterator[Explanation]:
        """What a variant explains, where the results are looked at; all are before it is said to explain all."""
        try:
            explained, kept = self._hits(variant, self.some), self._hits(variant, self.others)
            everywhere = explained == len(self.some) and kept == len(self.others)
            whole = everywhere and self._hits(variant, range(len(self.actual))) == len(self.actual)
        except FAILURES:
            return
        counts = explained, len(self.some), kept, len(self.others)
        yield Explanation(variant.key, variant.words, variant.where, *counts, whole)

    def _hits(self, variant: Variant, places: Iterable[int]) -> int:
        found = ((self._call(variant, self.arguments[place]), self.actual[place]) for place in places)
        return sum(_word(made, self.width, self.signed) == seen for made, seen in found)

    def _call(self, variant: Variant, call: tuple[Any, ...]) -> int:
        changed = variant.change.apply(dict(zip(self.names, call, strict=True)))
        return int(variant.function(*changed.values()))
