"""`assert_bit_exact`: somebody's own model fuzzed against a graph, a layer's step or a spec function."""

from __future__ import annotations

import inspect
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from int8sim.golden.compare import is_defined
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.step import Array, Step
from int8sim.spec.integers import Word
from int8sim.testing.comparing import Tensors, array_differences, differences

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Device = Callable[..., Any]
SHOWN = 64
"""Values of an input tensor on the screen."""
FEW = 8
"""Arguments of about this size meet at ties, and do not saturate."""
SIMPLER = 400
"""Runs that make a failing example simpler."""


def assert_bit_exact(
    dut: Device,
    reference: Graph | Step | Callable[..., int],
    strategy: SearchStrategy[Any] | None = None,
    *,
    examples: int = 500,
    backend: str = "cpu",
    seed: int | None = None,
) -> int:
    """How many values were compared, all equal; else AssertionError: the simplest input that differs, and why.

    A Graph: dut(*inputs) takes its inputs as arrays [batch, ...] in order, and returns the output's array, or a tuple
    or mapping of all; a ctypes function is called as dut(*inputs, *outputs, batch), pointers to contiguous values in
    the tensors' own layout. strategy: of mappings of input arrays, by default `strategies.inputs(reference)`.
    A Step or a spec function: dut(*operands, *parameters) takes and returns ints; strategy: of the operands of a step,
    by default `strategies.accumulators(step=reference)`, or of all arguments of a function, by default every word that
    its annotations name; operands for which the hardware leaves the result undefined are left out.
    examples: how many; backend: on which a graph runs; seed: of the examples, None for Hypothesis' own choice.
    In a simulation: int8sim.cosim.assert_bit_exact.
    Raises AssertionError, and InvalidArgument where a function needs a strategy.
    """
    subject = _subject(dut, reference, backend)
    try:
        _search(subject, subject.strategy() if strategy is None else strategy, examples, seed)
    except _DiffersError:
        raise AssertionError("\n".join(subject.lines())) from None
    return subject.compared


def _subject(dut: Device, reference: Graph | Step | Callable[..., int], backend: str) -> _Subject:
    return _OfGraph(dut, reference, backend) if isinstance(reference, Graph) else _OfCalls(dut, reference)


class _DiffersError(AssertionError):
    """An example that differs."""


def _search(subject: _Subject, strategy: SearchStrategy[Any], examples: int, seed: int | None) -> None:
    import hypothesis
    from hypothesis import HealthCheck

    @hypothesis.settings(
        max_examples=examples,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example),
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
    )
    @hypothesis.given(strategy)
    def example(drawn: Any) -> None:
        hypothesis.assume(subject.defined(drawn))
        if not subject.equal(drawn):
            raise _DiffersError

    (example if seed is None else hypothesis.seed(seed)(example))()


class _Subject(ABC):
    """A device and its reference. compared: values so far; the latest example stays for `lines`."""

    compared = 0

    @abstractmethod
    def strategy(self) -> SearchStrategy[Any]:
        """Where none is given."""

    def defined(self, drawn: Any) -> bool:  # noqa: ARG002 (a graph's place is explained, not left out)
        """Whether the hardware defines the result."""
        return True

    @abstractmethod
    def equal(self, drawn: Any) -> bool:
        """Whether device and reference agree."""

    @abstractmethod
    def lines(self) -> list[str]:
        """What differs in the latest example, and which known wrong arithmetic explains all."""


class _OfGraph(_Subject):
    def __init__(self, dut: Device, graph: Graph, backend: str) -> None:
        self.dut, self.graph, self.backend = dut, graph, backend
        self.runs: list[tuple[dict[str, Array], dict[str, Array]]] = []
        self.failing: dict[str, Array] = {}

    def strategy(self) -> SearchStrategy[Any]:
        from int8sim import strategies

        return strategies.inputs(self.graph)

    def equal(self, drawn: Mapping[str, Array]) -> bool:
        expected = run(self.graph, drawn, backend=self.backend, keep="all")
        wanted = {name: expected[name] for name in self.graph.outputs}
        actual = _outputs(self.dut, [expected[name] for name in self.graph.inputs], wanted)
        self.runs.append((expected, actual))
        self.compared += sum(values.size for values in wanted.values())
        return Tensors(actual) == wanted

    def _simplify(self) -> None:
        """One sample, with zeros wherever it differs still: noise, drawn by a seed, shrinks in no other way."""
        self.failing = {name: self.runs[-1][0][name] for name in self.graph.inputs}
        for steps in (self._samples(), self._zeros()):
            for simpler in itertools.islice(steps, SIMPLER):
                self._keep(simpler)
        self.equal(self.failing)

    def _keep(self, simpler: dict[str, Array]) -> None:
        if not self.equal(simpler):
            self.failing = simpler

    def _samples(self) -> Iterator[dict[str, Array]]:
        """Each sample by itself."""
        whole = self.failing
        for at in range(len(next(iter(whole.values())))):
            yield {name: values[at : at + 1] for name, values in whole.items()}

    def _zeros(self) -> Iterator[dict[str, Array]]:
        """The simplest so far with zeros in place of a half, a quarter ... an element of each input."""
        for name, values in self.failing.items():
            width = values.size
            while width:
                for at in range(0, values.size, width):
                    changed = self.failing[name].copy()
                    changed.reshape(-1)[at : at + width] = 0
                    if not np.array_equal(changed, self.failing[name]):
                        yield {**self.failing, name: changed}
                width //= 2

    def lines(self) -> list[str]:
        self._simplify()
        expected, actual = self.runs[-1]
        wanted = {name: expected[name] for name in self.graph.outputs}
        given = [f"input {name}, {_told(expected[name])}" for name in self.graph.inputs]
        found = differences({**expected, **actual}, {**expected, **wanted}, self.graph)
        return [f"graph {self.graph.name} differs", *given, *found, *self._verdict()]

    def _verdict(self) -> list[str]:
        """Over all examples, of the first output that differs, if every one of them is of the right shape."""
        from int8sim.golden.diff import diagnose

        expected, actual = self.runs[-1]
        wrong = [name for name in self.graph.outputs if array_differences(actual[name], expected[name])]
        layer = self.graph.producer(wrong[0]) if wrong else None
        usable = [(e, a) for e, a in self.runs if a[wrong[0]].shape == e[wrong[0]].shape] if layer else []
        if layer is None or not layer.arithmetic or not usable:
            return []
        reads = [name for name in layer.inputs if name not in self.graph.constants]
        inputs = {name: np.concatenate([e[name] for e, _ in usable]) for name in reads}
        right, seen = (np.concatenate([pair[side][wrong[0]] for pair in usable]) for side in (0, 1))
        return diagnose(self.graph, wrong[0], inputs, right, seen.astype(right.dtype)).verdict()


