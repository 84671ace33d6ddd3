"""One function per ONNX operator, and the table of them. A new operator is a function here and its row in READERS.

A reader takes the network so far and one node, and adds a layer, a constant or an alias to the network. It refuses
what the layer cannot express with `node.refused`; whether shapes fit is for the op's `infer`. Source of every rule:
onnx/onnx:docs/Operators.md and docs/Changelog.md, opsets 7 to 28.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.step import Array
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.matmul import Matmul
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.pad import Pad
from int8sim.ops.relu import Relu
from int8sim.ops.reshape import Reshape
from int8sim.ops.softmax import Softmax
from int8sim.ops.transpose import Transpose
from int8sim.ops.window import same_pads

Reader = Callable[[Network, Node], None]
Pair = tuple[int, int]
Pads = tuple[int, int, int, int]

NO_PADS: Pads = (0, 0, 0, 0)
LARGEST = float(np.finfo(np.float32).max)
EPSILON = float(np.float32(1e-5))
ADDITIONS = (
    "two activations of the same shape",
    "an activation and a constant with one value per channel, directly behind a Conv, MatMul or Gemm without a bias",
)


def read_conv(net: Network, node: Node) -> None:
    """Conv: x [N, C, H, W], constant weight [O, C / group, kh, kw], optional constant bias [O]."""
    x, shape = net.image(node), net.constant(node, 1, "weight").shape
    if len(shape) != 4:
        raise node.misfit(f"the weight has the shape {list(shape)}; [O, C / group, kh, kw] is needed")
    kernel = shape[2], shape[3]
    if node.integers("kernel_shape", kernel, 2) != kernel:
        raise node.misfit(f"kernel_shape is {list(node.integers('kernel_shape', kernel))}, the weight is {list(shape)}")
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    pads = _pads(net, node, kernel, strides, dilations)
    op = Conv2d(strides, pads, dilations, node.integer("group", 1))
    weight = net.parameter(node, 1, "weight")
    bias = [net.parameter(node, 2, "bias")] if node.input(2) else []
    net.add(node, op, x, weight, *bias)


def read_gemm(net: Network, node: Node) -> None:
    """Gemm: alpha * x * B + beta * C, x [N, K]; B constant, C constant with one value per column, or one.

    The weight is alpha * B as [O, K] and the bias beta * C as [O], each product rounded to float32 once.
    """
    if node.integer("transA", 0):
        raise node.refused("transA 1 would turn the batch into columns; only transA 0 is read")
    x, matrix = net.activation(node), net.floats(node, 1, "matrix B")
    if len(net.types[x].shape) != 2 or matrix.ndim != 2:
        raise node.misfit(f"A is {net.types[x]}, B is {list(matrix.shape)}; two matrices are needed (Flatten A first)")
    alpha, kept = node.real("alpha", 1.0), bool(node.integer("transB", 0))
    rows = matrix if kept else matrix.T
    weight = net.parameter(node, 1, "weight") if kept and alpha == 1.0 else _scaled(net, node, "weight", rows, alpha)
    net.add(node, FullyConnected(), x, weight, *_gemm_bias(net, node, rows.shape[0]))


def _gemm_bias(net: Network, node: Node, outputs: int) -> list[str]:
    if not node.input(2):
        return []
    values, beta = net.floats(node, 2, "matrix C"), node.real("beta", 1.0)
    vector = _per_channel(values, 2, 1, outputs)
    if vector is None:
        raise node.refused(f"C has the shape {list(values.shape)}; one value, or {outputs} in a row, are read")
    if beta == 1.0 and values.shape == vector.shape:
        return [net.parameter(node, 2, "bias")]
    return [_scaled(net, node, "bias", vector, beta)]


def _scaled(net: Network, node: Node, role: str, values: Array, factor: float) -> str:
    """values * factor as a new constant."""
    with np.errstate(over="ignore", invalid="ignore"):
        return net.derived(node.layer, role, values * np.float32(factor) if factor != 1.0 else values)


def read_matmul(net: Network, node: Node) -> None:
    """MatMul: x [..., K] by a constant [K, O] is a fully connected layer; by another activation, a matrix product."""
    x = net.activation(node)
    if node.input(1) not in net.values:
        net.add(node, Matmul(), x, net.activation(node, 1))
        return
    matrix = net.floats(node, 1, "matrix B")
    if matrix.ndim != 2:
        raise node.refused(f"the constant B has the shape {list(matrix.shape)}; only a matrix is read")
    net.add(node, FullyConnected(), x, net.derived(node.layer, "weight", matrix.T))


def read_add(net: Network, node: Node) -> None:
    """Add: two activations of one shape; or a constant that becomes the bias of the layer before it."""
    constant = next((i for i in (0, 1) if node.input(i) in net.values), None)
    if constant is not None:
        _absorb_bias(net, node, net.activation(node, 1 - constant), constant)
        return
    a, b = net.activation(node, 0), net.activation(node, 1)
    if net.types[a].shape != net.types[b].shape:
        raise node.refused(f"it adds {net.types[a]} and {net.types[b]}; nothing is broadcast", ADDITIONS)
    net.add(node, Add(), a, b)


def _absorb_bias(net: Network, node: Node, source: str, constant: int) -> None:
    """The sum is the layer's with a bias, to the last bit: the bias is added to the finished dot product."""
    layer, kind = net.producer(source), net.types[source]
    weighted = layer is not None and layer.op.weighted and len(layer.inputs) == 2
    if layer is None or not weighted or len(net.readers(source)) != 1:
        raise node.refused(f"it adds a constant to {source!r}, which no such layer gives to it alone", ADDITIONS)
    values = net.floats(node, constant, "constant")
    channels = net.constants[layer.inputs[1]].shape[0]
    axis = 1 if isinstance(layer.op, Conv2d) else len(kind.shape) - 1
    vector = _per_channel(values, len(kind.shape), axis, channels)
    if vector is None:
        raise node.refused(f"the constant has the shape {list(values.shape)}, {source!r} is {kind}", ADDITIONS)
    net.extend(layer, node, net.derived(layer.name, "bias", vector))


