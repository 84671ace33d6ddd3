"""The raw accumulators of a lowered graph's layers: the layers again, by the same kernels, with no output step.

A layer that sums (convolutions, fully connected layers, matrix products) is run over its recorded inputs with an output
step that hands on what it is given: the accumulator, bias included, as the profile accumulates. int32; int64 where the
layer's accumulator has more than 32 bits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.accumulation import accumulation, is_wide
from int8sim.model.step import Array, Step
from int8sim.model.tensor import QuantParams
from int8sim.ops.base import Op


def accumulator(acc: int) -> int:
    """The output step of a layer that gives its accumulator."""
    return acc


def sums(layer: Layer) -> bool:
    """Whether a layer has an accumulator."""
    return "output" in (layer.arithmetic or {}) and type(layer.op).accumulator is not Op.accumulator


class Accumulators:
    """Called with a run's tensors it gives (tensor, accumulators) of each layer that sums, [n, ...] as the tensor."""

    def __init__(self, graph: Graph, backend: str, tensors: Collection[str] | None = None) -> None:
        """tensors: of the layers that are wanted; None: all of them. backend: as `run` takes it."""
        wanted = [layer for layer in graph.layers if sums(layer) and (tensors is None or layer.output in tensors)]
        self._graphs = {layer.output: _alone(graph, layer) for layer in wanted}
        self._backend = backend

    def __call__(self, tensors: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
        """One layer at a time. Raises MissingKernelError and whatever else `run` raises."""
        for name, graph in self._graphs.items():
            inputs = {each: tensors[each] for each in graph.inputs}
            yield name, run(graph, inputs, backend=self._backend)[name]


def _alone(graph: Graph, layer: Layer) -> Graph:
    """A graph of one layer, whose output is its accumulator."""
    dtype, kind = _dtype(graph, layer), graph.tensors[layer.output]
    given = dict.fromkeys(name for name in layer.inputs if name not in graph.constants)
    kept = replace(layer, arithmetic={**(layer.arithmetic or {}), "output": Step(accumulator, {})})
    tensors = {**graph.tensors, layer.output: replace(kind, dtype=dtype, quant=QuantParams(1.0, dtype=dtype))}
    return Graph((kept,), tensors, graph.constants, tuple(given), (layer.output,))


def _dtype(graph: Graph, layer: Layer) -> str:
    step = accumulation(layer.arithmetic or {})
    if step is not None:
        return "int64" if (step.loop.bits or 0) > 32 else "int32"
    activations = [graph.tensors[name] for name in layer.inputs if name not in graph.constants]
    return "int64" if is_wide(*activations) else "int32"
