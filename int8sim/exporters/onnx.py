"""A lowered graph as an ONNX file of quantized operators (QOperator form), the same integers for ONNX Runtime to run.

Every tensor of the graph keeps its name, shape and layout in the file, so that any of them can be compared by name. The
graph must be lowered to the profile "onnxruntime", or be one whose every step is the same (exact.py checks it).

- A fused activation is a Clip of the codes behind the operator; the tensor before it is `<name>_unclamped`.
- An NHWC graph stays NHWC: each operator that knows channels stands between two Transposes, whose results are
  `<name>_nchw`; the quantized averages take NHWC themselves.
- A change of scale is a QLinearConcat of one tensor: of DequantizeLinear and QuantizeLinear in the middle of a graph
  ONNX Runtime's optimizer would leave out one pair, and with it the codes between.
- Layers that lowering left in float32 become the plain float operators. Their result is ONNX Runtime's own float
  arithmetic, which int8sim does not define to the last bit; the file's description names them, as the graph's notes do.

Operators: the ONNX specification, opset 17, and microsoft/onnxruntime:docs/ContribOperators.md (com.microsoft). A new
operator is one function here and its entry in QUANTIZED (integer layers) or FLOAT (float32 islands).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import ModelProto

from int8sim.exporters import onnx_float
from int8sim.exporters.exact import clamp_bounds, output_bounds, require_exact
from int8sim.exporters.onnx_job import Job, Writer
from int8sim.exporters.onnx_model import MICROSOFT, TO_NCHW, TO_NHWC, OnnxModel
from int8sim.exporters.onnx_resize import find_resize
from int8sim.exporters.padding import reaches_beyond
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import NotExportableError
from int8sim.model.files import write_bytes
from int8sim.model.tensor import TensorType
from int8sim.profiles.registry import profile

TARGET = "ONNX for ONNX Runtime"
PROFILE = "onnxruntime"

SPATIAL = (
    frozenset({"conv2d", "max_pool", "average_pool", "global_average_pool", "batch_normalization"}) | onnx_float.SPATIAL
)
"""Ops whose ONNX operators take NCHW only."""

CHANNELS_LAST = frozenset({"average_pool", "global_average_pool"})
"""Ops of those whose quantized operators take NHWC too."""


def export_onnx(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph as an ONNX file. Raises NotExportableError, OutputNotWritableError."""
    write_bytes(path, onnx_model(graph).SerializeToString())


def onnx_model(graph: Graph) -> ModelProto:
    """The graph as an ONNX model. Raises NotExportableError for a layer that ONNX Runtime would compute otherwise."""
    require_exact(graph, profile(PROFILE), TARGET)
    return write_layers(OnnxModel(graph))


def write_layers(model: OnnxModel) -> ModelProto:
    """The model of every layer of its graph, integer layers and float ones. Raises NotExportableError."""
    for layer in model.graph.layers:
        _write(model, layer)
    return model.finish()


def _write(model: OnnxModel, layer: Layer) -> None:
    """One layer: transposes where the layout asks for them, its operator, a clip where its bounds do."""
    table = FLOAT if layer.arithmetic is None else QUANTIZED
    if layer.op.name not in table:
        raise NotExportableError(layer.name, TARGET, f"there is no operator for {layer.op.name}")
    _check_types(model.graph, layer)
    sources = [model.weight(name) if name in model.graph.constants else name for name in layer.inputs]
    unclamped = _unclamped(model, layer)
    write = table[layer.op.name]
    if _needs_nchw(layer) and model.kinds[layer.inputs[0]].layout == "NHWC":
        _between_transposes(write, Job(model, layer, sources, unclamped))
    else:
        write(Job(model, layer, sources, unclamped))
    if unclamped != layer.output:
        _clip(model, unclamped, clamp_bounds(layer, model.kinds[unclamped]), layer.output)


def _needs_nchw(layer: Layer) -> bool:
    return layer.op.name in SPATIAL and (layer.arithmetic is None or layer.op.name not in CHANNELS_LAST)


