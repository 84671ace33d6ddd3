"""int8sim's run against the engine's run of the exported file, tensor by tensor."""

import inspect
import sys
from collections import Counter
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
    counts = Counter()
    for layer in graph.layers:
        if layer.output in theirs:
            left = undefined(layer, mine)
            agreed = np.where(left, mine[layer.output], theirs[layer.output])
            expect_equal(layer, mine[layer.output], agreed)
            counts[layer.op.name] += agreed.size - int(left.sum())
    return counts


def undefined(layer, mine):
    """Which outputs of a function of one 8-bit code the engine leaves undefined; they are neither equal nor counted."""
    step, x = (layer.arithmetic or {}).get("convert"), mine.get(layer.inputs[0])
    defined = step and getattr(sys.modules[step.function.__module__], f"{step.function.__name__}_is_defined", None)
    if defined is None or x is None or x.dtype.itemsize > 1:
        return np.zeros(mine[layer.output].shape, bool)
    names = list(inspect.signature(defined).parameters)[1:]
    values = [dict(zip(step.parameters, step.at(0), strict=True))[name] for name in names]
    return np.isin(x, [code for code in np.unique(x).tolist() if not defined(code, *values)])


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
