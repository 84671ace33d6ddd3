"""Readers of the operators that take parts of a tensor. A layer has one output: a split becomes one for each part."""

from __future__ import annotations

import itertools

from int8sim.importers.tflite_file import Operator
from int8sim.importers.tflite_network import Network
from int8sim.ops.reshape import Reshape
from int8sim.ops.slice import Slice


def read_strided_slice(net: Network, node: Operator) -> None:
    """STRIDED_SLICE by constants, one for each axis: its masks, but those that add axes; none of the batch left out."""
    x, rank = net.activation(node), len(net.types[net.activation(node)].shape)
    if node.integer(2) or node.integer(3):
        raise node.refused(
            "it has an ellipsis or new axes (ellipsis_mask, new_axis_mask); begin, end and shrink are read"
        )
    columns = [net.integers(node, i, name).ravel().tolist() for i, name in enumerate(("begin", "end", "strides"), 1)]
    if any(len(column) != rank for column in columns) or 0 in columns[2]:
        raise node.misfit(f"its begin, end and strides are {columns}; {rank} of each are needed, and strides not 0")
    taken = [_taken(net, node, x, axis, *column) for axis, column in enumerate(zip(*columns, strict=True))]
    kept = [axis for axis in range(rank) if not node.integer(4) >> axis & 1]
    if 0 not in kept:
        raise node.refused("it shrinks axis 0, the batch")
    if len(kept) == rank:
        net.add(node, _slice(taken), x)
        return
    part = net.between(node, _slice(taken), x, "part")
    shape = tuple(net.types[part].shape[axis] for axis in kept[1:])
    net.add(node, Reshape(shape, "NHWC" * (len(shape) == 3)), part)


def _taken(net: Network, node: Operator, x: str, axis: int, begin: int, end: int, stride: int) -> range:
    """The places of an axis; of axis 0, whatever batch the file declares, all."""
    size = net.tensor(node.inputs[0]).shape[axis] if axis == 0 else net.types[x].shape[axis]
    first, last = (None if node.integer(slot) >> axis & 1 else edge for slot, edge in ((0, begin), (1, end)))
    if node.integer(5, "b") and last is not None:
        raise node.refused("its end counts from its begin (offset)")
    taken = range(*slice(first, last, stride).indices(size))
    if node.integer(4) >> axis & 1:
        start = range(*slice(first, None, stride).indices(size)).start
        taken = range(start, start + 1)
    if axis == 0 and taken != range(size):
        raise node.refused(f"it takes {len(taken)} of the batch of {size}; the batch must stay whole")
    return taken if axis else range(1)


def read_split(net: Network, node: Operator) -> None:
    """SPLIT into equal parts along a constant axis, its first input."""
    x, count = net.activation(node, 1), node.integer(0)
    axis = _axis(net, node, 0, x)
    size = net.types[x].shape[axis]
    if count < 1 or size % count or count != len(node.outputs):
        raise node.misfit(f"{count} equal parts of {size}, and {len(node.outputs)} outputs, are not to be had")
    _split(net, node, x, axis, [size // count] * count)


def read_split_v(net: Network, node: Operator) -> None:
    """SPLIT_V into parts of constant sizes, of which one may be -1: the rest; along a constant axis, its last input."""
    x, sizes = net.activation(node), net.integers(node, 1, "sizes").ravel().tolist()
    axis = _axis(net, node, 2, x)
    rest = net.types[x].shape[axis] - sum(size for size in sizes if size != -1)
    parts = [rest if size == -1 else size for size in sizes]
    if sizes.count(-1) > 1 or min(parts, default=0) < 1 or sum(parts) != net.types[x].shape[axis]:
        raise node.misfit(f"its sizes are {sizes}, of {net.types[x].shape[axis]}; one may be -1, none 0 or less")
    if len(parts) != len(node.outputs):
        raise node.misfit(f"it has {len(parts)} sizes and {len(node.outputs)} outputs")
    _split(net, node, x, axis, parts)


def _axis(net: Network, node: Operator, position: int, x: str) -> int:
    values, rank = net.integers(node, position, "axis").ravel().tolist(), len(net.types[x].shape)
    if len(values) != 1 or not -rank <= values[0] < rank:
        raise node.misfit(f"its axis is {values}; one of {net.types[x]} is needed")
    if values[0] in {0, -rank}:
        raise node.refused("it splits axis 0, the batch")
    return int(values[0] % rank)


def _split(net: Network, node: Operator, x: str, axis: int, sizes: list[int]) -> None:
    for output, (start, stop) in enumerate(itertools.pairwise(itertools.accumulate(sizes, initial=0))):
        taken = [range(size) for size in net.types[x].shape]
        taken[axis] = range(start, stop)
        net.add(node, _slice(taken), x, output=output)


def _slice(taken: list[range]) -> Slice:
    starts, stops, steps = zip(*((each.start, each.stop, each.step) for each in taken), strict=True)
    return Slice(starts, stops, steps)
