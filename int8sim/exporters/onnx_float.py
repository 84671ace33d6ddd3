"""ONNX operators of float32 layers that no engine here has an integer form of: what an island of a lowered graph holds.

Operators of opset 17, and com.microsoft's where that has none; what has no operator at all is several nodes, whose
tensors between are `<name>_...`. Sources: the ONNX specification; microsoft/onnxruntime:docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from int8sim.exporters.onnx_job import Job, Writer
from int8sim.exporters.onnx_model import MICROSOFT
from int8sim.model.errors import NotExportableError
from int8sim.model.step import Array
from int8sim.ops.base import spatial


def _plain(operator: str, domain: str = "", **attributes: str) -> Writer:
    """One operator of the layer's inputs. attributes: as ONNX names them -> as the op does."""

    def write(job: Job) -> None:
        given = {name: getattr(job.op, own) for name, own in attributes.items()}
        job.model.node(operator, job.sources, job.target, domain=domain, **given)

    return write


def _constant(job: Job, role: str, values: Array) -> str:
    return job.model.constant(f"{job.target}_{role}", values.astype(np.float32))


def _between(job: Job, role: str, operator: str, *inputs: str) -> str:
    """A node whose result has the output's type."""
    return job.model.node(operator, inputs, job.model.fresh(f"{job.target}_{role}", job.output))


def _conv_transpose(job: Job) -> None:
    """What is not cut but added at the bottom and right is ONNX's output_padding."""
    top, left, bottom, right = job.op.pads
    kernel = job.model.kinds[job.layer.inputs[1]].shape[2:]
    more = [max(-bottom, 0), max(-right, 0)]
    if any(extra >= max(steps) for extra, *steps in zip(more, job.op.strides, job.op.dilations, strict=True)):
        reason = f"pads {job.op.pads} add more cells than the strides {job.op.strides} or the dilations allow"
        raise NotExportableError(job.layer.name, "ONNX for ONNX Runtime", reason)
    window = {**job.window(kernel), "pads": [top, left, max(bottom, 0), max(right, 0)]}
    job.node("ConvTranspose", group=job.op.group, output_padding=more, **window)


def _power(job: Job) -> None:
    """(shift + scale * x) ** exponent; what is 1 or 0 is left out."""
    scale, shift, x = job.op.scale, job.op.shift, job.sources[0]
    if scale != 1.0:
        x = _between(job, "scaled", "Mul", x, _constant(job, "factor", np.array(scale)))
    if shift != 0.0:
        x = _between(job, "shifted", "Add", x, _constant(job, "summand", np.array(shift)))
    named = {0.5: "Sqrt", -1.0: "Reciprocal", 1.0: "Identity"}.get(job.op.exponent)
    if named:
        job.node(named, [x])
    else:
        job.node("Pow", [x, _constant(job, "exponent", np.array(job.op.exponent))])


def _prelu(job: Job) -> None:
    """A slope for each channel gets the axes that are behind the channels."""
    slope = job.model.graph.constants[job.layer.inputs[1]]
    if slope.ndim == 1:
        behind = len(job.input.shape) - 1 - job.input.channel_axis
        slope = slope.reshape(-1, *(1,) * behind)
    job.node("PRelu", [job.sources[0], _constant(job, "slope", slope)])


def _reduce_mean(job: Job) -> None:
    job.node("ReduceMean", axes=list(job.op.axes), keepdims=int(job.op.keepdims))


def _normalize(job: Job) -> None:
    """By its definition: the axes need not be the last ones."""
    x, gamma, beta = job.sources
    axes = list(job.op.axes)
    sizes = [1 if axis in job.op.axes else size for axis, size in enumerate(job.input.shape)]
    narrow = job.input.with_shape(tuple(sizes))
    mean, variance, steady, deviation = (
        job.model.fresh(f"{job.target}_{role}", narrow) for role in ("mean", "variance", "steady", "deviation")
    )
    job.model.node("ReduceMean", [x], mean, axes=axes)
    apart = _between(job, "apart", "Sub", x, mean)
    squared = _between(job, "squared", "Mul", apart, apart)
    job.model.node("ReduceMean", [squared], variance, axes=axes)
    job.model.node("Add", [variance, _constant(job, "epsilon", np.array(job.op.epsilon))], steady)
    job.model.node("Sqrt", [steady], deviation)
    even = _between(job, "even", "Div", apart, deviation)
    job.node("Add", [_between(job, "scaled", "Mul", even, gamma), beta])


def _lrn(job: Job) -> None:
    if job.op.within_channel:
        raise NotExportableError(job.layer.name, "ONNX for ONNX Runtime", "LRN within a channel has no operator")
    given = {"size": job.op.size, "alpha": job.op.alpha, "beta": job.op.beta, "bias": job.op.k}
    job.node("LRN", **given)


def _weighted_sum(job: Job) -> None:
    """Coefficients of 1 need no product."""
    terms = [
        name
        if factor == 1.0
        else _between(job, f"term_{place}", "Mul", name, _constant(job, f"factor_{place}", np.array(factor)))
        for place, (name, factor) in enumerate(zip(job.sources, job.op.coefficients, strict=True))
    ]
    job.node("Sum", terms)


def _resize_weighted(job: Job) -> None:
    """Two matrix products, in NCHW: the columns from the right, the rows from the left."""
    if not all(weights for _, weights in (*job.op.rows, *job.op.columns)):
        reason = "cells outside of the image have a value of their own"
        raise NotExportableError(job.layer.name, "ONNX for ONNX Runtime", reason)
    _, height, width, _ = spatial(job.input)
    n, channels = job.output.shape[:2]
    wide = job.input.with_shape((n, channels, height, len(job.op.columns)))
    columns = _constant(job, "columns", _matrix(job.op.columns, width).T)
    product = job.model.node("MatMul", [job.sources[0], columns], job.model.fresh(f"{job.target}_wide", wide))
    job.node("MatMul", [_constant(job, "rows", _matrix(job.op.rows, height)), product])


def _matrix(places: Sequence[tuple[int, Sequence[float]]], size: int) -> Array:
    """float32 [places, size] of the weights."""
    found = np.zeros((len(places), size), np.float32)
    for line, (first, weights) in zip(found, places, strict=True):
        line[first : first + len(weights)] = weights
    return found


SPATIAL = frozenset({"conv_transpose", "lrn", "resize_weighted"})
"""Ops whose ONNX operators take NCHW only."""

WRITERS: Mapping[str, Writer] = {
    "conv_transpose": _conv_transpose,
    "divide": _plain("Div"),
    "elu": _plain("Elu", alpha="slope"),
    "erf": _plain("Erf"),
    "gelu": _plain("Gelu", MICROSOFT),
    "gelu_tanh": _plain("FastGelu", MICROSOFT),
    "lrn": _lrn,
    "maximum": _plain("Max"),
    "normalize": _normalize,
    "pow": _plain("Pow"),
    "power": _power,
    "prelu": _prelu,
    "reduce_mean": _reduce_mean,
    "resize_weighted": _resize_weighted,
    "subtract": _plain("Sub"),
    "weighted_sum": _weighted_sum,
}
"""Op name -> writer of the float32 layer."""
