"""Readers of the operators that only move codes: axes of one element, blocks of pixels, mirrored borders, stacks."""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.importers.tflite_file import LARGEST_SIDE, Operator
from int8sim.importers.tflite_network import Network
from int8sim.ops.base import Op
from int8sim.ops.concat import Concat
from int8sim.ops.reshape import Reshape
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.ops.slice import Slice
from int8sim.ops.transpose import Transpose

ROWS_BESIDE_COLUMNS = Transpose((0, 1, 3, 2, 4))


def reshaped(shape: Sequence[int]) -> Reshape:
    """To [batch, ...]; of four axes an image."""
    return Reshape(tuple(shape), "NHWC" * (len(shape) == 3))


def read_squeeze(net: Network, node: Operator) -> None:
    """SQUEEZE of named axes, or of all that hold one element."""
    x, given = net.activation(node), [] if node.options is None else node.options.integers(0, "i")
    sizes = net.types[x].shape
    axes = {axis % len(sizes) for axis in given} or {axis for axis, size in enumerate(sizes) if size == 1}
    if 0 in axes:
        raise node.refused("it removes axis 0, the batch")
    if any(sizes[axis] != 1 or not -len(sizes) <= place < len(sizes) for axis, place in zip(axes, given, strict=False)):
        raise node.misfit(f"it removes axes {given} of {list(sizes)}; they must hold one element")
    net.add(node, reshaped([size for axis, size in enumerate(sizes) if axis not in axes][1:]), x)


def read_expand_dims(net: Network, node: Operator) -> None:
    """EXPAND_DIMS: an axis of one element, not before the batch."""
    x, given = net.activation(node), net.integers(node, 1, "axis").ravel().tolist()
    sizes = list(net.types[x].shape)
    if len(given) != 1 or not -len(sizes) - 1 <= given[0] <= len(sizes):
        raise node.misfit(f"its axis is {given}; one of {sizes}, or behind them, is needed")
    axis = given[0] % (len(sizes) + 1)
    if not axis:
        raise node.refused("it adds an axis before the batch")
    net.add(node, reshaped([*sizes[1:axis], 1, *sizes[axis:]]), x)


def read_space_to_depth(net: Network, node: Operator) -> None:
    """SPACE_TO_DEPTH: a block of pixels becomes one, its channels pixel by pixel."""
    x, block = net.image(node), _block(node)
    height, width, channels = (size for size in net.types[x].shape[1:])
    if height % block or width % block:
        raise node.misfit(f"its blocks of {block} x {block} do not divide {net.types[x]}")
    blocks = height // block, block, width // block, block * channels
    _through(net, node, x, [Reshape(blocks), ROWS_BESIDE_COLUMNS])
    net.add(node, reshaped((blocks[0], blocks[2], block * blocks[3])), net.layers[-1].output)