def _per_channel(values: Array, rank: int, axis: int, channels: int) -> Array | None:
    """The vector that `values`, broadcast to a rank, holds along one axis; None if it varies along another."""
    if values.ndim > rank:
        return None
    shape = (1,) * (rank - values.ndim) + values.shape
    along = shape[axis]
    if math.prod(shape) != along or along not in {1, channels}:
        return None
    return np.broadcast_to(values.reshape(-1), (channels,))


def read_max_pool(net: Network, node: Node) -> None:
    """MaxPool: x [N, C, H, W]; storage_order only concerns the second output, which is not read."""
    x, kernel = net.image(node), _pair(node, "kernel_shape", None)
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    pads = _pads(net, node, kernel, strides, dilations)
    net.add(node, MaxPool(kernel, strides, pads, dilations, _ceil_mode(net, node, kernel, strides, dilations)), x)


def read_average_pool(net: Network, node: Node) -> None:
    """AveragePool: x [N, C, H, W]; no dilations."""
    x, kernel = net.image(node), _pair(node, "kernel_shape", None)
    strides, dilations = _pair(node, "strides"), _pair(node, "dilations")
    if dilations != (1, 1):
        raise node.refused(f"dilations are {list(dilations)}; an average over spread cells is not read, only [1, 1]")
    pads = _pads(net, node, kernel, strides, dilations)
    ceil_mode = _ceil_mode(net, node, kernel, strides, dilations)
    net.add(node, AveragePool(kernel, strides, pads, ceil_mode, bool(node.integer("count_include_pad", 0))), x)


def _pair(node: Node, name: str, default: Pair | None = (1, 1)) -> Pair:
    """Two positive integers, for height and width."""
    height, width = node.integers(name, default, 2, low=1)
    return height, width


def _pads(net: Network, node: Node, kernel: Pair, strides: Pair, dilations: Pair) -> Pads:
    """(top, left, bottom, right), by `pads` or by `auto_pad`, which then wins."""
    mode = node.text("auto_pad", "NOTSET")
    if mode == "NOTSET":
        top, left, bottom, right = node.integers("pads", NO_PADS, 4)
        return top, left, bottom, right
    if mode == "VALID":
        return NO_PADS
    if mode not in {"SAME_UPPER", "SAME_LOWER"}:
        raise node.refused(f"auto_pad is {mode!r}; NOTSET, VALID, SAME_UPPER and SAME_LOWER are read")
    size = net.types[net.image(node)].shape[2:]
    spans = [dilations[axis] * (kernel[axis] - 1) + 1 for axis in (0, 1)]
    (top, bottom), (left, right) = (same_pads(size[i], spans[i], strides[i], mode == "SAME_UPPER") for i in (0, 1))
    return top, left, bottom, right


