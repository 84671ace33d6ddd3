"""Which layers of a graph accumulate step by step, because their weights do not exclude that it matters."""

from __future__ import annotations

from int8sim.graph.ir import Graph
from int8sim.kernels.bounds import accumulates_in_sequence


def sequential_layers(graph: Graph) -> list[str]:
    """The names of the layers whose accumulator may saturate, which compiled kernels therefore fill step by step.

    Every other layer's accumulator is its exact sum for any input, and the fast kernels compute it. Raises
    AccumulatorError where a profile states widths that its function does not have.
    """
    found = []
    for layer in graph.layers:
        if layer.arithmetic is not None and "accumulate" in layer.arithmetic:
            constants = {i: graph.constants[name] for i, name in enumerate(layer.inputs) if name in graph.constants}
            if accumulates_in_sequence(graph.types(layer), constants, layer.arithmetic):
                found.append(layer.name)
    return found
