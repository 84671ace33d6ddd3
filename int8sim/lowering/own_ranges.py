"""The ranges that a quantized graph has itself, as a table: to lower its float network once more by them."""

from __future__ import annotations

import math

import numpy as np

from int8sim.graph.ir import Graph
from int8sim.model.errors import GraphError
from int8sim.model.table import INT8_MAX, Provenance, Row, Table
from int8sim.model.tensor import QuantParams

FORCED = frozenset({"softmax", "sigmoid", "tanh"})
"""Ops whose output's zero point engines choose: it does not tell whether activations are symmetric."""


def own_ranges(graph: Graph) -> Table:
    """A row for each quantized activation, by the name of the float tensor that it stands for.

    graph: lowered, or read from a quantized network. Where activations are symmetric int8, zero point 0 throughout, a
    row is the scale itself; else the real values of the lowest and the highest code. Raises GraphError for a graph
    without quantized tensors.
    """
    names = {name: name for name in graph.inputs}
    names |= {layer.output: layer.stands_for for layer in graph.layers}
    quants = {name: quant for name in names if (quant := graph.tensors[name].quant)}
    if not quants:
        msg = f"graph {graph.name!r} has no quantized tensor whose range could be taken"
        raise GraphError(msg)
    forced = {layer.output for layer in graph.layers if layer.op.name in FORCED}
    symmetric = all(_symmetric(quant) for name, quant in quants.items() if name not in forced)
    rows = {names[name]: _row(quant, symmetric) for name, quant in quants.items()}
    return Table(rows, Provenance(method="own", producer=graph.name))


def _symmetric(quant: QuantParams) -> bool:
    return quant.dtype == "int8" and quant.tensor_zero_point == 0


def _row(quant: QuantParams, symmetric: bool) -> Row:
    """The scale is rounded up, so that no bound lies beyond code 127."""
    scale, zero = quant.tensor_scale, quant.tensor_zero_point
    if symmetric and zero == 0:
        return Row(scale)
    low, high = ((code - zero) * scale for code in (quant.low, quant.high))
    return Row(float(np.nextafter(np.float32(max(-low, high) / INT8_MAX), np.float32(math.inf))), low, high)