def _ceil_mode(net: Network, node: Node, kernel: Pair, strides: Pair, dilations: Pair) -> bool:
    """Whether a last partial window counts. With SAME pads there is none.

    With VALID the text of ONNX drops it and ONNX Runtime 1.31 keeps it: refused where that is a difference.
    """
    mode = node.text("auto_pad", "NOTSET")
    if not node.integer("ceil_mode", 0) or mode.startswith("SAME"):
        return False
    for axis, size in enumerate(net.types[net.image(node)].shape[2:]):
        partial = (size - dilations[axis] * (kernel[axis] - 1) - 1) % strides[axis]
        if mode == "VALID" and partial:
            raise node.refused("auto_pad VALID with ceil_mode 1 has two meanings; write pads instead")
    return True


def read_global_average_pool(net: Network, node: Node) -> None:
    """GlobalAveragePool: x [N, C, H, W] to [N, C, 1, 1]."""
    net.add(node, GlobalAveragePool(), net.image(node))


def read_relu(net: Network, node: Node) -> None:
    """Relu: x of any shape."""
    net.add(node, Relu(), net.activation(node))


def read_clip(net: Network, node: Node) -> None:
    """Clip: bounds are attributes up to opset 10, then constants. The largest float, the default, is no bound."""
    if net.model.opset < 11:
        low, high = node.real("min", -LARGEST), node.real("max", LARGEST)
    else:
        low, high = net.scalar(node, 1, "minimum", -LARGEST), net.scalar(node, 2, "maximum", LARGEST)
    minimum, maximum = -math.inf if low == -LARGEST else low, math.inf if high == LARGEST else high
    net.add(node, Clip(minimum, maximum), net.activation(node))


def read_concat(net: Network, node: Node) -> None:
    """Concat: activations along an axis other than the batch."""
    inputs = [net.activation(node, position) for position in range(max(1, len(node.inputs)))]
    net.add(node, Concat(_axis(node, None, len(net.types[inputs[0]].shape))), *inputs)


def read_flatten(net: Network, node: Node) -> None:
    """Flatten: one row per sample, that is axis 1."""
    x = net.activation(node)
    axis, rank = node.integer("axis", 1), len(net.types[x].shape)
    if axis != 1 and not (axis < 0 and axis + rank == 1):
        raise node.refused(f"axis is {axis}; only axis 1 leaves the batch alone")
    net.add(node, Flatten(), x)


def read_reshape(net: Network, node: Node) -> None:
    """Reshape to a constant shape: 0 copies a size, one -1 takes what is left, and axis 0 is the batch."""
    x, shape = net.activation(node), net.integers(node, 1, "shape")
    if node.integer("allowzero", 0) and 0 in shape:
        raise node.refused(f"the shape is {list(shape)} with allowzero 1: an empty tensor")
    sample = _sample_shape(net, node, net.types[x].shape, shape)
    net.add(node, Reshape(sample, net.layout(node.output) if len(sample) == 3 else ""), x)


