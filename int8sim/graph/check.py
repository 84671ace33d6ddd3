"""Whether a graph is well formed, and its tensor types by shape inference."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from int8sim.graph.ir import Graph, Layer, State
from int8sim.model.errors import GraphError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import ShapeMismatch, expect, named

LARGEST = 1 << 28
"""Values of one sample of a tensor; a network that asks for more is damaged."""


def float_graph(
    name: str,
    layers: Iterable[Layer],
    inputs: Mapping[str, TensorType],
    outputs: Iterable[str],
    constants: Mapping[str, Array],
    listed: Iterable[str] = (),
) -> Graph:
    """A checked graph of float layers: every type inferred from the inputs'. Raises GraphError, LayerError.

    listed: as in Graph, where a table's rows are not every activation.
    """
    tensors = dict(inputs)
    tensors |= {key: TensorType(tuple(value.shape), value.dtype.name) for key, value in constants.items()}
    ordered = in_order(layers, [*inputs, *constants])
    for layer in ordered:
        tensors[layer.output] = infer(layer, [tensors[source] for source in layer.inputs])
    graph = Graph(tuple(ordered), tensors, dict(constants), tuple(inputs), tuple(outputs), name, listed=tuple(listed))
    check(graph)
    return graph


def infer(layer: Layer, types: list[TensorType]) -> TensorType:
    """The op's `infer`, with the layer's name in the error; no more than LARGEST values a sample."""
    try:
        kind = layer.op.infer(types)
        few = math.prod(kind.shape[1:]) <= LARGEST
        expect(few, f"its output {kind} is too large: over {LARGEST:,} values a sample")
    except ShapeMismatch as problem:
        raise named(layer.name, problem) from None
    return kind


def in_order(layers: Iterable[Layer], given: Iterable[str]) -> list[Layer]:
    """The layers so that each follows what it reads, otherwise in the order given. Raises GraphError."""
    waiting, known = list(layers), set(given)
    ordered: list[Layer] = []
    while waiting:
        left: list[Layer] = []
        for layer in waiting:
            ready = known.issuperset(layer.inputs)
            (ordered if ready else left).append(layer)
            known |= {layer.output} if ready else set()
        if len(left) == len(waiting):
            missing = [source for source in left[0].inputs if source not in known]
            msg = f"layer {left[0].name!r} reads {missing}, which nothing produces: a cycle or a missing layer"
            raise GraphError(msg)
        waiting = left
    return ordered


def check(graph: Graph) -> None:
    """Raise GraphError unless every tensor has one producer and a type, and every output exists."""
    produced = [*graph.inputs, *graph.constants, *(layer.output for layer in graph.layers)]
    twice = {tensor for tensor in produced if produced.count(tensor) > 1} if len(set(produced)) < len(produced) else ()
    for problem, tensors in (
        ("has two producers", twice),
        ("is an output that nothing produces", set(graph.outputs) - set(produced)),
        ("is listed for the calibration table and does not exist", set(graph.listed) - set(produced)),
        ("has no type", set(produced) - set(graph.tensors)),
    ):
        if tensors:
            msg = f"graph {graph.name!r}: tensor {min(tensors)!r} {problem}"
            raise GraphError(msg)
    _check_quantization(graph)
    for state in graph.states:
        _check_state(graph, state)


def _check_state(graph: Graph, state: State) -> None:
    if state.input not in graph.inputs[len(graph.data_inputs) :] or state.output not in graph.outputs:
        msg = f"graph {graph.name!r}: state {state.input!r} to {state.output!r} is not of a last input and an output"
        raise GraphError(msg)
    before, after, first = graph.tensors[state.input], graph.tensors[state.output], state.initial
    forms = {(each.dtype, each.shape[1:]) for each in (before, after)} | {(first.dtype.name, first.shape[1:])}
    if len(forms) > 1 or len(first) != 1:
        found = f"{before}, then {after}, at first {first.dtype.name}{list(first.shape)}"
        msg = f"graph {graph.name!r}: state {state.input!r} is {found}; one type and shape is needed"
        raise GraphError(msg)


def _check_quantization(graph: Graph) -> None:
    for name, kind in graph.tensors.items():
        if kind.quant is not None:
            kind.quant.check(name)
