"""Readers of ONNX's products of matrices. Source: onnx/onnx:docs/Operators.md and Changelog.md, opsets 7 to 28."""

from __future__ import annotations

import numpy as np

from int8sim.graph.ir import Layer
from int8sim.importers.onnx_elementwise import per_channel
from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.step import Array
from int8sim.ops.add import Add
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.ops.transpose import Transpose


def read_gemm(net: Network, node: Node) -> None:
    """Gemm: alpha * A * B + beta * C; A an activation, B a constant, C a constant that broadcasts.

    The weight is alpha * B as [O, K] and the bias beta * C as [O], each product rounded to float32 once; a C that
    differs from row to row is added behind.
    """
    x, matrix = net.activation(node), net.floats(node, 1, "matrix B")
    if len(net.shape(x)) != 2 or matrix.ndim != 2:
        raise node.misfit(f"A is {net.types[x]}, B is {list(matrix.shape)}; two matrices are needed (Flatten A first)")
    alpha, kept = node.real("alpha", 1.0), bool(node.integer("transB", 0))
    rows = matrix if kept else matrix.T
    weight = net.parameter(node, 1, "weight") if kept and alpha == 1.0 else _scaled(net, node, "weight", rows, alpha)
    bias, more = _gemm_bias(net, node, rows.shape[0])
    inputs = [_turned(net, node, x), weight, *bias]
    if more is None:
        net.add(node, FullyConnected(), *inputs)
        return
    product = net.fresh(f"{node.layer}_product")
    net.write(Layer(product, FullyConnected(), tuple(inputs), product))
    net.add(node, Add(), product, _scaled(net, node, "summand", more, node.real("beta", 1.0)))


def _turned(net: Network, node: Node, x: str) -> str:
    """A, or its transpose if the node asks for it."""
    if not node.integer("transA", 0):
        return x
    if not net.lead:
        raise node.moves_batch("transA 1 turns the batch into columns")
    turned = net.fresh(f"{node.layer}_transposed")
    net.write(Layer(turned, Transpose((0, 2, 1)), (x,), turned))
    return turned


def _gemm_bias(net: Network, node: Node, outputs: int) -> tuple[list[str], Array | None]:
    """The name of a bias, if there is one; or the C that is none."""
    if not node.input(2):
        return [], None
    values, beta = net.floats(node, 2, "matrix C"), node.real("beta", 1.0)
    vector = per_channel(values, 2, 1, outputs)
    if vector is None:
        if not net.lead:
            raise node.moves_batch(f"C has the shape {list(values.shape)} and differs from sample to sample")
        return [], values
    if beta == 1.0 and values.shape == vector.shape:
        return [net.parameter(node, 2, "bias")], None
    return [_scaled(net, node, "bias", vector, beta)], None


def _scaled(net: Network, node: Node, role: str, values: Array, factor: float) -> str:
    """values * factor as a new constant."""
    with np.errstate(over="ignore", invalid="ignore"):
        return net.derived(node.layer, role, values * np.float32(factor) if factor != 1.0 else values)


def read_matmul(net: Network, node: Node) -> None:
    """MatMul: x [..., K] by a constant [K, O] is a fully connected layer; by another activation, a matrix product."""
    x = net.activation(node)
    if node.input(1) not in net.values:
        _read_product(net, node, x, net.activation(node, 1))
        return
    matrix = net.floats(node, 1, "matrix B")
    if matrix.ndim != 2:
        raise node.refused(f"the constant B has the shape {list(matrix.shape)}; only a matrix is read")
    if len(net.shape(x)) == 1:
        raise node.refused(f"{x!r} is a vector; only matrices are multiplied by a constant")
    net.add(node, FullyConnected(), x, net.derived(node.layer, "weight", matrix.T))


def _read_product(net: Network, node: Node, a: str, b: str) -> None:
    """Of two activations. A vector is one row on the left, one column on the right."""
    left, right = net.shape(a), net.shape(b)
    if not net.lead and (min(len(left), len(right)) < 3 or len(left) != len(right)):
        raise node.moves_batch(f"{list(left)} by {list(right)} multiplies by the batch")
    rank = max(len(left), len(right), 2)
    x = left if len(left) > 1 else (1, *left)
    y = right if len(right) > 1 else (*right, 1)
    x, y = ((1,) * (rank - len(each)) + each for each in (x, y))
    a, b = (name if net.shape(name) == shape else net.reshaped(node, name, shape) for name, shape in ((a, x), (b, y)))
    whole = (*map(max, zip(x[:-2], y[:-2], strict=True)), x[-2], y[-1])
    kept = [axis for axis in range(rank) if not _was_vector(axis - rank, left, right)]
    if len(kept) == rank:
        net.add(node, Matmul(), a, b)
        return
    product = net.fresh(f"{node.layer}_product")
    net.write(Layer(product, Matmul(), (a, b), product))
    net.reshaped(node, product, tuple(whole[axis] for axis in kept), node.output)


def _was_vector(axis: int, left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    return (axis == -2 and len(left) == 1) or (axis == -1 and len(right) == 1)
