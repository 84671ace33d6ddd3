"""A lowered graph as a .tflite file, the same integers for TensorFlow Lite (LiteRT) to run.

A .tflite file does not say which kernels will run it, and they differ in arithmetic: the graph must be lowered to one
of the profiles in FAMILY, or be one whose every step is that of "tflite_reference" (exact.py checks it). Every tensor
of the graph keeps its name; an NCHW tensor is stored NHWC (`stored_axes` says which axis is which). Besides them the
file holds

- `<name>_unclamped`: before a MAXIMUM or MINIMUM, where a fused activation is none of TensorFlow Lite's or the operator
  fuses none; `<name>_padded`: an input with the border that SAME and VALID do not give;
- `<name>_nchw`: a tensor in the graph's own order, where a flatten, reshape, fully connected layer or matrix product
  reads or writes it in that order.

Layers that lowering left in float32 become the float operators; their result is TensorFlow Lite's own float arithmetic,
which int8sim does not define to the last bit. The file's description names them, as the graph's notes do.

What has no form: uint8 tensors, except those of a requantize, and weights with a zero point (the reference kernels take
neither), softmax over another than the last stored axis, dilated max pools, average pools whose padding is neither SAME
nor VALID nor counted, resizing that takes other cells than any mode of the operator, scales for which the engine's own
checks fail. The reference SOFTMAX ends the process where a row of 512 or more values has a sum of exponentials of 512
or more.

A new operator is one function here (or in tflite_windows.py) and its entry in WRITERS.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping

import numpy as np

from int8sim.exporters.exact import activations, clamp_bounds, output_bounds, require_exact
from int8sim.exporters.tflite_model import TARGET, Job, TfliteModel, stored_axes, stored_shape
from int8sim.exporters.tflite_windows import average_pool, conv2d, max_pool
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import NotExportableError
from int8sim.model.files import write_bytes
from int8sim.model.step import Array, Number
from int8sim.model.tensor import TensorType, dtype_range
from int8sim.profiles.base import Bound, Profile
from int8sim.profiles.registry import profile
from int8sim.profiles.tflite_rules import FORCED
from int8sim.spec.affine import bound_code
from int8sim.spec.resize_tflite import nearest_cell

FAMILY = ("tflite_reference", "tflite_optimized", "xnnpack", "tflm")
"""The profiles of the engines that run .tflite files."""
SOFTMAX_SCALE_BITS = 26
BIAS_TOLERANCE = 0.02  # of an output step: kernel_util.cc, GetQuantizedConvolutionMultipler

RESIZE_MODES = ((False, False), (True, False), (False, True))
"""RESIZE_NEAREST_NEIGHBOR's align_corners and half_pixel_centers; both together are refused."""

FUSES = frozenset({"conv2d", "fully_connected", "add", "subtract", "multiply", "average_pool"})
"""Ops whose operators have a fusedActivationFunction."""

ACTIVATIONS = {"RELU": (0.0, math.inf), "RELU6": (0.0, 6.0), "RELU_N1_TO_1": (-1.0, 1.0)}
"""Fused activation -> its real bounds, from which the engine derives codes as spec.affine.bound_code does."""


