"""Readers of ONNX's operators on every value: functions of one, and of two tensors that broadcast.

A constant is taken as float32. A difference with a constant is a sum with its negative; a quotient by a constant is a
product with its reciprocal, rounded to float32; the square root and the reciprocal are the spec's power. Source of
every rule: onnx/onnx:docs/Operators.md and docs/Changelog.md, opsets 7 to 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.step import Array
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.clip import Clip
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.divide import Divide
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.elu import Elu
from int8sim.ops.gelu import Gelu
from int8sim.ops.gelu_tanh import GeluTanh
from int8sim.ops.hard_sigmoid import HardSigmoid
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.multiply import Multiply
from int8sim.ops.pow import Pow
from int8sim.ops.power import Power
from int8sim.ops.prelu import Prelu
from int8sim.ops.subtract import Subtract
from int8sim.ops.weighted_sum import WeightedSum

Reader = Callable[[Network, Node], None]

LARGEST = float(np.finfo(np.float32).max)
SLOPE, HARD_SLOPE = float(np.float32(0.01)), float(np.float32(0.2))


def each(op: Op) -> Reader:
    """An operator without attributes, of one tensor of any shape."""
    return lambda net, node: net.add_each(node, op)


def read_leaky_relu(net: Network, node: Node) -> None:
    """LeakyRelu: x where x > 0, else alpha * x."""
    net.add_each(node, LeakyRelu(node.real("alpha", SLOPE)))


def read_elu(net: Network, node: Node) -> None:
    """Elu: x where x > 0, else alpha * (e**x - 1)."""
    net.add_each(node, Elu(node.real("alpha", 1.0)))


def read_hard_sigmoid(net: Network, node: Node) -> None:
    """HardSigmoid: alpha * x + beta, not below 0 and not above 1."""
    net.add_each(node, HardSigmoid(node.real("alpha", HARD_SLOPE), node.real("beta", 0.5)))


def read_gelu(net: Network, node: Node) -> None:
    """Gelu: by erf, or by its approximation "tanh"."""
    kinds = {"none": Gelu(), "tanh": GeluTanh()}
    approximate = node.text("approximate", "none")
    if approximate not in kinds:
        raise node.refused(f"attribute approximate is {approximate!r}; none and tanh are read")
    net.add_each(node, kinds[approximate])


def read_clip(net: Network, node: Node) -> None:
    """Clip: bounds are attributes up to opset 10, then constants. The largest float, the default, is no bound.

    A minimum above the maximum leaves the maximum.
    """
    if net.model.opset < 11:
        low, high = node.real("min", -LARGEST), node.real("max", LARGEST)
    else:
        low, high = net.scalar(node, 1, "minimum", -LARGEST), net.scalar(node, 2, "maximum", LARGEST)
    minimum, maximum = -math.inf if low == -LARGEST else low, math.inf if high == LARGEST else high
    net.add_each(node, Clip(min(minimum, maximum), maximum))


def read_prelu(net: Network, node: Node) -> None:
    """PRelu: x where x > 0, else slope * x; a constant slope, one value per channel or any shape that broadcasts."""
    slope, x = net.floats(node, 1, "slope"), net.activation(node)
    shape = net.shape(x)
    _check_batch(net, node, slope.shape, len(shape))
    axis = net.types[x].channel_axis - net.lead
    vector = per_channel(slope, len(shape), axis, shape[axis])
    whole = slope.reshape((1,) * (2 - slope.ndim) + slope.shape)
    net.add(node, Prelu(), x, net.derived(node.layer, "slope", whole if vector is None else vector))


def read_add(net: Network, node: Node) -> None:
    """Add; a constant with one value per channel becomes the bias of the layer before it, where that has none."""
    if not _becomes_bias(net, node, 1.0):
        binary(net, node, Add())


def read_sub(net: Network, node: Node) -> None:
    """Sub: of two activations, or with a constant on either side."""
    if node.input(1) not in net.values:
        binary(net, node, Subtract())
    elif not _becomes_bias(net, node, -1.0):
        binary(net, node, Add(), lambda values: -values)


def read_mul(net: Network, node: Node) -> None:
    """Mul."""
    binary(net, node, Multiply())


def read_div(net: Network, node: Node) -> None:
    """Div: by an activation or a constant."""
    if node.input(1) not in net.values:
        binary(net, node, Divide())
        return
    binary(net, node, Multiply(), lambda values: np.float32(1.0) / values)


def read_pow(net: Network, node: Node) -> None:
    """Pow: of an activation; by one constant number, or tensors that broadcast."""
    exponent = net.values.get(node.input(1))
    if exponent is not None and exponent.size == 1 and exponent.ndim <= 1:
        net.add_each(node, Power(float(np.float32(exponent.reshape(())))))
    else:
        binary(net, node, Pow())


def read_sum(net: Network, node: Node) -> None:
    """Sum of activations that broadcast, from left to right; of two, it is Add."""
    if len(node.inputs) == 2:
        read_add(net, node)
        return
    names = [net.activation(node, position) for position in range(max(1, len(node.inputs)))]
    if len(names) == 1:
        net.reshaped(node, names[0], net.shape(names[0]), node.output)
        return
    rank = max(len(net.shape(name)) for name in names)
    net.add(node, WeightedSum((1.0,) * len(names)), *(raised(net, node, name, rank) for name in names))


def binary(net: Network, node: Node, op: Elementwise, change: Callable[[Array], Array] | None = None) -> None:
    """Two tensors that broadcast. change: of the second, which then is a constant."""
    ranks = [_rank(net, node, position) for position in (0, 1)]
    names = [_operand(net, node, position, max(ranks), change if position else None) for position in (0, 1)]
    if all(name in net.constants for name in names):
        raise node.refused("it computes a constant of constants that cannot be evaluated")
    net.add(node, op, *names)


def _rank(net: Network, node: Node, position: int) -> int:
    name = node.input(position)
    return net.values[name].ndim if name in net.values else len(net.shape(net.activation(node, position)))


def _operand(net: Network, node: Node, position: int, rank: int, change: Callable[[Array], Array] | None) -> str:
    name = node.input(position)
    if name not in net.values:
        return raised(net, node, net.activation(node, position), rank)
    _check_batch(net, node, net.values[name].shape, rank)
    values = net.numbers(node, position, "operand")
    with np.errstate(all="ignore"):
        return net.derived(node.layer, "operand", change(values) if change else values)


def raised(net: Network, node: Node, name: str, rank: int) -> str:
    """An activation with axes of size 1 in front of the model's, so that it has so many."""
    shape = net.shape(name)
    if len(shape) == rank:
        return name
    if not net.lead:
        raise node.moves_batch(f"{name!r} has {len(shape)} axes and meets {rank}: its batch meets another axis")
    return net.reshaped(node, name, (1,) * (rank - len(shape)) + shape)


