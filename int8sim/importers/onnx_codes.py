"""QuantizeLinear and DequantizeLinear of constants, computed while a file is read: any axis, and blocks of one axis.

Sources: onnx/onnx:docs/Operators.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams

CODES = {f"{sign}int{bits}": bits for bits in (2, 4, 8, 16, 32) for sign in ("", "u")}
"""Types of codes, and their bits."""


def dequantized(net: Network, node: Node) -> Array:
    """(code - zero_point) * scale in float32, of a constant."""
    codes, scale, zero_point = _operands(net, node, net.constant(node, 0, "tensor of codes"))
    wide = codes.astype(np.int64) - zero_point
    with np.errstate(over="ignore"):
        return np.asarray(wide.astype(np.float32) * scale)


def quantized(net: Network, node: Node, dtype: Any) -> Array:
    """saturate(half_even(x / scale) + zero_point), of a constant, as an array of the dtype."""
    values, scale, zero_point = _operands(net, node, net.floats(node, 0, "tensor"))
    if np.isnan(values).any():
        raise node.misfit(f"its tensor, {node.input(0)!r}, holds NaN, which no code stands for")
    low, high = _limits(dtype.name)
    with np.errstate(over="ignore"):
        places = np.rint(values / scale).astype(np.float64) + zero_point
    return np.asarray(np.clip(places, low, high).astype(np.int64).astype(dtype))


def _limits(dtype: str) -> tuple[int, int]:
    bits = CODES[dtype]
    return (0, (1 << bits) - 1) if dtype.startswith("u") else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def _operands(net: Network, node: Node, values: Array) -> tuple[Array, Array, Array]:
    """The tensor, and its scales and zero points in its own shape."""
    scale = net.floats(node, 1, "scale")
    zeros = net.constant(node, 2, "zero point") if node.input(2) else np.zeros(scale.shape, np.int64)
    if zeros.dtype.name not in {*CODES, "int64"} or values.dtype.name not in {*CODES, "float32"}:
        raise node.refused(f"its codes are {values.dtype.name} or {zeros.dtype.name}; {', '.join(CODES)} are read")
    if zeros.size != scale.size:
        raise node.misfit(f"{list(zeros.shape)} zero points for {list(scale.shape)} scales")
    QuantParams(tuple(scale.ravel().tolist()), 0, 0).check(node.input(1))
    wide = zeros.astype(np.int64).reshape(scale.shape)
    return values, _spread(node, scale, values.shape), _spread(node, wide, values.shape)


def _spread(node: Node, each: Array, shape: tuple[int, ...]) -> Array:
    """One value for all, one along an axis, or one for every block along it: for every element."""
    if each.size == 1:
        return each.reshape(())
    axis, block = node.integer("axis", 1), node.integer("block_size", 0)
    if not -len(shape) <= axis < len(shape):
        raise node.misfit(f"axis is {axis}; the tensor has {len(shape)} axes")
    axis %= len(shape)
    if 0 < block <= shape[axis] and each.ndim == len(shape):
        repeated = np.repeat(each, block, axis)[(*[slice(None)] * axis, slice(shape[axis]))]
        if repeated.shape == shape:
            return repeated
    if each.shape != (shape[axis],):
        raise node.misfit(f"{list(each.shape)} scales for axis {axis} of {list(shape)}")
    return each.reshape(*[-1 if place == axis else 1 for place in range(len(shape))])
