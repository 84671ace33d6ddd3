"""int8sim's run against the engine's run of the exported file, tensor by tensor."""

import inspect
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from int8sim.graph.run import run

CPU = Path("/proc/cpuinfo")
LITERT = "ai_edge_litert"
PACKAGES = {
    "onnxruntime": "onnxruntime",
    "tflite_reference": LITERT,
    "tflite_optimized": LITERT,
    "xnnpack": LITERT,
    "tflm": "tflite_micro",
}


def engine(profile):
    """The function that runs a graph in the profile's engine, or a skip with the reason."""
    pytest.importorskip(PACKAGES[profile], reason=f"{PACKAGES[profile]} is not installed")
    if profile == "onnxruntime" and not (CPU.exists() and "vnni" in CPU.read_text()):
        pytest.skip("without VNNI, ONNX Runtime's own dot products saturate at 16 bits: another arithmetic")
    from engines import ENGINES

    return ENGINES[profile]


def compare(graph, inputs, profile, **options):
    """Every tensor that the engine gives equals int8sim's, bit for bit; the number of values by op."""
    theirs = engine(profile)(graph, inputs, **options)
    mine = run(graph, inputs, keep="all")
    counts, left_open = Counter(), {}
    for layer in graph.layers:
        if layer.output in theirs:
            left = left_open[layer.output] = undefined(layer, mine, left_open)
            agreed = np.where(left, mine[layer.output], theirs[layer.output])
            expect_equal(layer, mine[layer.output], agreed)
            counts[layer.op.name] += agreed.size - int(left.sum())
    return counts


def undefined(layer, mine, before):
    """Which outputs the engine leaves undefined, of a function of one 8-bit code and of softmax over rows of one value.

    They are neither equal nor counted; nor is what such a function makes of them. before: those of earlier tensors.
    """
    steps, x = layer.arithmetic or {}, mine.get(layer.inputs[0])
    nothing = np.zeros(mine[layer.output].shape, bool)
    if "convert" in steps and np.any(before.get(layer.inputs[0], False)):
        return before[layer.inputs[0]]
    if "convert" in steps and x is not None and x.dtype.itemsize == 1 and (defined := is_defined(steps["convert"])):
        return np.isin(x, [code for code in np.unique(x).tolist() if not defined(code)])
    if "quotient" in steps and x.shape[layer.op.axis] == 1 and (defined := is_defined(steps["quotient"])):
        share = steps["exponential"](0)
        return nothing | (not defined(share, steps["total"](0, share)))
    return nothing


def is_defined(step):
    """The function beside a step's own that says so, of its operands alone; None if the step is defined everywhere."""
    defined = getattr(sys.modules[step.function.__module__], f"{step.function.__name__}_is_defined", None)
    names = inspect.signature(defined).parameters if defined else ()
    values = {name: value for name, value in zip(step.parameters, step.at(0), strict=True) if name in names}
    return defined and partial(defined, **values)


def expect_equal(layer, mine, theirs):
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape), layer
    if mine.tobytes() == np.ascontiguousarray(theirs).tobytes():
        return
    wrong = np.argwhere(bits(mine) != bits(theirs))
    first = tuple(wrong[0])
    message = f"{len(wrong)} of {mine.size} differ, the first at {first}: {mine[first]} here, {theirs[first]} there"
    raise AssertionError(f"{message}\n{layer.op}\n{layer.arithmetic}")


def bits(array):
    return np.ascontiguousarray(array).view(np.uint32) if array.dtype == np.float32 else array