def _check_types(graph: Graph, layer: Layer) -> None:
    """ONNX Runtime's quantized operators: one 8-bit type throughout; what is multiplied by from the right, int8 too."""
    if layer.arithmetic is None:
        return
    is_product = layer.op.weighted or layer.op.name == "matmul"
    names = [*(layer.inputs[:1] if is_product else layer.inputs), layer.output]
    codes = sorted({graph.tensors[name].dtype for name in names} - {"float32"})
    if codes not in (["int8"], ["uint8"]):
        raise NotExportableError(layer.name, TARGET, f"its tensors are {codes}; all int8 or all uint8 is needed")
    right = graph.tensors[layer.inputs[1]].dtype if is_product else codes[0]
    if right not in {"int8", *codes}:
        raise NotExportableError(layer.name, TARGET, f"weights of {right} do not go with {codes[0]} tensors")


def _unclamped(model: OnnxModel, layer: Layer) -> str:
    """The name of what the layer's operator writes: the layer's output, or a tensor before the clip."""
    kind = model.kinds[layer.output]
    if layer.op.kind == "clamp" or clamp_bounds(layer, kind) is None:
        return layer.output
    return model.fresh(f"{layer.output}_unclamped", kind)


def _between_transposes(write: Writer, job: Job) -> None:
    """An operator that takes NCHW only, in an NHWC graph."""
    model, kind = job.model, job.output
    shape = tuple(kind.shape[axis] for axis in TO_NCHW)
    source = model.transposed(job.sources[0], TO_NCHW, "nchw")
    inner = model.fresh(f"{job.layer.output}_nchw", kind.with_shape(shape, "NCHW"))
    write(Job(model, job.layer, [source, *job.sources[1:]], inner))
    model.node("Transpose", [inner], job.target, perm=list(TO_NHWC))


def _clip(model: OnnxModel, source: str, bounds: tuple[int, int] | None, target: str) -> None:
    """min(max(x, low), high) on codes. ONNX Clip, int8 and uint8 from opset 12."""
    dtype = model.kinds[source].dtype
    ends = zip(("low", "high"), bounds or (), strict=False)
    limits = [model.constant(f"{target}_{end}", np.array(code, dtype)) for end, code in ends]
    model.node("Clip", [source, *limits], target)


def _by_rows(job: Job, operator: Writer) -> None:
    """A matrix operator: where x has more than two dimensions, the leading ones are joined before and parted after."""
    model, x, y = job.model, job.input, job.output
    if len(x.shape) == 2:
        operator(job)
        return
    rows = model.fresh(f"{job.layer.output}_input_rows", x.with_shape((1, x.shape[-1]), ""))
    out = model.fresh(f"{job.layer.output}_rows", y.with_shape((1, y.shape[-1]), ""))
    model.reshaped(job.sources[0], x.shape[-1:], rows)
    operator(Job(model, job.layer, [rows, *job.sources[1:]], out))
    model.reshaped(out, y.shape[1:], job.target)


# Integer layers


def _quantize(job: Job) -> None:
    job.node("QuantizeLinear", [*job.sources, *job.result()])


def _dequantize(job: Job) -> None:
    job.node("DequantizeLinear", job.operand(0))


def _conv2d(job: Job) -> None:
    inputs = [*job.operand(0), *job.operand(1), *job.result(), *job.sources[2:]]
    kernel = job.model.kinds[job.layer.inputs[1]].shape[2:]
    job.node("QLinearConv", inputs, group=job.op.group, **job.window(kernel))


def _gemm(job: Job) -> None:
    bias = job.sources[2] if len(job.sources) > 2 else ""
    inputs = [*job.operand(0), *job.operand(1), bias, *job.result()]
    job.node("QGemm", inputs, domain=MICROSOFT, transB=1)


def _fully_connected(job: Job) -> None:
    _by_rows(job, _gemm)


def _matmul(job: Job) -> None:
    job.node("QLinearMatMul", [*job.operand(0), *job.operand(1), *job.result()])


def _average_pool(job: Job) -> None:
    inputs, flags = [*job.operand(0), *job.result()], {**_flags(job), **_channels_last(job)}
    job.node("QLinearAveragePool", inputs, domain=MICROSOFT, **flags, **job.window(job.op.kernel_shape))