def _check_batch(net: Network, node: Node, shape: tuple[int, ...], rank: int) -> None:
    """A constant must not have the batch's axis, or be 1 there."""
    if not net.lead and len(shape) >= rank and (len(shape) > rank or shape[0] != 1):
        raise node.moves_batch(f"the constant {list(shape)} differs from sample to sample")


def _becomes_bias(net: Network, node: Node, sign: float) -> bool:
    """Whether a sum is a layer's with a bias, to the last bit: the bias is added to the finished dot product."""
    constant = next((i for i in (0, 1) if node.input(i) in net.values), None)
    if constant is None:
        return False
    source = net.activation(node, 1 - constant)
    layer, kind = net.producer(source), net.types[source]
    if layer is None or not layer.op.weighted or len(layer.inputs) > 2 or len(net.readers(source)) != 1:
        return False
    axis = 1 if isinstance(layer.op, Conv2d) else len(kind.shape) - 1
    values = net.floats(node, constant, "constant")
    vector = per_channel(values, len(kind.shape), axis, net.constants[layer.inputs[1]].shape[0])
    if vector is None:
        return False
    net.extend(layer, node, net.derived(layer.name, "bias", vector * np.float32(sign)))
    return True


def per_channel(values: Array, rank: int, axis: int, channels: int) -> Array | None:
    """The vector that `values`, broadcast to a rank, holds along one axis; None if it varies along another."""
    if values.ndim > rank:
        return None
    shape = (1,) * (rank - values.ndim) + values.shape
    along = shape[axis]
    if math.prod(shape) != along or along not in {1, channels}:
        return None
    return np.broadcast_to(values.reshape(-1), (channels,))