def read_depth_to_space(net: Network, node: Operator) -> None:
    """DEPTH_TO_SPACE: the inverse of SPACE_TO_DEPTH."""
    x, block = net.image(node), _block(node)
    height, width, channels = (size for size in net.types[x].shape[1:])
    if channels % (block * block):
        raise node.misfit(f"its blocks of {block} x {block} do not divide the channels of {net.types[x]}")
    _through(net, node, x, [Reshape((height, width, block, channels // block)), ROWS_BESIDE_COLUMNS])
    net.add(node, reshaped((height * block, width * block, channels // block**2)), net.layers[-1].output)


def _block(node: Operator) -> int:
    block = node.integer(0)
    if not 0 < block <= LARGEST_SIDE:
        raise node.misfit(f"its block size is {block}; 1 or more is needed")
    return block


def _through(net: Network, node: Operator, x: str, ops: Sequence[Op]) -> None:
    for op in ops:
        x = net.between(node, op, x, "blocks")


def read_slice(net: Network, node: Operator) -> None:
    """SLICE by a constant begin and size, one for each axis; a size of -1 is the rest; none of the batch left out."""
    x, (begin, size) = net.activation(node), (net.integers(node, i, what).ravel().tolist() for i, what in BEGIN_SIZE)
    shape = [*net.tensor(node.inputs[0]).shape[:1], *net.types[x].shape[1:]]
    if not len(begin) == len(size) == len(shape):
        raise node.misfit(f"it begins at {begin} and takes {size}; {len(shape)} of each are needed")
    ends = [whole if few == -1 else first + few for first, few, whole in zip(begin, size, shape, strict=True)]
    if any(not 0 <= first < end <= whole for first, end, whole in zip(begin, ends, shape, strict=True)):
        raise node.misfit(f"it takes {begin} to {ends} of {shape}")
    if (begin[0], ends[0]) != (0, shape[0]):
        raise node.refused(f"it takes {begin[0]} to {ends[0]} of the batch of {shape[0]}; the batch must stay whole")
    net.add(node, Slice((0, *begin[1:]), (1, *ends[1:]), (1,) * len(shape)), x)


BEGIN_SIZE = ((1, "begin"), (2, "size"))
REFLECT = 0


def read_mirror_pad(net: Network, node: Operator) -> None:
    """MIRROR_PAD of height and width, REFLECT or SYMMETRIC: cells taken by their places."""
    x, widths = net.image(node), net.integers(node, 1, "paddings")
    if widths.shape != (4, 2) or widths[[0, 3]].any():
        raise node.refused(f"its paddings are {widths.tolist()}; those of height and width, of four axes, are read")
    edge = int(node.integer(0, "b") == REFLECT)  # the outermost cell is not repeated
    sizes = net.types[x].shape[1:3]
    pads = [(int(before), int(after)) for before, after in widths[1:3]]
    if any(not 0 <= min(pair) <= max(pair) <= size - edge for pair, size in zip(pads, sizes, strict=True)):
        raise node.misfit(f"its paddings are {pads}, of {list(sizes)} cells, which hold no such mirror image")
    rows, columns = (_mirrored(size, *pair, edge) for size, pair in zip(sizes, pads, strict=True))
    net.add(node, ResizeNearest(rows, columns), x)


def _mirrored(size: int, before: int, after: int, edge: int) -> tuple[int, ...]:
    first = range(before - 1 + edge, edge - 1, -1)
    last = range(size - 1 - edge, size - 1 - edge - after, -1)
    return (*first, *range(size), *last)


def read_pack(net: Network, node: Operator) -> None:
    """PACK of activations: side by side along a new axis, not before the batch."""
    parts = [net.activation(node, position) for position in range(len(node.inputs))]
    sizes, given = list(net.types[parts[0]].shape), node.integer(1)
    if not -len(sizes) - 1 <= given <= len(sizes) or not given % (len(sizes) + 1):
        raise node.refused(f"its axis is {given}; one behind the batch of {sizes} is needed")
    axis = given % (len(sizes) + 1)
    shape = reshaped([*sizes[1:axis], 1, *sizes[axis:]])
    net.add(node, Concat(axis), *[net.between(node, shape, part, "part") for part in parts])


def read_unpack(net: Network, node: Operator) -> None:
    """UNPACK: every place of an axis, not of the batch, as a tensor without that axis."""
    x, given = net.activation(node), node.integer(1)
    sizes = net.types[x].shape
    axis = given % len(sizes)
    if not axis or not -len(sizes) <= given < len(sizes) or sizes[axis] != len(node.outputs):
        raise node.refused(f"it takes axis {given} of {list(sizes)} apart into {len(node.outputs)}")
    for output in range(len(node.outputs)):
        starts, stops = [0] * len(sizes), list(sizes)
        starts[axis], stops[axis] = output, output + 1
        part = net.between(node, Slice(tuple(starts), tuple(stops), (1,) * len(sizes)), x, "part")
        net.add(node, reshaped([*sizes[1:axis], *sizes[axis + 1 :]]), part, output=output)
