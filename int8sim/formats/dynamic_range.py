"""Tables for readers that take ranges, not scales: the range to give, and whether the reader gets the scale back.

scale -> range = float32(scale * 127) -> scale' = float32(range / 127). It is not the identity: range / 127 leaves gaps
in float32, and 0.78 % of all scales lie in one, so that no float32 range at all gives them. Sources: NVDLA's compiler,
nvdla/sw:umd/apps/compiler/ParseTest.cpp (scale * 127.0f) and umd/core/src/compiler/Tensor.cpp (max / 127.0); TensorRT's
ITensor::setDynamicRange, which sampleINT8API and ONNX Runtime's TensorRT provider call.
"""

from __future__ import annotations

import math

from int8sim.model.errors import BadScaleError
from int8sim.model.table import INT8_MAX, Caution, Table
from int8sim.spec.float32 import float32


def dynamic_range(scale: float) -> float:
    """float32(scale * 127), the real value of code 127 as such a reader computes or is given it."""
    return float32(scale * INT8_MAX)


def through_range(scale: float) -> float:
    """The scale that such a reader derives again."""
    return float32(dynamic_range(scale) / INT8_MAX)


def changed(table: Table, reader: str) -> tuple[Caution, ...]:
    """A caution "range" for each scale that changes on the way, in the table's order."""
    return tuple(
        Caution(
            "range",
            name,
            f"{reader} makes scale {through_range(row.scale)!r} of {row.scale!r}: no range gives that one",
        )
        for name, row in table.items()
        if through_range(row.scale) != row.scale and not math.isnan(row.scale)
    )


def usable_range(tensor: str, scale: float) -> float:
    """`dynamic_range` of a scale that a range can stand for. Raises BadScaleError."""
    amax = dynamic_range(scale)
    if not 0.0 <= amax < float("inf"):
        raise BadScaleError(tensor, scale, "finite, not negative, and 127 times it within float32")
    return amax