def _channels_last(job: Job) -> dict[str, Any]:
    return {"channels_last": int(job.input.layout == "NHWC")}


def _flags(job: Job) -> dict[str, Any]:
    """ONNX Runtime divides by the whole window where padding counts, also where ceil_mode lets it hang over."""
    size, out = (_height_width(kind) for kind in (job.input, job.output))
    if job.op.count_include_pad and reaches_beyond(job.op.window(), size, out):
        reason = "ceil_mode leaves windows that reach beyond the counted padding"
        raise NotExportableError(job.layer.name, TARGET, reason)
    return {"count_include_pad": int(job.op.count_include_pad), "ceil_mode": int(job.op.ceil_mode)}


def _height_width(kind: TensorType) -> tuple[int, int]:
    first = 2 if kind.layout == "NCHW" else 1
    return kind.shape[first], kind.shape[first + 1]


def _global_average_pool(job: Job) -> None:
    inputs = [*job.operand(0), *job.result()]
    job.node("QLinearGlobalAveragePool", inputs, domain=MICROSOFT, **_channels_last(job))


def _of_two(operator: str) -> Writer:
    """A quantized operator of two tensors."""

    def write(job: Job) -> None:
        job.node(operator, [*job.operand(0), *job.operand(1), *job.result()], domain=MICROSOFT)

    return write


def _sigmoid(job: Job) -> None:
    job.node("QLinearSigmoid", [*job.operand(0), *job.result()], domain=MICROSOFT)


def _leaky_relu(job: Job) -> None:
    job.node("QLinearLeakyRelu", [*job.operand(0), *job.result()], domain=MICROSOFT, alpha=job.op.slope)


def _requantize(job: Job) -> None:
    job.node("QLinearConcat", [*job.result(), *job.operand(0)], domain=MICROSOFT, axis=0)


def _concat(job: Job) -> None:
    parts = [name for position in range(len(job.sources)) for name in job.operand(position)]
    job.node("QLinearConcat", [*job.result(), *parts], domain=MICROSOFT, axis=job.op.axis)


def _softmax(job: Job) -> None:
    """The attribute opset says what `axis` means; 13: that one axis."""
    job.node("QLinearSoftmax", [*job.operand(0), *job.result()], domain=MICROSOFT, axis=job.op.axis, opset=13)


def _clamp(job: Job) -> None:
    _clip(job.model, job.sources[0], output_bounds(job.layer.arithmetic or {}), job.target)


# Layers that only move values, integer or float


def _max_pool(job: Job) -> None:
    job.node("MaxPool", ceil_mode=int(job.op.ceil_mode), **job.window(job.op.kernel_shape))


def _flatten(job: Job) -> None:
    job.node("Flatten", axis=1)


def _reshape(job: Job) -> None:
    job.model.reshaped(job.sources[0], job.output.shape[1:], job.target)


def _transpose(job: Job) -> None:
    job.node("Transpose", perm=list(job.op.perm))


def _pad(job: Job) -> None:
    widths = job.model.constant(f"{job.target}_pads", np.array(job.op.pads, np.int64))
    if job.output.quant:
        value = job.model.zero_point(job.layer.output)
    else:
        value = job.model.constant(f"{job.target}_value", np.array(job.op.value, np.float32))
    job.node("Pad", [job.sources[0], widths, value], mode="constant")


def _slice(job: Job) -> None:
    """Every axis but the batch; the least integer ends a step back behind place 0."""
    least, axes = np.iinfo(np.int64).min, range(1, len(job.op.starts))
    stops = [least if stop < 0 else stop for stop in job.op.stops[1:]]
    columns = {"starts": job.op.starts[1:], "ends": stops, "axes": axes, "steps": job.op.steps[1:]}
    given = [job.model.constant(f"{job.target}_{key}", np.array(each, np.int64)) for key, each in columns.items()]
    job.node("Slice", [job.sources[0], *given])


