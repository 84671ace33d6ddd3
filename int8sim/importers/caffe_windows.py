"""The windows of Caffe's filters and pools: sizes given for both axes or for each, and its rule for the last window."""

from __future__ import annotations

from typing import NamedTuple

from int8sim.importers.caffe_message import Message
from int8sim.importers.caffe_net import CaffeLayer

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]


def pair(
    layer: CaffeLayer, settings: Message, stem: str, both: str, default: int | None, low: int = 1
) -> tuple[int, int]:
    """(height, width) of a window: from `stem`_h and `stem`_w, or from the field `both`, once or for each axis.

    default: None where the size must be given. Source: BVLC/caffe:src/caffe/layers/base_conv_layer.cpp.
    """
    sizes, apart = settings.integers(both, low), [f"{stem}_{axis}" for axis in "hw"] if stem else []
    if any(name in settings.fields for name in apart):
        if sizes:
            raise layer.misfit(f"it has {both} as well as {' or '.join(apart)}; one form of them")
        height, width = (settings.integer(name, default, low) for name in apart)
        return height, width
    if len(sizes) > 2 or (not sizes and default is None):
        raise layer.misfit(f"it has {len(sizes)} values of {both}; one, or two for height and width, are needed")
    whole = sizes or [default or 0]
    return whole[0], whole[-1]


class Pool(NamedTuple):
    """A pooling window, named as the ops name it. ceil_mode: whether a last partial window counts."""

    kernel_shape: Pair
    strides: Pair
    pads: Pads
    ceil_mode: bool


def pool(layer: CaffeLayer, settings: Message, shape: tuple[int, ...]) -> Pool:
    """The window over an input of this NCHW shape. Raises LayerError where Caffe would pool nothing.

    With padding Caffe drops a last window that starts in the padding behind the input, as the ops do. Without, it keeps
    one that starts behind the input: refused. Source: BVLC/caffe:src/caffe/layers/pooling_layer.cpp; of torch_pooling,
    NVIDIA/TensorRT:parsers/caffe/caffeParser/opParsers/parsePooling.cpp.
    """
    top, left = pair(layer, settings, "pad", "pad", 0, 0)
    strides = pair(layer, settings, "stride", "stride", 1)
    floor = settings.choice("round_mode", ("CEIL", "FLOOR"), "CEIL") == "FLOOR"
    ceil_mode = not floor and not settings.boolean("torch_pooling", False)
    kernel = _kernel(layer, settings, shape, (top, left, *strides))
    if ceil_mode and not (top or left):
        for size, span, stride in zip(shape[2:], kernel, strides, strict=True):
            if -(-(size - span) // stride) * stride >= size:
                raise layer.misfit(
                    f"a window of {span} with stride {stride} starts behind the {size} cells of its input"
                )
    if ceil_mode:
        kernel = _inside(kernel, strides, (shape[2] + 2 * top, shape[3] + 2 * left))
    return Pool(kernel, strides, (top, left, top, left), ceil_mode)


def _kernel(layer: CaffeLayer, settings: Message, shape: tuple[int, ...], others: tuple[int, ...]) -> Pair:
    """Height and width of the window; of the input, where it pools globally. others: pads and strides."""
    if not settings.boolean("global_pooling", False):
        return pair(layer, settings, "kernel", "kernel_size", None)
    if others != (0, 0, 1, 1) or {"kernel_size", "kernel_h", "kernel_w"} & set(settings.fields):
        raise layer.misfit("global_pooling is set: it has no kernel, no padding and no stride")
    return shape[2], shape[3]


def _inside(kernel: Pair, strides: Pair, room: Pair) -> Pair:
    """The window cut to the padded input, where it is larger by less than a stride: then it is the only one."""
    height, width = (
        least if span - stride < least < span else span
        for span, stride, least in zip(kernel, strides, room, strict=True)
    )
    return height, width