def _outputs(dut: Device, inputs: Sequence[Array], wanted: Mapping[str, Array]) -> dict[str, Array]:
    """What the device makes of a batch, by name; an empty array for an output that it does not give."""
    if hasattr(dut, "argtypes"):
        return _from_c(dut, inputs, wanted)
    made = dut(*inputs)
    if not isinstance(made, Mapping):
        made = dict(zip(wanted, made if isinstance(made, tuple) else [made], strict=False))
    return {name: _as_code(np.asarray(made.get(name, ())), values) for name, values in wanted.items()}


def _from_c(dut: Any, inputs: Sequence[Array], wanted: Mapping[str, Array]) -> dict[str, Array]:
    import ctypes

    outputs = {name: np.zeros_like(values) for name, values in wanted.items()}
    contiguous = [np.ascontiguousarray(values) for values in inputs]
    pointers = [values.ctypes.data_as(ctypes.c_void_p) for values in (*contiguous, *outputs.values())]
    dut(*pointers, ctypes.c_size_t(len(inputs[0])))
    return outputs


def _as_code(values: Array, wanted: Array) -> Array:
    """Integers of another type that have the same value as such of the output's type."""
    if {values.dtype.kind, wanted.dtype.kind} <= {"i", "u"}:
        cast = values.astype(wanted.dtype)
        return cast if np.array_equal(cast, values) else values
    return values


def _told(values: Array) -> str:
    kind = f"{values.dtype.name}{list(values.shape)}"
    return f"{kind}: {np.array2string(values, threshold=SHOWN, separator=', ')}"


class _OfCalls(_Subject):
    def __init__(self, dut: Device, reference: Step | Callable[..., int]) -> None:
        self.dut = dut
        self.step = reference if isinstance(reference, Step) else Step(reference, {})
        self.calls: list[tuple[Any, ...]] = []
        self.results: list[int] = []

    def strategy(self) -> SearchStrategy[Any]:
        from int8sim import strategies

        return strategies.accumulators(step=self.step) if self.step.parameters else _annotated(self.step.function)

    def defined(self, drawn: Any) -> bool:
        return is_defined(self.step, _operands(drawn), 0)

    def equal(self, drawn: Any) -> bool:
        operands = _operands(drawn)
        self.compared += 1
        self.calls.append(operands)
        self.results.append(int(self.dut(*operands, *self.step.at(0))))
        return bool(self.results[-1] == self.step(*operands))

    def lines(self) -> list[str]:
        from int8sim.golden.diff import diagnose_calls
        from int8sim.golden.replay import parts

        call, actual, expected = self.calls[-1], self.results[-1], self.step(*self.calls[-1])
        names = inspect.signature(self.step.function).parameters
        told = ", ".join(f"{name}={value}" for name, value in zip(names, [*call, *self.step.at(0)], strict=False))
        said = f"expected {expected}, actual {actual} (difference {actual - expected:+d})"
        reference = self.step if self.step.parameters else self.step.function
        verdict = diagnose_calls(reference, self.calls, self.results, bits=64).verdict()
        return [f"{self.step.function.__name__}({told}): {said}", *parts(self.step, call, 0), *verdict]


def _operands(drawn: Any) -> tuple[Any, ...]:
    return drawn if isinstance(drawn, tuple) else (drawn,)


def _annotated(function: Callable[..., int]) -> SearchStrategy[Any]:
    """Tuples of every argument without a default, by the word of its annotation. Raises InvalidArgument."""
    from hypothesis import strategies as st

    from int8sim.strategies import words
    from int8sim.strategies.checks import require

    hints = get_type_hints(function, include_extras=True)
    few, every = [], []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty:
            word = next((each for each in getattr(hints.get(name), "__metadata__", ()) if isinstance(each, Word)), None)
            require(word, "strategy", None, f"{function.__name__} says no word for {name}: a strategy is needed")
            assert word is not None
            few.append(st.integers(max(word.low, -FEW), min(word.high, FEW)))
            every.append(words(word.bits, signed=word.signed))
    return st.one_of(st.tuples(*few), st.tuples(*[small | word for small, word in zip(few, every, strict=True)]))
