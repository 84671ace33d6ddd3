"""A streaming network, step by step: what it keeps between steps is held here, and a run stays a function."""

from __future__ import annotations

from collections.abc import Mapping

from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.step import Array


class Session:
    """Runs of one graph in a row, each with the states that the one before left. Every sample has states of its own.

    graph: one without states is run as by `run`. backend, threads: as of `run`.
    """

    def __init__(self, graph: Graph, *, backend: str = "cpu", threads: int = 1) -> None:
        self.graph, self.backend, self.threads = graph, backend, threads
        self.reset()

    def reset(self) -> None:
        """The next step starts from the initial states."""
        self._states: dict[str, Array] = {}

    def step(self, inputs: Mapping[str, Array], *, keep: str = "outputs") -> dict[str, Array]:
        """Tensors by name, as of `run`, the states' outputs among them; the states move on unless it raises.

        inputs: all but the states. The number of samples stays the same until `reset`. What steps give with keep="all"
        becomes, one behind the other, the samples of a golden file: their states are inputs of the graph. Raises what
        `run` raises.
        """
        given = {**inputs, **self._states}
        found = run(self.graph, given, backend=self.backend, keep=keep, threads=self.threads)
        self._states = {state.input: found[state.output] for state in self.graph.states}
        return found
