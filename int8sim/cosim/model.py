"""The reference side of a bench: a step, a spec function, a graph's layer or any Python callable, on plain ints."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from int8sim.cosim.port import by_lane
from int8sim.model.step import Step

if TYPE_CHECKING:
    from int8sim.graph.ir import Graph

Transaction = Mapping[str, Any]
"""What goes in, by the argument names of the model: ints, or nested sequences of ints."""


class Model:
    """model(transaction) -> the output beats that it makes.

    reference: a function of the transaction's entries as keyword arguments: of `int8sim.spec`, or your own. A Step: its
    operands are the transaction's entries, its parameters its own (for `channel`). A Graph, one sample at a time: the
    transaction holds every input's codes, flat and in the tensor's own layout; the first output leaves `lanes` codes a
    beat.
    The result is an int (of the output port's only field), lanes of that field in a sequence of its own, a mapping of
    fields, or a list of such beats.
    """

    def __init__(self, reference: Callable[..., Any] | Step | Graph, *, channel: int = 0, lanes: int = 1) -> None:
        self.fixed: Mapping[str, Any] = {}
        self.graph: Graph | None = None
        self.name = ""
        if isinstance(reference, Step):
            self.function: Callable[..., Any] = reference.function
            self.fixed = dict(zip(reference.parameters, reference.at(channel), strict=True))
        elif callable(reference):
            self.function = reference
        else:
            self.function, self.graph, self.name = _of_graph(reference, lanes), reference, reference.name
        self.name = self.name or getattr(self.function, "__name__", type(reference).__name__)
        self._names = tuple(inspect.signature(self.function).parameters)

    def arguments(self, transaction: Transaction) -> dict[str, Any]:
        """Of the function, in the order of its signature: the transaction's and the step's own."""
        given = {**transaction, **self.fixed}
        return {name: given.pop(name) for name in self._names if name in given} | given

    def __call__(self, transaction: Transaction) -> Any:
        return self.function(**self.arguments(transaction))

    def beats(self, transaction: Transaction, fields: Sequence[str]) -> list[dict[str, int]]:
        """The output beats, lanes by name."""
        return beats_of(self(transaction), fields[0].partition("[")[0])


def beats_of(result: Any, only: str = "") -> list[dict[str, int]]:
    """A model's result as beats, lanes by name. only: the field of what is no mapping."""
    several = result if isinstance(result, list) else [result]
    return [by_lane(each if isinstance(each, Mapping) else {only: each}) for each in several]


def codes(graph: Graph, transaction: Transaction) -> dict[str, Any]:
    """A transaction as the graph's inputs: one sample."""
    import numpy as np

    kinds = {name: graph.tensors[name] for name in graph.inputs}
    return {name: np.array(transaction[name], kind.dtype).reshape(1, *kind.shape[1:]) for name, kind in kinds.items()}


def _of_graph(graph: Graph, lanes: int) -> Callable[..., list[Any]]:
    """One sample through the reference."""

    def call(**inputs: Sequence[int]) -> list[Any]:
        from int8sim.graph.run import run

        found = run(graph, codes(graph, inputs), backend="reference")[graph.outputs[0]].ravel().tolist()
        return [tuple(found[at : at + lanes]) for at in range(0, len(found), lanes)] if lanes > 1 else found

    return call
