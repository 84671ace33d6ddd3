"""Rows that their layer cannot reach: a scale too great for the weights and for what the layer's inputs can be.

|y| <= sum |w| * max |x| + |b|, and a row tells how great |x| can have been: at most the range of its first bin. A row
above that bound is of other weights or of other data. The bound is loose, so a row within it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from int8sim.calibration.explanation.candidates import limits_between
from int8sim.calibration.explanation.readings import ENTROPY
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.sharing import POOLS, REORDERS
from int8sim.model.step import Array
from int8sim.model.table import Table
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.spec.calibration import INT8_MAX

SLACK = 1.0 + 2.0**-16
"""For the float32 sums of the run and the rounding of a scale."""
PASSING = REORDERS | POOLS | {"relu", "concat", "pad", "slice"}
"""Ops whose values are never greater than their inputs', or than what a pad fills with."""

Bound = Callable[[Graph, Layer, Sequence[float]], float]
"""The greatest |y| of a layer, from the greatest |x| of its activations."""


def unreachable(graph: Graph, table: Table, rule: str, known: Mapping[str, float]) -> Iterator[tuple[Layer, float]]:
    """Each layer whose row is out of reach, and the greatest |y| that it can have.

    table: finite scales. rule: as in readings.py. known: tensor -> range, where a reading has settled it.
    """
    greatest = {name: _greatest(row.scale, rule) for name, row in table.items()} | dict(known)
    for layer in graph.layers:
        sources = layer.inputs[:1] if layer.op.name in PARAMETERS else layer.inputs
        if layer.op.name in BOUNDS and layer.output in table and greatest.keys() >= set(sources):
            bound = BOUNDS[layer.op.name](graph, layer, [greatest[name] for name in sources])
            if _needed(table[layer.output].scale, rule) > bound * SLACK:
                yield layer, bound


def _greatest(scale: float, rule: str) -> float:
    """The greatest |x| that a tensor of this row can have had."""
    return limits_between(scale)[1] if rule == ENTROPY else scale * INT8_MAX


def _needed(scale: float, rule: str) -> float:
    """The |y| that a tensor of this row must have had: half its range or more, as that doubles only where exceeded."""
    return limits_between(scale)[0] / 2.0 if rule == ENTROPY else scale * INT8_MAX


def _weighted(graph: Graph, layer: Layer, inputs: Sequence[float]) -> float:
    weight, bias = (*(graph.constants.get(name) for name in layer.inputs[1:]), None)[:2]
    if weight is None:
        return np.inf
    return _greatest_sum(np.abs(weight.astype(np.float64)).reshape(len(weight), -1).sum(1) * inputs[0], bias)


def _normalised(graph: Graph, layer: Layer, inputs: Sequence[float]) -> float:
    if not isinstance(layer.op, BatchNormalization):
        return np.inf
    a, b = layer.op.constants(*(graph.constants[name] for name in layer.inputs[1:]))
    return _greatest_sum(np.abs(a.astype(np.float64)) * inputs[0], b)


def _greatest_sum(sums: Array, bias: Array | None) -> float:
    return float((sums if bias is None else sums + np.abs(bias)).max())


def _sum(graph: Graph, layer: Layer, inputs: Sequence[float]) -> float:
    del graph
    coefficients = getattr(layer.op, "coefficients", (1.0,) * len(inputs))
    return float(sum(abs(c) * x for c, x in zip(coefficients, inputs, strict=True)))


def _most(graph: Graph, layer: Layer, inputs: Sequence[float]) -> float:
    del graph
    return max(*inputs, abs(float(getattr(layer.op, "value", 0.0))))  # of a pad


PARAMETERS: Mapping[str, Bound] = {
    "conv2d": _weighted,
    "fully_connected": _weighted,
    "batch_normalization": _normalised,
}
"""Ops whose first input is the only activation."""

BOUNDS: Mapping[str, Bound] = {**PARAMETERS, "add": _sum, "weighted_sum": _sum, **dict.fromkeys(PASSING, _most)}