def _sample_shape(net: Network, node: Node, old: tuple[int, ...], new: tuple[int, ...]) -> tuple[int, ...]:
    """The new shape without the batch. `new` counts for the batch that the model declares."""
    if not new or new[0] not in {0, -1, net.model.batch}:
        raise node.refused(f"the shape is {list(new)}; axis 0 must stay the batch: 0, -1 or {net.model.batch} there")
    if len(new) > len(old) and 0 in new[len(old) :]:
        raise node.misfit(f"the shape {list(new)} copies a dimension that {list(old)} does not have")
    sizes = [old[axis] if size == 0 else size for axis, size in enumerate(new)][1:]
    left, known = math.prod(old[1:]), math.prod(size for size in sizes if size != -1)
    open_axes = (new[0] == -1) + sizes.count(-1)
    if open_axes > 1 or known <= 0 or min(sizes, default=0) < -1 or (-1 in sizes and left % known):
        raise node.misfit(f"the shape {list(new)} does not fit {list(old)} (the batch as 1)")
    return tuple(left // known if size == -1 else size for size in sizes)


def read_transpose(net: Network, node: Node) -> None:
    """Transpose: without perm the axes are reversed, which moves the batch and is refused."""
    x = net.activation(node)
    backwards = tuple(reversed(range(len(net.types[x].shape))))
    net.add(node, Transpose(node.integers("perm", backwards)), x)


def read_pad(net: Network, node: Node) -> None:
    """Pad with zeros. pads: an attribute up to opset 10, then an input, from opset 18 for the axes of a third input."""
    x = net.activation(node)
    rank = len(net.types[x].shape)
    axes = tuple(range(rank))
    if net.model.opset < 11:
        pads, value = node.integers("pads", None), node.real("value", 0.0)
    else:
        pads, value = net.integers(node, 1, "pads"), net.scalar(node, 2, "constant_value", 0.0)
        axes = net.integers(node, 3, "axes") if node.input(3) else axes
    if node.text("mode", "constant") != "constant" or value != 0.0:
        raise node.refused(f"mode is {node.text('mode', 'constant')!r} with value {value}; only constant 0 is read")
    if any(size < 0 for size in pads):
        raise node.refused(f"pads are {list(pads)}; negative pads, which cut, are not read")
    net.add(node, Pad(_all_axes(node, pads, axes, rank)), x)


def _all_axes(node: Node, pads: tuple[int, ...], axes: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """Pads of some axes as pads of all: begins, then ends."""
    places = [axis % rank if -rank <= axis < rank else None for axis in axes]
    if None in places or len(set(places)) != len(axes) or len(pads) != 2 * len(axes):
        raise node.misfit(f"pads {list(pads)} for axes {list(axes)} do not fit a tensor with {rank} axes")
    begins, ends = dict(zip(places, pads, strict=False)), dict(zip(places, pads[len(axes) :], strict=True))
    return (*(begins.get(axis, 0) for axis in range(rank)), *(ends.get(axis, 0) for axis in range(rank)))


def read_softmax(net: Network, node: Node) -> None:
    """Softmax: along one axis from opset 13; before that over all axes from one on, which must come to the same."""
    x = net.activation(node)
    shape = net.types[x].shape
    if net.model.opset >= 13:
        net.add(node, Softmax(_axis(node, -1, len(shape))), x)
        return
    first = _axis(node, 1, len(shape))
    wide = [axis for axis in range(first, len(shape)) if shape[axis] != 1]
    if first == 0 or len(wide) > 1:
        raise node.refused(
            f"before opset 13 axis {first} means all axes from there on of {net.types[x]}; "
            "only one, not the batch, may have a size other than 1"
        )
    net.add(node, Softmax(wide[0] if wide else first), x)


def _axis(node: Node, default: int | None, rank: int) -> int:
    """The attribute axis, counted from the front."""
    axis = node.integer("axis", default)
    if not -rank <= axis < rank:
        raise node.misfit(f"axis is {axis}; the tensor has {rank} axes")
    return axis % rank


def read_batch_normalization(net: Network, node: Node) -> None:
    """BatchNormalization at inference: x [N, C] or [N, C, H, W]; constant scale, bias, mean, variance [C]."""
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise node.refused("training_mode 1 and spatial 0 are not read; export the model for inference")
    x = net.activation(node)
    if len(net.types[x].shape) != 2:
        x = net.image(node)
    epsilon, lowest = node.real("epsilon", EPSILON), float(net.floats(node, 4, "variance").min())
    if not lowest + epsilon > 0.0:
        raise node.misfit(f"the lowest variance is {lowest} and epsilon {epsilon}; their sum must be positive")
    parameters = [net.parameter(node, i, what) for i, what in enumerate(("scale", "bias", "mean", "variance"), 1)]
    net.add(node, BatchNormalization(epsilon), x, *parameters)


def read_identity(net: Network, node: Node) -> None:
    """Identity: another name."""
    net.alias(node)


def read_dropout(net: Network, node: Node) -> None:
    """Dropout at inference: another name. From opset 12 a constant third input may ask for training."""
    if node.input(2) and net.constant(node, 2, "training_mode").any():
        raise node.refused("training_mode is on; export the model for inference")
    net.alias(node)


def read_constant(net: Network, node: Node) -> None:
    """Constant: a tensor, a number or a vector of numbers."""
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if node.attributes.get(name) is not None:
            net.define(node, np.array(node.attributes[name], "float32" if "float" in name else "int64"))
            return
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise node.refused("it holds no dense tensor of numbers")
    net.define(node, value)


READERS: Mapping[str, Reader] = {
    "Add": read_add,
    "AveragePool": read_average_pool,
    "BatchNormalization": read_batch_normalization,
    "Clip": read_clip,
    "Concat": read_concat,
    "Constant": read_constant,
    "Conv": read_conv,
    "Dropout": read_dropout,
    "Flatten": read_flatten,
    "Gemm": read_gemm,
    "GlobalAveragePool": read_global_average_pool,
    "Identity": read_identity,
    "MatMul": read_matmul,
    "MaxPool": read_max_pool,
    "Pad": read_pad,
    "Relu": read_relu,
    "Reshape": read_reshape,
    "Softmax": read_softmax,
    "Transpose": read_transpose,
}
"""ONNX operator -> what reads a node of it."""

SUPPORTED = tuple(sorted(READERS))