def _resize_nearest(job: Job) -> None:
    found = find_resize(job.op.rows, job.op.columns, *_height_width(job.input))
    if found is None:
        reason = f"no mode of Resize takes the rows {job.op.rows} and the columns {job.op.columns}"
        raise NotExportableError(job.layer.name, TARGET, reason)
    factors = (1.0, 1.0, *found.scales) if job.input.layout == "NCHW" else (1.0, *found.scales, 1.0)
    scales = job.model.constant(f"{job.target}_scales", np.array(factors, np.float32))
    job.node("Resize", [job.sources[0], "", scales], mode="nearest", **found.modes)


# Layers that lowering left in float32


def _plain(operator: str, *attributes: str) -> Writer:
    """A float operator whose inputs are the layer's, with these attributes of the op under the same names."""

    def write(job: Job) -> None:
        job.node(operator, **{name: getattr(job.op, name) for name in attributes})

    return write


def _float_multiply(job: Job) -> None:
    """Two tensors a node, from left to right."""
    left, *middle, last = job.sources
    for position, right in enumerate(middle):
        name = job.model.fresh(f"{job.target}_{position}", job.output)
        left = job.model.node("Mul", [left, right], name)
    job.node("Mul", [left, last])


def _float_leaky_relu(job: Job) -> None:
    job.node("LeakyRelu", alpha=job.op.slope)


def _float_hard_sigmoid(job: Job) -> None:
    job.node("HardSigmoid", alpha=job.op.slope, beta=job.op.shift)


def _float_conv2d(job: Job) -> None:
    kernel = job.model.kinds[job.layer.inputs[1]].shape[2:]
    job.node("Conv", group=job.op.group, **job.window(kernel))


def _float_gemm(job: Job) -> None:
    job.node("Gemm", transB=1)


def _float_fully_connected(job: Job) -> None:
    _by_rows(job, _float_gemm)


def _float_average_pool(job: Job) -> None:
    job.node("AveragePool", **_flags(job), **job.window(job.op.kernel_shape))


def _float_clip(job: Job) -> None:
    ends = {"low": job.op.minimum, "high": job.op.maximum}
    limits = [job.model.constant(f"{job.target}_{end}", np.array(value, np.float32)) for end, value in ends.items()]
    job.node("Clip", [*job.sources, *limits])


MOVES: Mapping[str, Writer] = {
    "max_pool": _max_pool,
    "flatten": _flatten,
    "reshape": _reshape,
    "transpose": _transpose,
    "pad": _pad,
    "resize_nearest": _resize_nearest,
    "slice": _slice,
}

QUANTIZED: Mapping[str, Writer] = {
    "quantize": _quantize,
    "dequantize": _dequantize,
    "conv2d": _conv2d,
    "fully_connected": _fully_connected,
    "matmul": _matmul,
    "average_pool": _average_pool,
    "global_average_pool": _global_average_pool,
    "add": _of_two("QLinearAdd"),
    "multiply": _of_two("QLinearMul"),
    "sigmoid": _sigmoid,
    "leaky_relu": _leaky_relu,
    "requantize": _requantize,
    "concat": _concat,
    "softmax": _softmax,
    "relu": _clamp,
    "clip": _clamp,
    **MOVES,
}
"""Op name -> writer of the integer layer."""

FLOAT: Mapping[str, Writer] = {
    "conv2d": _float_conv2d,
    "fully_connected": _float_fully_connected,
    "matmul": _plain("MatMul"),
    "average_pool": _float_average_pool,
    "global_average_pool": _plain("GlobalAveragePool"),
    "add": _plain("Add"),
    "multiply": _float_multiply,
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "hard_sigmoid": _float_hard_sigmoid,
    "hard_swish": _plain("HardSwish"),
    "leaky_relu": _float_leaky_relu,
    "requantize": _plain("Identity"),
    "concat": _plain("Concat", "axis"),
    "softmax": _plain("Softmax", "axis"),
    "relu": _plain("Relu"),
    "clip": _float_clip,
    "batch_normalization": _plain("BatchNormalization", "epsilon"),
    **onnx_float.WRITERS,
    **MOVES,
}
"""Op name -> writer of the float32 layer."""