def export_tflite(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write the graph as a .tflite file. Raises NotExportableError, MissingPackageError, OutputNotWritableError."""
    write_bytes(path, tflite_model(graph))


def tflite_model(graph: Graph) -> bytes:
    """The graph as a .tflite flatbuffer. Raises NotExportableError, MissingPackageError."""
    require_exact(graph, _profile(graph), TARGET)
    for layer in graph.layers:
        _check_types(graph, layer)
    model = TfliteModel(graph)
    for layer in graph.layers:
        _write(model, layer)
    return model.finish()


def _profile(graph: Graph) -> Profile:
    """The profile whose engine will run the file."""
    return profile(graph.profile if graph.profile in FAMILY else FAMILY[0])


def tensor_names(graph: Graph) -> Mapping[str, tuple[int, ...]]:
    """Every activation of the graph, which the file has under the same name, and the order of its axes there."""
    return {name: stored_axes(graph.tensors[name]) for name in graph.activations()}


def _write(model: TfliteModel, layer: Layer) -> None:
    """One layer: its operator, and a limit to its bounds where no fused activation says them."""
    table = WRITERS if layer.arithmetic is not None else {**WRITERS, **FLOAT}
    if layer.op.name not in table:
        raise NotExportableError(layer.name, TARGET, f"there is no operator for {layer.op.name}")
    kind = model.graph.tensors[layer.output]
    bounds = None if layer.op.kind == "clamp" else clamp_bounds(layer, kind)
    activation = _activation(kind, bounds, _profile(model.graph).bound(layer.op.kind)) if layer.op.name in FUSES else ""
    target = model.index[layer.output]
    if bounds is None or activation:
        table[layer.op.name](Job(model, layer, target, activation or "NONE"))
        return
    unclamped = model.auxiliary(f"{layer.output}_unclamped", stored_shape(kind), kind)
    table[layer.op.name](Job(model, layer, unclamped))
    _limit(Job(model, layer, target), unclamped, bounds)


def _check_types(graph: Graph, layer: Layer) -> None:
    """The reference kernels' integer layers: int8 activations, int8 weights without zero points."""
    if layer.arithmetic is None:
        return
    allowed = {"int8", "float32"} | ({"uint8"} if layer.op.name == "requantize" else set())
    for name in activations(layer):
        if graph.tensors[name].dtype not in allowed:
            raise NotExportableError(layer.name, TARGET, f"tensor {name!r} is {graph.tensors[name]}; int8 is needed")
    weight = graph.tensors[layer.inputs[1]] if layer.op.weighted else None
    if weight and (weight.dtype != "int8" or np.any(weight.quantized.zero_point)):
        raise NotExportableError(layer.name, TARGET, f"its weights are {weight}; int8 with zero points 0 is needed")


def _activation(kind: TensorType, bounds: tuple[int, int] | None, code: Bound = bound_code) -> str:
    """The activation whose codes the bounds are; empty if it is none of TensorFlow Lite's."""
    if bounds is None:
        return "NONE"
    quant = kind.quantized
    place = quant.tensor_scale, quant.tensor_zero_point, quant.low, quant.high
    for name, reals in ACTIVATIONS.items():
        if bounds == tuple(code(real, *place) for real in reals):
            return name
    return ""


def _limit(job: Job, source: int, bounds: tuple[float, float]) -> None:
    """MAXIMUM with the lower bound and MINIMUM with the upper one, each where it says something."""
    kind, name = job.output, job.layer.output
    lowest, highest = (-math.inf, math.inf) if kind.quant is None else dtype_range(kind.dtype)
    steps = [("MAXIMUM", bounds[0])] if bounds[0] > lowest or bounds[1] >= highest else []
    steps += [("MINIMUM", bounds[1])] if bounds[1] < highest else []
    for operator, bound in steps:
        label, last = f"{name}_{operator.lower()}", (operator, bound) == steps[-1]
        limit = job.file.constant(job.model.fresh(f"{label}_bound"), np.array([bound], kind.dtype), kind.quant)
        target = job.target if last else job.model.auxiliary(label, stored_shape(kind), kind)
        source = job.file.operator(operator, [source, limit], target)


# Operators with arithmetic


def _quantize(job: Job) -> None:
    job.operator("QUANTIZE")


def _dequantize(job: Job) -> None:
    job.operator("DEQUANTIZE")


def _fully_connected(job: Job) -> None:
    _check_bias(job)
    inputs = [job.plain(), job.source(1), *job.bias()]
    job.operator("FULLY_CONNECTED", inputs, keepNumDims=len(job.kind().shape) > 2, **job.fused())


def _check_bias(job: Job) -> None:
    """What the kernel checks before it runs: the bias's float32 scale is near enough the product of scales."""
    if len(job.layer.inputs) < 3 or job.kind().quant is None or job.kind(1).quantized.axis is not None:
        return
    x, w, bias = (job.kind(position).quantized.tensor_scale for position in range(3))
    if abs(x * w - bias) / job.output.quantized.tensor_scale > BIAS_TOLERANCE:
        raise job.refuse(f"the bias's scale {bias} is too far from {x} * {w} for an output scale this small")


def _matmul(job: Job) -> None:
    inputs = [job.plain(0), job.plain(1)]
    job.write_plain(lambda target: job.to(target).operator("BATCH_MATMUL", inputs))


def _global_average_pool(job: Job) -> None:
    axes = job.model.integers(f"{job.layer.output}_axes", [1, 2])
    job.operator("MEAN", [job.source(), axes], keepDims=True)


def _sum(kind: str) -> Callable[[Job], None]:
    """ADD or SUB."""

    def write(job: Job) -> None:
        if _parameters(job, "combine").get("shift", 0) < 0:  # type: ignore[operator]
            reason = f"its output scale is so small that {kind}'s multiplier is not below 1, which the kernel checks"
            raise job.refuse(reason)
        _check_constants(job)
        job.operator(kind, **job.fused())

    return write


def _check_constants(job: Job) -> None:
    """Constants keep their axes' order, and activations in NCHW are stored in another."""
    shapes = [job.kind(i).shape for i, name in enumerate(job.layer.inputs) if name in job.model.graph.constants]
    if job.output.layout == "NCHW" and any(max(shape, default=1) > 1 for shape in shapes):
        raise job.refuse("a constant operand of an NCHW tensor is not written in TensorFlow Lite's order of axes")


def _softmax(job: Job) -> None:
    if stored_axes(job.kind())[-1] != job.op.axis:
        raise job.refuse(f"SOFTMAX takes the last axis of what is stored; the layer has axis {job.op.axis}")
    _check_forced(job)
    if job.kind().quant and job.kind().quantized.tensor_scale * 2.0**SOFTMAX_SCALE_BITS <= 1.0:
        raise job.refuse("its input scale is below 2**-26, which the kernel checks")
    job.operator("SOFTMAX", beta=1.0)


def _multiply(job: Job) -> None:
    _check_constants(job)
    job.operator("MUL", **job.fused())


def _sigmoid(job: Job) -> None:
    _check_forced(job)
    job.operator("LOGISTIC")


def _tanh(job: Job) -> None:
    if "radius" in _parameters(job, "convert"):
        _check_forced(job)
    job.operator("TANH")


def _leaky_relu(job: Job) -> None:
    job.operator("LEAKY_RELU", alpha=job.op.slope)


def _hard_swish(job: Job) -> None:
    job.operator("HARD_SWISH")


def _check_forced(job: Job) -> None:
    """That the output's quantization is the one which the kernel writes, whatever the file says."""
    forced = FORCED[job.op.name]["int8"]
    if job.output.quant not in {None, forced}:
        raise job.refuse(
            f"{job.op.name} writes scale 1/{round(1 / forced.tensor_scale)} and zero point {forced.zero_point} only"
        )


def _parameters(job: Job, role: str) -> Mapping[str, Number]:
    """The parameters of one step; none for a float32 layer."""
    arithmetic = job.layer.arithmetic or {}
    return arithmetic[role].parameters if arithmetic else {}


def _clamp(job: Job) -> None:
    bounds = output_bounds(job.layer.arithmetic or {}) or (0, 0)
    activation = _activation(job.output, bounds)
    if activation in {"RELU", "RELU6"}:  # the operators that every engine has
        job.operator(activation)
    else:
        _limit(job, job.source(), bounds)


# Operators that move values


def _concat(job: Job) -> None:
    job.operator("CONCATENATION", axis=stored_axes(job.output).index(job.op.axis), **job.fused())


def _reshape(job: Job) -> None:
    """Flatten and reshape: in the graph's order of axes, which takes a TRANSPOSE on a side that is stored NHWC."""
    shape = [-1, *job.output.shape[1:]]
    inputs = [job.source() if _order_kept(job.kind()) else job.plain()]
    inputs.append(job.model.integers(f"{job.layer.output}_shape", shape))
    job.write_plain(lambda target: job.to(target).operator("RESHAPE", inputs, newShape=shape))


def _order_kept(kind: TensorType) -> bool:
    """Whether the values lie in the graph's order although the axes do not: only axes of size 1 have moved."""
    moved = [axis for axis in stored_axes(kind)[1:] if kind.shape[axis] > 1]
    return moved == sorted(moved)


def _transpose(job: Job) -> None:
    stored = stored_axes(job.kind())
    order = [stored.index(job.op.perm[axis]) for axis in stored_axes(job.output)]
    job.model.transpose(job.source(), order, job.target, job.layer.output)


def _pad(job: Job) -> None:
    if job.op.value:
        raise job.refuse("PAD fills with 0 only")
    widths = job.op.widths()
    paddings = job.model.integers(f"{job.layer.output}_widths", [widths[axis] for axis in stored_axes(job.kind())])
    job.operator("PAD", [job.source(), paddings])


def _slice(job: Job) -> None:
    """The whole batch, by the masks; a step back that ends before place 0, too."""
    order, name = stored_axes(job.kind()), job.layer.output
    columns = {"begin": job.op.starts, "end": job.op.stops, "strides": job.op.steps}
    sources = [job.model.integers(f"{name}_{key}", [each[axis] for axis in order]) for key, each in columns.items()]
    open_ends = sum(1 << i for i, axis in enumerate(order) if axis == 0 or job.op.stops[axis] < 0)
    job.operator("STRIDED_SLICE", [job.source(), *sources], beginMask=1, endMask=open_ends)


def _resize_nearest(job: Job) -> None:
    """In whichever of the operator's modes takes the layer's cells."""
    (_, *size, _), (_, *out, _) = stored_shape(job.kind()), stored_shape(job.output)
    for align_corners, half_pixel_centers in RESIZE_MODES:
        places = [
            tuple(nearest_cell(i, size[axis], out[axis], align_corners, half_pixel_centers) for i in range(out[axis]))
            for axis in (0, 1)
        ]
        if places == [job.op.rows, job.op.columns]:
            sizes = job.model.integers(f"{job.layer.output}_size", out)
            modes = {"alignCorners": align_corners, "halfPixelCenters": half_pixel_centers}
            job.operator("RESIZE_NEAREST_NEIGHBOR", [job.source(), sizes], **modes)
            return
    raise job.refuse("RESIZE_NEAREST_NEIGHBOR takes other cells, in each of its modes")


# Layers that lowering left in float32, where the operator is another


def _float_relu(job: Job) -> None:
    job.operator("RELU")


def _float_clip(job: Job) -> None:
    _limit(job, job.source(), (job.op.minimum, job.op.maximum))


def _float_requantize(job: Job) -> None:
    """The values as they are."""
    shape = stored_shape(job.output)
    job.operator("RESHAPE", [job.source(), job.model.integers(f"{job.layer.output}_shape", [-1, *shape[1:]])])


def _float_multiply(job: Job) -> None:
    """Two or more tensors, from the left."""
    left, *others, last = (job.source(position) for position in range(len(job.layer.inputs)))
    for position, right in enumerate(others):
        part = job.model.auxiliary(f"{job.layer.output}_part{position}", stored_shape(job.output), job.output)
        left = job.file.operator("MUL", [left, right], part)
    job.operator("MUL", [left, last], **job.fused())


def _batch_normalization(job: Job) -> None:
    """x * a + b per channel, the last axis of what is stored."""
    _line(job, *job.op.constants(*(job.values(position) for position in range(1, 5))))


def _hard_sigmoid(job: Job) -> None:
    """min(max(x * slope + shift, 0), 1): no operator of TensorFlow Lite's."""
    name = f"{job.layer.output}_unclamped"
    line = job.model.auxiliary(name, stored_shape(job.output), job.output)
    _line(job.to(line), *np.array([[job.op.slope], [job.op.shift]], np.float32))
    _limit(job, line, (0.0, 1.0))


def _line(job: Job, factor: Array, offset: Array) -> None:
    """x * factor + offset, float32 [1] or of every channel."""
    name = job.layer.output
    pair = (("factor", factor), ("offset", offset))
    factors, offsets = (job.file.constant(job.model.fresh(f"{name}_{key}"), values) for key, values in pair)
    scaled = job.model.auxiliary(f"{name}_scaled", stored_shape(job.output), job.output)
    job.file.operator("MUL", [job.source(), factors], scaled)
    job.operator("ADD", [scaled, offsets])


WRITERS: Mapping[str, Callable[[Job], None]] = {
    "quantize": _quantize,
    "dequantize": _dequantize,
    "conv2d": conv2d,
    "fully_connected": _fully_connected,
    "matmul": _matmul,
    "max_pool": max_pool,
    "average_pool": average_pool,
    "global_average_pool": _global_average_pool,
    "add": _sum("ADD"),
    "subtract": _sum("SUB"),
    "multiply": _multiply,
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "leaky_relu": _leaky_relu,
    "hard_swish": _hard_swish,
    "requantize": _quantize,
    "concat": _concat,
    "softmax": _softmax,
    "relu": _clamp,
    "clip": _clamp,
    "flatten": _reshape,
    "reshape": _reshape,
    "transpose": _transpose,
    "pad": _pad,
    "resize_nearest": _resize_nearest,
    "slice": _slice,
}
"""Op name -> writer of the layer."""

FLOAT: Mapping[str, Callable[[Job], None]] = {
    "relu": _float_relu,
    "clip": _float_clip,
    "multiply": _float_multiply,
    "requantize": _float_requantize,
    "batch_normalization": _batch_normalization,
    "hard_sigmoid": _hard_sigmoid,
}
"""Op name -> writer of the float32 layer, where it is another."""
