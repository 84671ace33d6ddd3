"""Which known wrong arithmetic explains everything that a device has put out, over all runs of a test."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from int8sim.cosim.model import Model, Transaction, beats_of, codes
from int8sim.cosim.report import Mismatch

if TYPE_CHECKING:
    from int8sim.golden.diagnosis import Diagnosis
    from int8sim.graph.ir import Graph

SHOWN = 24
"""Calls of the model on the screen."""


@dataclass(frozen=True)
class Outcome:
    """A transaction, the output beats that the model makes of it, and those that came so far."""

    index: int
    transaction: Transaction
    expected: list[dict[str, int]]
    seen: list[Mapping[str, int | str]]


def told_model(model: Model, first: Mismatch) -> list[str]:
    """How the model came to the value of a mismatch: the spec functions that it called, inner ones first."""
    if model.graph:
        return _told_layer(model.graph, model, first)
    from int8sim.golden.replay import parts
    from int8sim.model.step import Step

    lines = parts(Step(model.function, {}), tuple(model.arguments(first.transaction).values()), 0)
    told = [line for line in lines if not line.lstrip().startswith("lane(")]
    return told[:SHOWN] + [f"... and {len(told) - SHOWN} more"] * (len(told) > SHOWN)


def _told_layer(graph: Graph, model: Model, first: Mismatch) -> list[str]:
    """Products, accumulator and step of one element of the graph's output."""
    import numpy as np

    from int8sim.golden.mutations.subject import Subject
    from int8sim.golden.replay import replay
    from int8sim.graph.run import run

    layer = graph.producer(graph.outputs[0])
    tensors = run(graph, codes(graph, first.transaction), keep="all")
    beats = beats_of(model(first.transaction), first.field.partition("[")[0])
    place = [(at, name) for at, beat in enumerate(beats) for name in beat].index((first.beat, first.field))
    index = tuple(map(int, np.unravel_index(place, tensors[graph.outputs[0]].shape)))
    if layer is None or not layer.arithmetic:
        return []
    reads = [tensors[name] for name in layer.inputs if name not in graph.constants]
    return replay(Subject.of(graph, layer), reads, index).lines()


class Verdict(NamedTuple):
    """lines: for the screen. named: the mutations that give every value seen, in words; () if none does."""

    lines: list[str]
    named: tuple[str, ...] = ()


def diagnosis(model: Model, outcomes: Iterable[Outcome], bits: Mapping[str, int], signed: Iterable[str]) -> Verdict:
    """The mutations of the catalogue that give every value seen, or that none does.

    bits, signed: of the output port's fields.
    """
    outcomes = list(outcomes)
    calls = _calls(model, outcomes)
    differ = [call for call in calls if call.expected != call.actual]
    if not differ:
        return Verdict(["no value differs: what is missing or too much is no matter of arithmetic"])
    if any(isinstance(call.actual, str) for call in differ):
        return Verdict(["some bits are unknown (x): none of the catalogue's mutations explains that"])
    state = _contradiction(calls)
    if state:
        return Verdict([state, "none of the catalogue's mutations explains that: it is state, not arithmetic"])
    if model.graph:
        return _of_layer(model.graph, outcomes)
    return _judged(model, calls, bits, {name for name in bits if name.partition("[")[0] in set(signed)})


class Call(NamedTuple):
    """One value of an output beat. place: of the beat; field: its name."""

    arguments: tuple[Any, ...]
    place: int
    field: str
    expected: int
    actual: int | str


def _calls(model: Model, outcomes: Iterable[Outcome]) -> list[Call]:
    """Every value seen, each once."""
    found: dict[str, Call] = {}
    for outcome in outcomes:
        arguments = tuple(model.arguments(outcome.transaction).values())
        for place, (expected, seen) in enumerate(zip(outcome.expected, outcome.seen, strict=False)):
            for name, value in expected.items():
                call = Call(arguments, place, name, value, seen[name])
                found.setdefault(repr(call), call)
    return list(found.values())


def _contradiction(calls: Sequence[Call]) -> str:
    """That one transaction gave two results, if one did."""
    first: dict[str, Call] = {}
    for call in calls:
        other = first.setdefault(repr(call[:3]), call)
        if other.actual != call.actual:
            return f"the same transaction gave {other.actual} and {call.actual} in field {call.field}"
    return ""


def _of_layer(graph: Graph, outcomes: Iterable[Outcome]) -> Verdict:
    """The graph's last layer, by the outcomes that are whole."""
    import numpy as np

    from int8sim.golden.diff import diagnose
    from int8sim.graph.run import run

    whole = [each for each in outcomes if len(each.seen) == len(each.expected)]
    samples = [codes(graph, each.transaction) for each in whole]
    tensors = run(graph, {name: np.concatenate([each[name] for each in samples]) for name in graph.inputs}, keep="all")
    right = tensors[graph.outputs[0]]
    seen = np.array([[value for beat in each.seen for value in beat.values()] for each in whole], right.dtype)
    found = diagnose(graph, graph.outputs[0], tensors, right, seen.reshape(right.shape))
    return Verdict(found.verdict(), tuple(each.words for each in found.named))


def _judged(model: Model, calls: Sequence[Call], bits: Mapping[str, int], signed: set[str]) -> Verdict:
    """By the catalogue, field by field, all lanes of one together."""
    fields = dict.fromkeys(_field(call) for call in calls if call.expected != call.actual)
    groups = [[call for call in calls if _field(call) == field] for field in fields]
    found = [_diagnosed(model, group, bits[group[0].field], group[0].field in signed) for group in groups]
    names = [{(each.words, each.where) for each in judged.named} for judged in found]
    common = sorted(set.intersection(*names))
    if not common:
        return Verdict(next((each for each in found if not each.named), found[0]).verdict())
    counted = f"{sum(each.different for each in found):,} of {sum(each.compared for each in found):,} values differ"
    said = [f"  {words} ({where.replace('picked > reference', model.name)})" for words, where in common]
    lines = [f"{counted}; all are explained, and every match is kept, by:", *said]
    return Verdict(lines, tuple(words for words, _ in common))


def _field(call: Call) -> str:
    return call.field.partition("[")[0]


def _diagnosed(model: Model, calls: Sequence[Call], bits: int, signed: bool) -> Diagnosis:
    """Of calls of one output field: the model itself where it gives an int, else what it gives there."""
    from int8sim.golden.diff import diagnose_calls

    actual = [int(call.actual) for call in calls]
    if isinstance(model.function(*calls[0].arguments), int):
        return diagnose_calls(model.function, [call.arguments for call in calls], actual, bits=bits, signed=signed)
    given = [(*call.arguments, call.place, call.field) for call in calls]
    function = _picking(model, len(given[0]))
    return diagnose_calls(function, given, actual, operands=len(given[0]), bits=bits, signed=signed)


def _picking(model: Model, count: int) -> Callable[..., int]:
    """A function of one result, of so many arguments; the model stands in its call tree."""
    from int8sim.golden.mutations.sites import copied

    made = copied(picked, {"reference": model.function})
    names = [f"argument_{place}" for place in range(count)]
    made.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    )
    return made


def reference(*arguments: Any) -> Any:
    """The place of the model in `picked`."""


def picked(*arguments: Any) -> int:
    """One field of one output beat: the last two arguments say which."""
    *given, place, name = arguments
    value: int = beats_of(reference(*given))[place][name]
    return value
