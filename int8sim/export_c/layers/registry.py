"""Which loops an op has in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from int8sim.export_c.call import Call, Site
from int8sim.export_c.layers.convolution import conv_transpose, convolution, fully_connected
from int8sim.export_c.layers.move import move
from int8sim.export_c.layers.pointwise import concat, elementwise, pointwise
from int8sim.export_c.layers.pool import average_pool, max_pool
from int8sim.export_c.layers.product import matmul
from int8sim.export_c.layers.softmax import softmax
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.pointwise import Pointwise
from int8sim.ops.registry import ops

MOVES = ("flatten", "reshape", "resize_nearest", "slice", "transpose")
"""Of codes and of real values; pad is not among them, whose value is zero in codes alone."""
INTEGER: Mapping[str, Callable[[Site], list[Call]]] = {
    "average_pool": average_pool,
    "concat": concat,
    "conv2d": convolution,
    "conv_transpose": conv_transpose,
    "fully_connected": fully_connected,
    "global_average_pool": average_pool,
    "matmul": matmul,
    "max_pool": max_pool,
    "softmax": softmax,
    **dict.fromkeys((*MOVES, "pad"), move),
    **{name: pointwise for name, op in ops().items() if issubclass(op, Pointwise)},
    **{name: elementwise for name, op in ops().items() if issubclass(op, Elementwise)},
}
"""Ops with integer arithmetic."""
REAL = frozenset({*MOVES, "average_pool", "concat", "global_average_pool", "max_pool", "softmax"})
"""Those that are exported in float32, too, beside the functions of one value."""


def calls(site: Site) -> list[Call]:
    """The layer's. Raises LibraryError for a layer that has no loop here."""
    layer, real = site.layer, REAL | {name for name, plan in INTEGER.items() if plan is pointwise}
    known = INTEGER if layer.arithmetic is not None else real
    if layer.op.name not in known:
        kind = "integers" if layer.arithmetic is not None else "float32"
        raise site.refused(f"no loop computes it in {kind}; these are exported: {', '.join(sorted(known))}")
    return INTEGER[layer.op.name](site)
