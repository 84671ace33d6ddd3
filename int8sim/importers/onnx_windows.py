"""Readers of ONNX's convolutions, pools and normalizations: what slides over images, or knows channels.

Images have one axis, of height 1 then, or two. Source of every rule: onnx/onnx:docs/Operators.md and
docs/Changelog.md, opsets 7 to 28.
"""

from __future__ import annotations

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.lrn import Lrn
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.window import same_pads

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]

NO_PADS: Pads = (0, 0, 0, 0)
EPSILON = 9.999999747378752e-06
ALPHA = 9.999999747378752e-05


def read_conv(net: Network, node: Node) -> None:
    """Conv: x [N, C, spatial], constant weight [O, C / group, kernel], optional constant bias [O]."""
    weight, kernel = _weight(net, node, "[O, C / group, kh, kw]")
    strides, dilations = pair(net, node, "strides"), pair(net, node, "dilations")
    pads = _pads(net, node, kernel, strides, dilations)
    net.add_image(node, Conv2d(strides, pads, dilations, node.integer("group", 1)), weight, *_bias(net, node))


def _weight(net: Network, node: Node, needed: str) -> tuple[str, Pair]:
    """The name of a weight of images with two axes, and its kernel."""
    axes, shape = net.spatial(node), net.constant(node, 1, "weight").shape
    if len(shape) != axes + 2:
        raise node.misfit(
            f"the weight has the shape {list(shape)}; {needed if axes == 2 else needed[:-4] + ']'} is needed"
        )
    if node.integers("kernel_shape", shape[2:], axes) != shape[2:]:
        raise node.misfit(f"kernel_shape is {list(node.integers('kernel_shape', None))}, the weight is {list(shape)}")
    if axes == 2:
        return net.parameter(node, 1, "weight"), (shape[2], shape[3])
    values = net.floats(node, 1, "weight")
    return net.derived(node.layer, "weight", values[:, :, None]), (1, shape[2])


def _bias(net: Network, node: Node) -> list[str]:
    return [net.parameter(node, 2, "bias")] if node.input(2) else []


def read_conv_transpose(net: Network, node: Node) -> None:
    """ConvTranspose: x [N, C, spatial], constant weight [C, O / group, kernel], optional constant bias [O]."""
    weight, kernel = _weight(net, node, "[C, O / group, kh, kw]")
    strides, dilations = pair(net, node, "strides"), pair(net, node, "dilations")
    pads = _cut(net, node, kernel, strides, dilations)
    net.add_image(node, ConvTranspose(strides, pads, dilations, node.integer("group", 1)), weight, *_bias(net, node))


def _cut(net: Network, node: Node, kernel: Pair, strides: Pair, dilations: Pair) -> Pads:
    """What is cut from the full output: pads less the output padding, or what output_shape or auto_pad leaves."""
    more, mode = pair(net, node, "output_padding", (0, 0), 0), node.text("auto_pad", "NOTSET")
    if "output_shape" not in node.attributes and mode in {"NOTSET", "VALID"}:
        top, left, bottom, right = pads_of(net, node) if mode == "NOTSET" else NO_PADS
        return top, left, bottom - more[0], right - more[1]
    size = net.types[net.image(node)].shape[2:]
    wanted = pair(net, node, "output_shape", (size[0] * strides[0], size[1] * strides[1]))
    total = [strides[i] * (size[i] - 1) + dilations[i] * (kernel[i] - 1) + 1 - wanted[i] for i in (0, 1)]
    half, other = (max(each + extra, 0) // 2 for each, extra in zip(total, more, strict=True))
    if mode == "SAME_UPPER":
        return half, other, total[0] - half, total[1] - other
    top, left = (max(each + extra, 0) - half for each, extra, half in zip(total, more, (half, other), strict=True))
    return top, left, total[0] - top, total[1] - left


def read_max_pool(net: Network, node: Node) -> None:
    """MaxPool: x [N, C, spatial]; storage_order only concerns the second output, which is not read."""
    kernel = pair(net, node, "kernel_shape", None)
    strides, dilations = pair(net, node, "strides"), pair(net, node, "dilations")
    pads = _pads(net, node, kernel, strides, dilations)
    net.add_image(node, MaxPool(kernel, strides, pads, dilations, _ceil_mode(net, node, kernel, strides, dilations)))


def read_average_pool(net: Network, node: Node) -> None:
    """AveragePool: x [N, C, spatial]; no dilations."""
    kernel = pair(net, node, "kernel_shape", None)
    strides, dilations = pair(net, node, "strides"), pair(net, node, "dilations")
    if dilations != (1, 1):
        raise node.refused(f"dilations are {list(dilations)}; an average over spread cells is not read, only [1, 1]")
    pads = _pads(net, node, kernel, strides, dilations)
    ceil_mode = _ceil_mode(net, node, kernel, strides, dilations)
    net.add_image(node, AveragePool(kernel, strides, pads, ceil_mode, bool(node.integer("count_include_pad", 0))))


def pair(net: Network, node: Node, name: str, default: Pair | None = (1, 1), low: int = 1) -> Pair:
    """Two integers, for height and width; images with one axis have the one for the width."""
    if net.spatial(node) == 1:
        (width,) = node.integers(name, default and default[1:], 1, low)
        return (default or (1, 1))[0] if name != "kernel_shape" else 1, width
    height, width = node.integers(name, default, 2, low)
    return height, width


def pads_of(net: Network, node: Node) -> Pads:
    """The attribute pads as (top, left, bottom, right)."""
    if net.spatial(node) == 1:
        left, right = node.integers("pads", (0, 0), 2)
        return 0, left, 0, right
    top, left, bottom, right = node.integers("pads", NO_PADS, 4)
    return top, left, bottom, right


def _pads(net: Network, node: Node, kernel: Pair, strides: Pair, dilations: Pair) -> Pads:
    """(top, left, bottom, right), by `pads` or by `auto_pad`, which then wins."""
    mode = node.text("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return pads_of(net, node)
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
    """GlobalAveragePool: x [N, C, spatial] to one cell."""
    net.image(node)
    net.add_image(node, GlobalAveragePool())


def read_global_max_pool(net: Network, node: Node) -> None:
    """GlobalMaxPool: x [N, C, spatial] to one cell."""
    _, _, height, width = net.types[net.image(node)].shape
    net.add_image(node, MaxPool((height, width)))


def read_batch_normalization(net: Network, node: Node) -> None:
    """BatchNormalization at inference: x [N, C] or [N, C, spatial]; constant scale, bias, mean, variance [C]."""
    if node.integer("training_mode", 0) or not node.integer("spatial", 1):
        raise node.refused("training_mode 1 and spatial 0 are not read; export the model for inference")
    epsilon, lowest = node.real("epsilon", EPSILON), float(net.floats(node, 4, "variance").min())
    if not lowest + epsilon > 0.0:
        raise node.misfit(f"the lowest variance is {lowest} and epsilon {epsilon}; their sum must be positive")
    parameters = [net.parameter(node, i, what) for i, what in enumerate(("scale", "bias", "mean", "variance"), 1)]
    if net.rank(node) == 2 and not net.lead:
        net.add(node, BatchNormalization(epsilon), net.activation(node), *parameters)
    else:
        net.add_image(node, BatchNormalization(epsilon), *parameters)


def read_lrn(net: Network, node: Node) -> None:
    """LRN: x [N, C, spatial]; an odd size."""
    numbers = node.real("alpha", ALPHA), node.real("beta", 0.75), node.real("bias", 1.0)
    net.image(node)
    net.add_image(node, Lrn(node.integer("size", None), *numbers))
