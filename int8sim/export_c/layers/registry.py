"""Which loops an op has in the library."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from int8sim.export_c.call import Call, Site
from int8sim.export_c.layers.batch_normalization import batch_normalization
from int8sim.export_c.layers.convolution import conv_transpose, convolution, fully_connected
from int8sim.export_c.layers.dynamic import dynamic
from int8sim.export_c.layers.elementwise import elementwise, elementwise_of_reals, prelu
from int8sim.export_c.layers.lrn import lrn
from int8sim.export_c.layers.mean import normalize, reduce_mean
from int8sim.export_c.layers.move import move, pad
from int8sim.export_c.layers.pointwise import concat, pointwise
from int8sim.export_c.layers.pool import average_pool, max_pool
from int8sim.export_c.layers.product import matmul
from int8sim.export_c.layers.resize import resize_bilinear, resize_weighted
from int8sim.export_c.layers.softmax import softmax
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.pointwise import Pointwise
from int8sim.ops.registry import ops

BOTH: Mapping[str, Callable[[Site], list[Call]]] = {
    "average_pool": average_pool,
    "concat": concat,
    "conv2d": convolution,
    "conv_transpose": conv_transpose,
    "fully_connected": fully_connected,
    "global_average_pool": average_pool,
    "matmul": matmul,
    "max_pool": max_pool,
    "pad": pad,
    "prelu": prelu,
    "reduce_mean": reduce_mean,
    "resize_bilinear": resize_bilinear,
    "resize_weighted": resize_weighted,
    "softmax": softmax,
    **dict.fromkeys(("flatten", "reshape", "resize_nearest", "slice", "transpose"), move),
    **{name: pointwise for name, op in ops().items() if issubclass(op, Pointwise)},
}
"""Ops in integers and in float32."""
ELEMENTWISE = [name for name, op in ops().items() if issubclass(op, Elementwise)]
INTEGER = {**BOTH, **dict.fromkeys(ELEMENTWISE, elementwise)}
REAL = {
    **BOTH,
    **dict.fromkeys(ELEMENTWISE, elementwise_of_reals),
    "batch_normalization": batch_normalization,
    "dynamic_conv2d": dynamic,
    "dynamic_fully_connected": dynamic,
    "lrn": lrn,
    "normalize": normalize,
}


def calls(site: Site) -> list[Call]:
    """The layer's. Raises LibraryError for a layer that has no loop here."""
    known, kind = (REAL, "float32") if site.layer.arithmetic is None else (INTEGER, "integers")
    name = site.layer.op.name
    if name not in known:
        raise site.refused(f"no loop computes it in {kind}; these are exported: {', '.join(sorted(known))}")
    return known[name](site)
