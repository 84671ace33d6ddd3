"""Sliding windows in a .tflite file: convolution and pools, whose padding is SAME, VALID, or a PAD before VALID."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.exporters import padding as paddings
from int8sim.exporters.tflite_model import Job, stored_shape
from int8sim.model.tensor import QuantParams, dtype_range
from int8sim.ops.window import Window
from int8sim.spec.float32 import float32


def conv2d(job: Job) -> None:
    """CONV_2D, grouped or not; DEPTHWISE_CONV_2D where every input channel is a group of its own."""
    window = job.op.window(job.kind(1).shape)
    padding = paddings.scheme(window, *_sizes(job))
    source = job.source() if padding else _padded(job, window.pads, "PAD")
    weight = job.values(1)
    options = {**_strides(job, window, padding or "VALID"), **job.fused()}
    options |= {"dilationHFactor": window.dilations[0], "dilationWFactor": window.dilations[1]}
    if 1 < job.op.group == stored_shape(job.kind())[3]:
        taps, axis, kind = weight[:, 0].transpose(1, 2, 0)[None], 3, "DEPTHWISE_CONV_2D"
        options["depthMultiplier"] = weight.shape[0] // job.op.group
    else:
        taps, axis, kind = weight.transpose(0, 2, 3, 1), 0, "CONV_2D"
    bias = job.bias() or [_zero_bias(job)]
    job.operator(kind, [source, job.constant(1, taps, axis), *bias], **options)


def max_pool(job: Job) -> None:
    """MAX_POOL_2D; other padding is a border of the lowest code, which never wins."""
    window = job.op.window()
    if window.dilations != (1, 1):
        raise job.refuse(f"MAX_POOL_2D has no dilations; the layer has {window.dilations}")
    padding = paddings.scheme(window, *_sizes(job))
    source = job.source() if padding else _padded(job, paddings.needed(window, *_sizes(job)), "PADV2")
    job.operator("MAX_POOL_2D", [source], **_pool(job, window, padding or "VALID"))


def average_pool(job: Job) -> None:
    """AVERAGE_POOL_2D, which divides by the cells inside the input; padding that counts becomes part of the input."""
    window = job.op.window()
    if not job.op.count_include_pad or not any(window.pads):
        padding, source = paddings.scheme(window, *_sizes(job)), job.source()
        if not padding:
            raise job.refuse(f"pads {window.pads} are neither SAME nor VALID; others must count")
    else:
        if paddings.reaches_beyond(window, *_sizes(job)):
            raise job.refuse("ceil_mode leaves windows that reach beyond the counted padding")
        padding, source = "VALID", _padded(job, window.pads, "PAD")
    job.operator("AVERAGE_POOL_2D", [source], **_pool(job, window, padding))


def _strides(job: Job, window: Window, padding: str) -> dict[str, Any]:
    return {"padding": job.file.padding(padding), "strideH": window.strides[0], "strideW": window.strides[1]}


def _pool(job: Job, window: Window, padding: str) -> dict[str, Any]:
    height, width = window.kernel
    return {**_strides(job, window, padding), "filterHeight": height, "filterWidth": width, **job.fused()}


def _sizes(job: Job) -> tuple[paddings.Size, paddings.Size]:
    """Height and width of the input and of the output."""
    (_, *size, _), (_, *out, _) = stored_shape(job.kind()), stored_shape(job.output)
    return (size[0], size[1]), (out[0], out[1])


def _padded(job: Job, pads: tuple[int, int, int, int], operator: str) -> int:
    """The input with a border: of real zero (PAD) or of the lowest value (PADV2). Its index."""
    kind, name = job.kind(), f"{job.layer.output}_padded"
    batch, height, width, channels = stored_shape(kind)
    top, left, bottom, right = pads
    widths = job.model.integers(f"{name}_widths", [[0, 0], [top, bottom], [left, right], [0, 0]])
    target = job.model.auxiliary(name, (batch, height + top + bottom, width + left + right, channels), kind)
    return job.file.operator(operator, [job.source(), widths, *_fill(job, operator)], target)


def _fill(job: Job, operator: str) -> list[int]:
    if operator == "PAD":
        return []
    kind = job.kind()
    lowest = -np.inf if kind.quant is None else dtype_range(kind.dtype)[0]
    name = job.model.fresh(f"{job.layer.output}_lowest")
    return [job.file.constant(name, np.array([lowest], kind.dtype), kind.quant)]


def _zero_bias(job: Job) -> int:
    """A bias of zeros: the convolutions' third input is not optional in every reader, nor is its scale for XNNPACK."""
    (x, w), outputs = (job.kind(position) for position in (0, 1)), job.kind(1).shape[0]
    name = job.model.fresh(f"{job.layer.output}_no_bias")
    if x.quant is None:
        return job.file.constant(name, np.zeros(outputs, np.float32))
    scales = [float32(x.quant.tensor_scale * scale) for scale in w.quantized.scales]
    quant = QuantParams(scales[0] if len(scales) == 1 else tuple(scales), axis=None if len(scales) == 1 else 0)
    return job.file.constant(name, np.zeros(outputs, np.int32), quant)
