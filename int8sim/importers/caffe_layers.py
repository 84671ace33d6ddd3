"""One function per Caffe layer type, and the table of them. A new type is a function here and its row in READERS.

A reader takes the network so far and one layer, and adds a layer or an alias. Source of every rule: BVLC/caffe:
src/caffe/layers and src/caffe/proto/caffe.proto; where TensorRT differs, its parser is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from int8sim.importers.caffe_message import Message
from int8sim.importers.caffe_net import LAYER_FIELDS, CaffeLayer, refuse_unknown_fields
from int8sim.importers.caffe_network import Network
from int8sim.importers.caffe_windows import pair, pool
from int8sim.model.step import Array
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.lrn import Lrn
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.maximum import Maximum
from int8sim.ops.multiply import Multiply
from int8sim.ops.power import Power
from int8sim.ops.prelu import Prelu
from int8sim.ops.relu import Relu
from int8sim.ops.reshape import Reshape
from int8sim.ops.softmax import Softmax
from int8sim.ops.transpose import Transpose
from int8sim.ops.weighted_sum import WeightedSum

EPSILON = 1e-5
REGIONS = ("ACROSS_CHANNELS", "WITHIN_CHANNEL")


def read_input(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Input, and what a file says in network-level `input` fields."""
    del settings
    net.take_inputs(layer)


