"""Readers of the operators with a sliding window: convolutions and pools."""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.importers.tflite_file import Operator
from int8sim.importers.tflite_network import Network
from int8sim.importers.tflite_schema import SAME, VALID
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import Op
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.window import same_pads

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]

MOST_CELLS = 1 << 24
"""Of the windows of a max pool along its edges, each of which is looked at."""


def read_conv(net: Network, node: Operator) -> None:
    """CONV_2D: x NHWC; constant weight [O, height, width, C / groups]; optional constant bias [O]."""
    x, values = net.image(node), net.constant(node, 1, "weight")
    if values.ndim != 4 or not values.size:
        raise node.misfit(f"its weight has the shape {list(values.shape)}; [O, height, width, channels] is needed")
    weight, channels = values.transpose(0, 3, 1, 2), net.types[x].shape[3]
    strides, dilations = _steps(node, 2, 1), _steps(node, 5, 4)
    op = Conv2d(
        strides, _pads(net, node, x, values.shape[1:3], strides, dilations), dilations, channels // values.shape[3]
    )
    net.weighted(node, op, x, weight, activation=node.integer(3, "b"))


def read_depthwise_conv(net: Network, node: Operator) -> None:
    """DEPTHWISE_CONV_2D: x NHWC; constant weight [1, height, width, O], O / C for every channel; optional bias [O].

    Its steps are those of a convolution in groups also where there is one channel: it is another kernel than CONV_2D.
    """
    x, values = net.image(node), net.constant(node, 1, "weight")
    if values.ndim != 4 or values.shape[0] != 1 or not values.size:
        raise node.misfit(f"its weight has the shape {list(values.shape)}; [1, height, width, O] is needed")
    weight, groups = values.transpose(3, 0, 1, 2), net.types[x].shape[3]
    strides, dilations = _steps(node, 2, 1), _steps(node, 6, 5)
    pads = _pads(net, node, x, values.shape[1:3], strides, dilations)
    op, like = (Conv2d(strides, pads, dilations, group) for group in (groups, max(groups, 2)))
    net.weighted(node, op, x, weight, activation=node.integer(4, "b"), like=like)


def read_transpose_conv(net: Network, node: Operator) -> None:
    """TRANSPOSE_CONV: constant output shape, constant weight [O, height, width, C], x NHWC, optional bias [O].

    Its padding is that of the convolution from its output's size to its input's.
    """
    x, values = net.image(node, 2), net.constant(node, 1, "weight")
    size = net.integers(node, 0, "output shape").ravel().tolist()
    if values.ndim != 4 or not values.size or len(size) != 4:
        raise node.misfit(f"its weight is {list(values.shape)}, its output {size}; four dimensions each are needed")
    strides = _steps(node, 2, 1)
    top, left, *_ = _pads_of(node, size[1:3], values.shape[1:3], strides, (1, 1))
    whole = [strides[i] * (net.types[x].shape[1 + i] - 1) + values.shape[1 + i] for i in (0, 1)]
    rest = whole[0] - top - size[1], whole[1] - left - size[2]
    if any(beyond <= -stride for beyond, stride in zip(rest, strides, strict=True)):
        raise node.refused(f"its output is {size}, and its windows end {[-each for each in rest]} cells before that")
    op, weight = ConvTranspose(strides, (top, left, *rest)), values.transpose(0, 3, 1, 2)
    net.weighted(node, op, x, weight, activation=node.integer(3, "b"), axis=1, bias=3)


def read_average_pool(net: Network, node: Operator) -> None:
    """AVERAGE_POOL_2D: divides by the cells inside the input."""
    x, kernel, strides = net.image(node), _steps(node, 4, 3), _steps(node, 2, 1)
    pads = _pads(net, node, x, kernel, strides, (1, 1))
    net.add(node, AveragePool(kernel, strides, pads), x, activation=node.integer(5, "b"))


def read_max_pool(net: Network, node: Operator) -> None:
    """MAX_POOL_2D."""
    x, kernel, strides = net.image(node), _steps(node, 4, 3), _steps(node, 2, 1)
    edges = sum(size // stride + 1 for size, stride in zip(net.types[x].shape[1:3], strides, strict=True))
    if edges * kernel[0] * kernel[1] > MOST_CELLS:
        raise node.misfit(f"windows of {kernel[0]} x {kernel[1]} over {net.types[x]} are damage, or too large")
    op: Op = MaxPool(kernel, strides, _pads(net, node, x, kernel, strides, (1, 1)))
    if activation := node.integer(5, "b"):
        x, op = net.between(node, op, x, "linear"), net.activation_op(node, activation)
    net.add(node, op, x)


def _steps(node: Operator, height: int, width: int) -> Pair:
    """Two options, for height and width, at these slots; 1 where they are left out."""
    pair = node.integer(height, default=1), node.integer(width, default=1)
    if min(pair) < 1:
        raise node.misfit(f"a size, stride or dilation is {list(pair)}; none may be below 1")
    return pair


def _pads(net: Network, node: Operator, x: str, kernel: tuple[int, ...], strides: Pair, dilations: Pair) -> Pads:
    """(top, left, bottom, right) of SAME or VALID, the option in slot 0."""
    return _pads_of(node, net.types[x].shape[1:3], kernel, strides, dilations)


def _pads_of(node: Operator, sizes: Sequence[int], kernel: tuple[int, ...], strides: Pair, dilations: Pair) -> Pads:
    padding = node.integer(0, "b")
    if padding == VALID:
        return 0, 0, 0, 0
    if padding != SAME:
        raise node.refused(f"its padding is number {padding}", ("SAME", "VALID"))
    spans = [dilations[i] * (kernel[i] - 1) + 1 for i in (0, 1)]
    (top, bottom), (left, right) = (same_pads(sizes[i], spans[i], strides[i]) for i in (0, 1))
    return top, left, bottom, right
