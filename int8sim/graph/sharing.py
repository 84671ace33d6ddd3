"""Which tensors repeat another tensor's row of a calibration table, in TensorRT's tables (5.1 to 10.3).

Pools and what only reorders values take their input's scale; nothing else does. Sources: public tables with their
networks; setTensorDynamicRange in NVIDIA/TensorRT:samples/common/sampleEngines.cpp ("Pooling must have the same input
and output dynamic range").
"""

from __future__ import annotations

from int8sim.graph.ir import Graph

REORDERS = frozenset({"flatten", "reshape", "transpose"})
"""Ops whose output holds exactly the values of their input."""
POOLS = frozenset({"max_pool", "average_pool", "global_average_pool"})
"""Ops whose output takes its input's row. The legacy calibrator gives them rows of their own."""


def row_origins(graph: Graph, pools: bool = True) -> dict[str, str]:
    """Tensor -> the tensor whose row it repeats, through chains of such layers. pools: whether pools are among them."""
    ops = REORDERS | POOLS if pools else REORDERS
    origins: dict[str, str] = {}
    for layer in graph.layers:
        if layer.op.name in ops:
            origins[layer.output] = origins.get(layer.inputs[0], layer.inputs[0])
    return origins