def read_convolution(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Convolution: 2-D; weight [O, C / group, kh, kw], bias [O] unless bias_term is false."""
    x, outputs, group = _filtered(net, layer, settings)
    channels = net.types[x].shape[1]
    shape = (outputs, channels // group, *pair(layer, settings, "kernel", "kernel_size", None))
    op = Conv2d(*_filter(layer, settings), group)
    net.add(layer, op, x, *_weights(net, layer, settings, shape, outputs))


def read_deconvolution(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Deconvolution: as Convolution, but the weight is [C, O / group, kh, kw]."""
    x, outputs, group = _filtered(net, layer, settings)
    shape = (net.types[x].shape[1], outputs // group, *pair(layer, settings, "kernel", "kernel_size", None))
    op = ConvTranspose(*_filter(layer, settings), group)
    net.add(layer, op, x, *_weights(net, layer, settings, shape, outputs))


def _filtered(net: Network, layer: CaffeLayer, settings: Message) -> tuple[str, int, int]:
    """The bottom's tensor, the number of outputs, the number of groups."""
    x = net.image(layer)
    if net.axis(layer, settings.integer("axis", 1), 4) != 1:
        raise layer.refused("its channels are not on axis 1; only 2-D filters over NCHW are read")
    outputs, group = settings.integer("num_output", low=1), settings.integer("group", 1, 1)
    channels = net.types[x].shape[1]
    if channels % group or outputs % group:
        raise layer.misfit(f"{channels} channels and {outputs} outputs do not split into {group} groups")
    return x, outputs, group


def _filter(layer: CaffeLayer, settings: Message) -> tuple[tuple[int, int], tuple[int, int, int, int], tuple[int, int]]:
    """Strides, pads, dilations."""
    top, left = pair(layer, settings, "pad", "pad", 0, 0)
    return (
        pair(layer, settings, "stride", "stride", 1),
        (top, left, top, left),
        pair(layer, settings, "", "dilation", 1),
    )


def _weights(
    net: Network, layer: CaffeLayer, settings: Message, shape: tuple[int, ...], outputs: int, transposed: bool = False
) -> list[str]:
    """The weight, and the bias unless there is none, as constants."""
    shapes = [shape, (outputs,)] if settings.boolean("bias_term", True) else [shape]
    weight, *bias = net.parameters(layer, *shapes)
    weight = weight.T if transposed else weight
    return [net.constant(layer, "weight", weight), *(net.constant(layer, "bias", values) for values in bias)]


def read_inner_product(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """InnerProduct: the axes from `axis` on are one row of K values; weight [O, K], or [K, O] with `transpose`.

    TensorRT takes any input as it is; here a Flatten or Reshape stands before it where the axes are more than one.
    """
    x = net.bottom(layer)
    shape = net.types[x].shape
    axis, outputs = net.axis(layer, settings.integer("axis", 1), len(shape)), settings.integer("num_output", low=1)
    if axis == 0:
        raise layer.refused("axis is 0, which would join the samples of a batch")
    length = math.prod(shape[axis:])
    if axis < len(shape) - 1:
        x = net.insert(layer, Flatten() if axis == 1 else Reshape((*shape[1:axis], length)), x, "_rows")
    turned = settings.boolean("transpose", False)
    matrix = (length, outputs) if turned else (outputs, length)
    net.add(layer, FullyConnected(), x, *_weights(net, layer, settings, matrix, outputs, turned))


def read_pooling(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Pooling: maximum or average; a last partial window counts, unless round_mode is FLOOR or torch_pooling is set.

    An average counts its padding, as far as the padded input reaches.
    """
    x, method = net.image(layer), settings.choice("pool", ("MAX", "AVE", "STOCHASTIC"), "MAX")
    if method == "STOCHASTIC":
        raise layer.refused("pool is STOCHASTIC; MAX and AVE are read")
    window = pool(layer, settings, net.types[x].shape)
    if method == "MAX":
        net.add(layer, MaxPool(**window._asdict()), x)
    elif settings.boolean("global_pooling", False):
        net.add(layer, GlobalAveragePool(), x)
    else:
        net.add(layer, AveragePool(**window._asdict(), count_include_pad=True), x)


def read_relu(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """ReLU: with a negative_slope other than 0 a leaky one."""
    slope = settings.real("negative_slope", 0.0)
    net.add(layer, LeakyRelu(slope) if slope else Relu(), net.bottom(layer))


def read_prelu(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """PReLU: one slope per channel, or one for all. TensorRT makes a constant of it, which has a row in a table."""
    x, channels = net.channelled(layer)
    (slopes,) = net.parameters(layer, (1,) if settings.boolean("channel_shared", False) else (channels,))
    net.add(layer, Prelu(), x, net.listed_constant(layer, slopes))


def read_batch_norm(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """BatchNorm: mean, variance and the number that divides both; NVCaffe's five blobs add a scale and a shift."""
    x, channels = net.channelled(layer)
    if not settings.boolean("use_global_stats", True):
        raise layer.refused(
            "use_global_stats is false: it would normalise by each batch; set it true, as in deployment"
        )
    row, five = (channels,), len(net.weights.get(layer.name, ())) == 5
    blobs = net.parameters(layer, row, row, (1,), *[row] * (2 if five else 0))
    if not five and blobs[2][0] == 0.0:
        raise layer.misfit(
            "its third blob, by which mean and variance are divided, is 0: the network was never trained"
        )
    _scaled(net, layer, x, *_normalization(layer, np.float32(settings.real("eps", EPSILON)), *blobs))


@np.errstate(all="ignore")  # what is not finite is refused
def _normalization(
    layer: CaffeLayer, epsilon: np.float32, mean: Array, variance: Array, total: Array, *affine: Array
) -> tuple[Array, Array]:
    """Scale and shift, float32 [C]: f = 1 / total; 1 / sqrt(variance * f + eps), -(mean * f * scale).

    With NVCaffe's scale and shift f is 1, and scale * s, shift * s + b follow. Source: NVIDIA/TensorRT:parsers/caffe/
    caffeParser/opParsers/parseBatchNorm.cpp, release/7.2.
    """
    factor = np.float32(1.0) if affine else np.float32(1.0) / total[0]
    spread = variance * factor + epsilon
    if not (spread > 0.0).all():
        raise layer.misfit(f"variance plus eps is {spread.min()} at its lowest; it must be positive")
    scale = np.float32(1.0) / np.sqrt(spread)
    shift = -(mean * factor * scale)
    both = (scale * affine[0], shift * affine[0] + affine[1]) if affine else (scale, shift)
    if not np.isfinite(both).all():
        raise layer.misfit("its blobs give a factor or a summand that is infinite or no number")
    return both


def read_scale(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Scale of one bottom: one factor per channel and, with bias_term, one summand. Two bottoms are refused."""
    x, channels = net.channelled(layer)
    rank, count = len(net.types[x].shape), settings.integer("num_axes", 1)
    if net.axis(layer, settings.integer("axis", 1), rank) != 1 or (count != 1 and (count, rank) != (-1, 2)):
        raise layer.refused("it does not scale axis 1 alone; one factor per channel is read")
    shapes = [(channels,)] * (1 + settings.boolean("bias_term", False))
    scale, *shift = net.parameters(layer, *shapes)
    _scaled(net, layer, x, scale, shift[0] if shift else np.zeros(channels, np.float32))


def _scaled(net: Network, layer: CaffeLayer, x: str, scale: Array, shift: Array) -> None:
    """x * scale + shift per channel, by one fma: a batch normalization of mean 0, variance 1 and epsilon 0."""
    values = {"scale": scale, "shift": shift, "mean": np.zeros_like(scale), "variance": np.ones_like(scale)}
    constants = [net.constant(layer, role, array) for role, array in values.items()]
    net.add(layer, BatchNormalization(0.0), x, *constants)


def read_eltwise(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Eltwise: SUM with coefficients, PROD or MAX, of bottoms of one shape; TensorRT takes two, and ignores coeff."""
    inputs, method = net.bottoms(layer), settings.choice("operation", ("PROD", "SUM", "MAX"), "SUM")
    coefficients = settings.reals("coeff")
    if coefficients and (method != "SUM" or len(coefficients) != len(inputs)):
        raise layer.misfit(f"{len(inputs)} bottoms have {len(coefficients)} coeff, in {method}; one each, in SUM")
    factors = tuple(coefficients) or (1.0,) * len(inputs)
    plain = len(inputs) == 2 and factors == (1.0, 1.0)
    ops = {"PROD": Multiply(), "MAX": Maximum(), "SUM": Add() if plain else WeightedSum(factors)}
    net.add(layer, ops[method], *inputs)


def read_concat(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Concat: along `axis`, or `concat_dim` in old files."""
    inputs = net.bottoms(layer)
    if "axis" in settings.fields and "concat_dim" in settings.fields:
        raise layer.misfit("it has both axis and concat_dim; one of them")
    axis = settings.integer("axis", settings.integer("concat_dim", 1, 0))
    net.add(layer, Concat(net.axis(layer, axis, len(net.types[inputs[0]].shape))), *inputs)


def read_lrn(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """LRN: across channels, or within one, where k is 1. TensorRT knows the first only; a beta left out is 5 there."""
    x, size = net.image(layer), settings.integer("local_size", 5, 1)
    within = settings.choice("norm_region", REGIONS, REGIONS[0]) == REGIONS[1]
    k = 1.0 if within else settings.real("k", 1.0)
    net.add(layer, Lrn(size, settings.real("alpha", 1.0), settings.real("beta", 0.75), k, within), x)


def read_softmax(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Softmax: along `axis`, which may count from the end."""
    x = net.bottom(layer)
    net.add(layer, Softmax(net.axis(layer, settings.integer("axis", 1), len(net.types[x].shape))), x)


def read_power(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Power: (shift + scale * x)**power."""
    numbers = settings.real("power", 1.0), settings.real("scale", 1.0), settings.real("shift", 0.0)
    net.add(layer, Power(*numbers), net.bottom(layer))


def read_clip(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Clip: between min and max, both required."""
    net.add(layer, Clip(settings.real("min"), settings.real("max")), net.bottom(layer))


def read_alias(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Dropout at inference and Split: the tops are other names of the bottom."""
    del settings
    if len(layer.bottoms) != 1 or (layer.type == "Dropout" and len(layer.tops) != 1):
        raise layer.refused(f"it has {len(layer.bottoms)} bottoms and {len(layer.tops)} tops; one bottom is read")
    net.blobs |= dict.fromkeys(layer.tops, net.blobs[layer.bottoms[0]])


def read_flatten(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Flatten: the axes from `axis` to `end_axis` become one. TensorRT makes no layer of it, and no row."""
    x = net.bottom(layer)
    shape = net.types[x].shape
    first = net.axis(layer, settings.integer("axis", 1), len(shape))
    last = net.axis(layer, settings.integer("end_axis", -1), len(shape))
    if not 0 < first <= last:
        raise layer.refused(f"it joins the axes {first} to {last} of {net.types[x]}; axis 0 is the batch and must stay")
    joined = (*shape[1:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    op = Flatten() if len(joined) == 1 else Reshape(joined)
    net.blobs[layer.tops[0]] = net.insert(layer, op, x) if first < last else x


def read_reshape(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Reshape: of the axes from `axis` on, `num_axes` many; 0 copies a size, one -1 takes what is left."""
    x = net.bottom(layer)
    old, dims = net.types[x].shape, settings.message("shape").integers("dim", -1)
    axis, count = settings.integer("axis", 0), settings.integer("num_axes", -1, -1)
    first = axis if axis >= 0 else axis + len(old) + 1
    last = len(old) if count == -1 else first + count
    if not 0 <= first <= last <= len(old):
        raise layer.misfit(f"axis {axis} and num_axes {count} leave the {len(old)} axes of {net.types[x]}")
    if first == 0 and (last == 0 or not dims or dims[0] not in {0, -1, net.batch}):
        raise layer.refused(f"the shape is {dims}; axis 0 must stay the batch: 0, -1 or {net.batch} there")
    if any(size == 0 and first + place >= len(old) for place, size in enumerate(dims)):
        raise layer.misfit(f"the shape {dims} copies a size that {net.types[x]} does not have")
    copied = [old[first + place] if size == 0 else size for place, size in enumerate(dims)]
    sample = _filled(layer, [*old[:first], *copied, *old[last:]], math.prod(old[1:]))
    net.add(layer, Reshape(sample, "NCHW" if len(sample) == 3 else ""), x)


def _filled(layer: CaffeLayer, shape: list[int], total: int) -> tuple[int, ...]:
    """The shape of one sample of `total` values, its -1 filled in; the batch may have had it."""
    known = math.prod(size for size in shape[1:] if size != -1)
    if shape.count(-1) > 1 or total % known:
        raise layer.misfit(f"the shape {shape} does not fit {total} values a sample")
    return tuple(total // known if size == -1 else size for size in shape[1:])


def read_permute(net: Network, layer: CaffeLayer, settings: Message) -> None:
    """Permute: the axes in another order; those that are not named follow in theirs."""
    x = net.bottom(layer)
    order = settings.integers("order", 0)
    rest = [axis for axis in range(len(net.types[x].shape)) if axis not in order]
    net.add(layer, Transpose((*order, *rest)), x)


class Reader(NamedTuple):
    """read: adds the layer. parameter: the message of its settings. fields: what that may hold, with spaces between."""

    read: Callable[[Network, CaffeLayer, Message], None]
    parameter: str
    fields: str


WINDOW = "pad pad_h pad_w kernel_size kernel_h kernel_w stride stride_h stride_w"
FILTER = (
    f"{WINDOW} num_output bias_term dilation group axis weight_filler bias_filler force_nd_im2col "
    "cudnn_convolution_algo_seeker conv_algos_override"
)

READERS: Mapping[str, Reader] = {
    "BatchNorm": Reader(
        read_batch_norm,
        "batch_norm_param",
        "use_global_stats eps moving_average_fraction scale_bias scale_filler bias_filler",
    ),
    "Clip": Reader(read_clip, "clip_param", "min max"),
    "Concat": Reader(read_concat, "concat_param", "axis concat_dim"),
    "Convolution": Reader(read_convolution, "convolution_param", FILTER),
    "Deconvolution": Reader(read_deconvolution, "convolution_param", FILTER),
    "Dropout": Reader(read_alias, "dropout_param", "dropout_ratio random_seed"),
    "Eltwise": Reader(read_eltwise, "eltwise_param", "operation coeff stable_prod_grad"),
    "Flatten": Reader(read_flatten, "flatten_param", "axis end_axis"),
    "InnerProduct": Reader(
        read_inner_product, "inner_product_param", "num_output bias_term axis transpose weight_filler bias_filler"
    ),
    "Input": Reader(read_input, "input_param", "shape"),
    "LRN": Reader(read_lrn, "lrn_param", "local_size alpha beta k norm_region"),
    "PReLU": Reader(read_prelu, "prelu_param", "channel_shared filler"),
    "Permute": Reader(read_permute, "permute_param", "order"),
    "Pooling": Reader(read_pooling, "pooling_param", f"{WINDOW} pool global_pooling round_mode torch_pooling"),
    "Power": Reader(read_power, "power_param", "power scale shift"),
    "ReLU": Reader(read_relu, "relu_param", "negative_slope"),
    "Reshape": Reader(read_reshape, "reshape_param", "shape axis num_axes"),
    "Scale": Reader(read_scale, "scale_param", "axis num_axes bias_term filler bias_filler"),
    "Softmax": Reader(read_softmax, "softmax_param", "axis"),
    "Split": Reader(read_alias, "", ""),
}
"""Caffe layer type -> what reads it. Fields that only matter in training are known and not asked for."""

SUPPORTED = tuple(sorted(READERS))


def read_layer(net: Network, layer: CaffeLayer) -> None:
    """Add one layer. Raises UnsupportedOperatorError, LayerError, ModelTextError, NotAModelError."""
    reader = READERS[layer.type]
    refuse_unknown_fields(layer.message, f"{LAYER_FIELDS} {reader.parameter}", f"layer {layer.name!r} ({layer.type})")
    settings = layer.message.message(reader.parameter)
    refuse_unknown_fields(settings, f"{reader.fields} engine", f"{reader.parameter} of layer {layer.name!r}")
    reader.read(net, layer, settings)
