"""One function per TensorFlow Lite operator, and the table of them. A new operator is a function here and its row.

A reader takes the network so far and one operator call, and adds a layer to the network. It refuses what the layer
cannot express with `node.refused`; whether shapes fit is for the op's `infer`. Options are asked for by their slots in
the schema. Source: google-ai-edge/LiteRT:tflite/kernels/ and tflite/schema/schema.fbs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from int8sim.importers.tflite_file import LARGEST_SIDE, Operator
from int8sim.importers.tflite_network import Network
from int8sim.importers.tflite_quantization import activation_quant
from int8sim.importers.tflite_shapes import (
    read_depth_to_space,
    read_expand_dims,
    read_mirror_pad,
    read_pack,
    read_slice,
    read_space_to_depth,
    read_squeeze,
    read_unpack,
    reshaped,
)
from int8sim.importers.tflite_slices import read_split, read_split_v, read_strided_slice
from int8sim.importers.tflite_variables import (
    read_assign_variable,
    read_call_once,
    read_read_variable,
    read_var_handle,
)
from int8sim.importers.tflite_windows import (
    read_average_pool,
    read_conv,
    read_depthwise_conv,
    read_max_pool,
    read_transpose_conv,
)
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.dequantize import Dequantize
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.hard_swish import HardSwish
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.matmul import Matmul
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.maximum import Maximum
from int8sim.ops.minimum import Minimum
from int8sim.ops.multiply import Multiply
from int8sim.ops.pad import Pad
from int8sim.ops.prelu import Prelu
from int8sim.ops.quantize import Quantize
from int8sim.ops.reduce_mean import ReduceMean
from int8sim.ops.relu import Relu
from int8sim.ops.requantize import Requantize
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.ops.resize_weighted import ResizeWeighted
from int8sim.ops.sigmoid import Sigmoid
from int8sim.ops.softmax import Softmax
from int8sim.ops.subtract import Subtract
from int8sim.ops.tanh import Tanh
from int8sim.ops.transpose import Transpose
from int8sim.spec.resize_tflite import nearest_cell

NEARLY = 2e-3  # twice what the engines allow
Reader = Callable[[Network, Operator], None]


def read_fully_connected(net: Network, node: Operator) -> None:
    """FULLY_CONNECTED: x [batch, ..., K], one row a sample unless keep_num_dims is set; constant weight [O, K]."""
    x, weight = net.activation(node), net.constant(node, 1, "weight")
    if weight.ndim != 2 or not weight.size or node.integer(1, "b"):
        raise node.refused(f"its weight has the shape {list(weight.shape)}, or is shuffled; [O, K] is read")
    if len(net.types[x].shape) > 2 and not node.integer(2, "b"):
        x = net.between(node, Flatten(), x, "rows")
    net.weighted(node, FullyConnected(), x, weight, activation=node.integer(0, "b"))


def read_batch_matmul(net: Network, node: Operator) -> None:
    """BATCH_MATMUL of two activations, either with its last two axes turned (adj_x, adj_y)."""
    operands = [net.activation(node, 0), net.activation(node, 1)]
    for place in (0, 1):
        rank = len(net.types[operands[place]].shape)
        if node.integer(place, "b") and rank > 2:
            turned = Transpose((*range(rank - 2), rank - 1, rank - 2))
            operands[place] = net.between(node, turned, operands[place], "turned")
    net.add(node, Matmul(), *operands)


def _elementwise(op: Op) -> Reader:
    """Two activations, or one and a constant, that broadcast; and a fused activation."""

    def read(net: Network, node: Operator) -> None:
        operands = [net.operand(node, position) for position in (0, 1)]
        net.add(node, op, *operands, activation=node.integer(0, "b"))
        if op.kind != "multiply":
            _check_scales(net, node, operands)

    return read


def _check_scales(net: Network, node: Operator, operands: list[str]) -> None:
    """Refuse the sums of 16-bit codes that shift where all scales are powers of two, nearly, and the option allows."""
    kinds = [net.type_of(name) for name in (*operands, net.tensor(node.outputs[0]).name)]
    powers = [math.log2(kind.quantized.tensor_scale) for kind in kinds if kind.dtype == "int16"]
    if len(powers) == 3 and all(abs(each - round(each)) < NEARLY for each in powers) and node.integer(1, "b", 1):
        raise node.refused("its scales are powers of two: some engines then only shift (pot_scale_int16)")


def _pointwise(op: Op) -> Reader:
    """Every element alone."""

    def read(net: Network, node: Operator) -> None:
        net.add(node, op, net.activation(node))

    return read


def _limit(below: bool) -> Reader:
    """MAXIMUM or MINIMUM of codes, of one scale; of an activation and one constant number it is a bound."""

    def read(net: Network, node: Operator) -> None:
        fixed = [place for place in (0, 1) if node.has(place) and net.tensor(node.inputs[place]).values is not None]
        if len(fixed) != 1 or net.constant(node, fixed[0], "bound").size != 1:
            net.add(node, Maximum() if below else Minimum(), net.operand(node, 0), net.operand(node, 1))
            return
        x, bound = net.activation(node, 1 - fixed[0]), net.constant(node, fixed[0], "bound").item()
        quant = net.types[x].quant
        if quant and quant != activation_quant(net.tensor(node.outputs[0])):
            raise node.refused("its inputs and output have different scales or zero points; the engines need the same")
        real = float(np.float32((bound - quant.tensor_zero_point) * quant.tensor_scale if quant else bound))
        if math.isnan(real):
            raise node.misfit("its bound is NaN")
        net.add(node, Clip(minimum=real) if below else Clip(maximum=real), x)

    return read


def read_leaky_relu(net: Network, node: Operator) -> None:
    """LEAKY_RELU: alpha below zero."""
    slope = node.real(0)
    if not math.isfinite(slope):
        raise node.misfit(f"its alpha is {slope}; a finite one is needed")
    net.add(node, LeakyRelu(slope), net.activation(node))


def read_prelu(net: Network, node: Operator) -> None:
    """PRELU with constant slopes."""
    net.constant(node, 1, "slopes")
    net.add(node, Prelu(), net.activation(node), net.operand(node, 1))


def read_reduce_max(net: Network, node: Operator) -> None:
    """REDUCE_MAX over some axes, at one scale: a max pool of these axes in a column."""
    x, axes, kept = net.activation(node), _axes(net, node), bool(node.integer(0, "b"))
    sizes, quant = net.types[x].shape, activation_quant(net.tensor(node.outputs[0]))
    if quant != net.types[x].quant:
        raise node.refused("its input and output have different scales or zero points; the engines need the same")
    others = [axis for axis in range(1, len(sizes)) if axis not in axes]
    count = math.prod(sizes[axis] for axis in axes)
    for op in (
        Transpose((0, *axes, *others)),
        reshaped((count, 1, math.prod(sizes[axis] for axis in others))),
        MaxPool((count, 1)),
    ):
        x = net.between(node, op, x, "column")
    net.add(node, reshaped([1 if a in axes else size for a, size in enumerate(sizes) if kept or a not in axes][1:]), x)


def read_mean(net: Network, node: Operator) -> None:
    """MEAN over some axes: over height and width, kept as axes of size 1, by another kernel in some engines."""
    x, axes = net.activation(node), _axes(net, node)
    kept = bool(node.integer(0, "b"))
    if net.types[x].layout == "NHWC" and axes == (1, 2) and kept:
        net.add(node, GlobalAveragePool(), x)
    else:
        net.add(node, ReduceMean(axes, kept), x)


def _axes(net: Network, node: Operator) -> tuple[int, ...]:
    """The constant axes over which an operator reduces, ascending."""
    given, rank = net.integers(node, 1, "axes").ravel().tolist(), len(net.types[net.activation(node)].shape)
    axes = sorted({axis % rank for axis in given})
    if not axes or not all(-rank <= axis < rank for axis in given):
        raise node.misfit(f"its axes are {given}; some of {rank} are needed")
    if axes[0] == 0:
        raise node.refused(f"its axes are {given}: it reduces axis 0, the batch")
    return tuple(axes)


def read_softmax(net: Network, node: Operator) -> None:
    """SOFTMAX over the last axis."""
    x, beta = net.activation(node), node.real(0)
    if beta != 1.0:
        raise node.refused(f"its beta is {beta}; only 1 is read")
    net.add(node, Softmax(len(net.types[x].shape) - 1), x)


def read_concatenation(net: Network, node: Operator) -> None:
    """CONCATENATION of activations."""
    parts = [net.activation(node, position) for position in range(len(node.inputs))]
    axis, rank = node.integer(0), len(net.types[parts[0]].shape) if parts else 0
    if not parts or node.integer(1, "b"):
        raise node.refused("it has no inputs, or a fused activation")
    net.add(node, Concat(axis + rank if axis < 0 else axis), *parts)


def read_reshape(net: Network, node: Operator) -> None:
    """RESHAPE that leaves the batch: a constant shape, or the option."""
    x = net.activation(node)
    shape = net.integers(node, 1, "shape").ravel().tolist() if node.has(1) else _new_shape(node)
    batch = net.tensor(node.inputs[0]).shape[:1]
    if not shape or shape[0] not in {-1, *batch}:
        raise node.refused(f"its shape is {shape}; the first dimension, the batch, must stay {list(batch)} or be -1")
    rest, size = shape[1:], math.prod(net.types[x].shape[1:])
    known = math.prod(each for each in rest if each != -1)
    if rest.count(-1) > 1 or any(each < -1 for each in rest) or not known:
        raise node.misfit(f"its shape is {shape}; one dimension may be -1, none 0 or less")
    net.add(node, reshaped([size // known if each == -1 else each for each in rest]), x)


def _new_shape(node: Operator) -> list[int]:
    return [] if node.options is None else node.options.integers(0, "i")


def read_transpose(net: Network, node: Operator) -> None:
    """TRANSPOSE that leaves the batch."""
    perm = tuple(net.integers(node, 1, "order of axes").ravel().tolist())
    if not perm:
        raise node.misfit("its order of axes is empty")
    net.add(node, Transpose(perm), net.activation(node))


def read_pad(net: Network, node: Operator) -> None:
    """PAD with real zeros, PADV2 with one constant; none on the batch."""
    widths = net.integers(node, 1, "paddings")
    if widths.ndim != 2 or widths.shape[1] != 2 or not widths.size:
        raise node.misfit(f"its paddings have the shape {list(widths.shape)}; two for each axis are needed")
    x, value = net.activation(node), 0.0
    if node.has(2):
        filling, quant = net.constant(node, 2, "filling"), net.types[net.activation(node)].quant
        if filling.size != 1 or filling.dtype.name != net.types[x].dtype:
            raise node.misfit(f"its filling is {filling.dtype.name}{list(filling.shape)}; one {net.types[x].dtype}")
        scale, zero_point = (quant.tensor_scale, quant.tensor_zero_point) if quant else (1.0, 0)
        value = float(np.float32((filling.item() - zero_point) * scale))
    net.add(node, Pad((*widths[:, 0].tolist(), *widths[:, 1].tolist()), value), x)


def read_resize_nearest(net: Network, node: Operator) -> None:
    """RESIZE_NEAREST_NEIGHBOR to a constant height and width."""
    x, (rows, columns) = net.image(node), _resized(net, node, 0, nearest_cell)
    net.add(node, ResizeNearest(rows, columns), x)


def read_resize_bilinear(net: Network, node: Operator) -> None:
    """RESIZE_BILINEAR to a constant height and width."""
    x, place = net.image(node), net.bilinear(node)
    rows, columns = (tuple(map(_taps, places)) for places in _resized(net, node, 2, place))
    net.add(node, ResizeWeighted(rows, columns), x)


def _taps(place: float) -> tuple[int, tuple[float, ...]]:
    """The cell at a place, or the two beside it, and their weights."""
    cell, beyond = int(place), float(np.float32(place - int(place)))
    return cell, (float(np.float32(1 - beyond)), beyond) if beyond else (1.0,)


def _resized(net: Network, node: Operator, slot: int, place: Callable[..., Any]) -> list[tuple[Any, ...]]:
    """What a function of (output cell, input size, output size, and two options from the slot on) gives, by axis."""
    inputs, sizes = net.types[net.image(node)].shape[1:3], net.integers(node, 1, "size").ravel().tolist()
    corners, centers = bool(node.integer(slot, "b")), bool(node.integer(slot + 1, "b"))
    if len(sizes) != 2 or not all(0 < size <= LARGEST_SIDE for size in sizes) or (corners and centers):
        raise node.misfit(f"its size is {sizes}; align_corners and half_pixel_centers exclude each other")
    return [
        tuple(place(cell, before, after, corners, centers) for cell in range(after))
        for before, after in zip(inputs, sizes, strict=True)
    ]


def read_quantize(net: Network, node: Operator) -> None:
    """QUANTIZE: real values to codes, or codes to codes of another scale."""
    x = net.activation(node)
    net.add(node, Requantize() if net.types[x].quant else Quantize(), x)


def _shape(net: Network, node: Operator) -> None:
    """SHAPE, which is computed while the file is read wherever it has an input."""
    net.activation(node)


READERS: Mapping[str, Reader] = {
    "ADD": _elementwise(Add()),
    "ASSIGN_VARIABLE": read_assign_variable,
    "AVERAGE_POOL_2D": read_average_pool,
    "BATCH_MATMUL": read_batch_matmul,
    "CALL_ONCE": read_call_once,
    "CONCATENATION": read_concatenation,
    "CONV_2D": read_conv,
    "DEPTH_TO_SPACE": read_depth_to_space,
    "DEPTHWISE_CONV_2D": read_depthwise_conv,
    "DEQUANTIZE": _pointwise(Dequantize()),
    "EXPAND_DIMS": read_expand_dims,
    "FULLY_CONNECTED": read_fully_connected,
    "HARD_SWISH": _pointwise(HardSwish()),
    "LEAKY_RELU": read_leaky_relu,
    "LOGISTIC": _pointwise(Sigmoid()),
    "MAX_POOL_2D": read_max_pool,
    "MAXIMUM": _limit(below=True),
    "MEAN": read_mean,
    "MINIMUM": _limit(below=False),
    "MIRROR_PAD": read_mirror_pad,
    "MUL": _elementwise(Multiply()),
    "PACK": read_pack,
    "PAD": read_pad,
    "PADV2": read_pad,
    "PRELU": read_prelu,
    "QUANTIZE": read_quantize,
    "READ_VARIABLE": read_read_variable,
    "REDUCE_MAX": read_reduce_max,
    "RELU": _pointwise(Relu()),
    "RELU6": _pointwise(Clip(0.0, 6.0)),
    "RELU_N1_TO_1": _pointwise(Clip(-1.0, 1.0)),
    "RESHAPE": read_reshape,
    "RESIZE_BILINEAR": read_resize_bilinear,
    "RESIZE_NEAREST_NEIGHBOR": read_resize_nearest,
    "SHAPE": _shape,
    "SLICE": read_slice,
    "SOFTMAX": read_softmax,
    "SPACE_TO_DEPTH": read_space_to_depth,
    "SPLIT": read_split,
    "SPLIT_V": read_split_v,
    "SQUEEZE": read_squeeze,
    "STRIDED_SLICE": read_strided_slice,
    "SUB": _elementwise(Subtract()),
    "TANH": _pointwise(Tanh()),
    "TRANSPOSE": read_transpose,
    "TRANSPOSE_CONV": read_transpose_conv,
    "UNPACK": read_unpack,
    "VAR_HANDLE": read_var_handle,
}

SUPPORTED = tuple(sorted(READERS))
