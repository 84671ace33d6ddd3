"""`assert_bit_exact`: right devices pass, wrong ones shrink to a minimal input, are replayed and named."""

from __future__ import annotations

import ctypes
import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument

import int8sim
from int8sim.golden.samples import sample_layer
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.relu import Relu
from int8sim.spec.affine import clamp_code
from int8sim.spec.nvdla import sdp_out_convert
from int8sim.testing import assert_bit_exact

LAYER = sample_layer("add", "tflm")
STEP = sample_layer("fully_connected", "tflm").layers[0].arithmetic["output"]


def half_up(x, offset, scale, truncate):
    """The converter with ties toward plus infinity."""
    product = (x - offset) * scale
    biased = (product + ((1 << truncate) >> 1)) >> truncate
    return 0 if truncate >= 49 else min(max(biased, -128), 127)


def once(acc, multiplier, shift, zero_point, low, high):
    """The converter with one rounding."""
    return min(max(((acc * multiplier + (1 << (30 + shift))) >> (31 + shift)) + zero_point, low), high)


def layer(a, b):
    return int8sim.run(LAYER, dict(zip(LAYER.inputs, (a, b), strict=True)), backend="reference")[LAYER.outputs[0]]


def failure(*arguments, **options):
    with pytest.raises(AssertionError) as caught:
        assert_bit_exact(*arguments, **options)
    return str(caught.value)


def test_a_function_passes(compared):
    compared(assert_bit_exact(lambda *given: sdp_out_convert(*given), sdp_out_convert, examples=100), 100)


def test_a_step_passes(compared):
    compared(assert_bit_exact(lambda *given: STEP.function(*given), STEP, examples=100), 100)


def test_a_wrong_function_is_shrunk_and_named():
    text = failure(half_up, sdp_out_convert)
    assert "truncate=1): expected -1, actual 0 (difference +1)" in text.splitlines()[0]
    assert "a tie, HALF_AWAY" in text
    assert "ties toward +inf instead of ties away from zero" in text


def test_a_wrong_step_is_named():
    assert "one rounding instead of two (output_double > double)" in failure(once, STEP)


def test_a_function_that_says_no_words_needs_a_strategy():
    with pytest.raises(InvalidArgument, match="says no word for a"):
        assert_bit_exact(max, lambda a, b: max(a, b))
    assert assert_bit_exact(max, lambda a, b: max(a, b), st.tuples(st.integers(), st.integers()), examples=20) == 20


def test_a_graph_passes_whatever_the_device_returns(compared):
    for device in (layer, lambda a, b: (layer(a, b),), lambda a, b: layer(a, b).tolist()):
        compared(assert_bit_exact(device, LAYER, examples=10, backend="reference"), 400)
    name = LAYER.outputs[0]
    compared(assert_bit_exact(lambda a, b: {name: layer(a, b)}, LAYER, examples=10, backend="reference"), 400)


def test_a_wrong_layer_shrinks_to_one_element():
    def device(a, b):
        y = layer(a, b)
        return np.where(a == 77, y + 1, y).astype(np.int8)

    text = failure(device, LAYER, backend="reference")
    assert f"graph {LAYER.name} differs" in text
    assert f"input {LAYER.inputs[0]}, int8[1, 40]" in text
    assert f"tensor {LAYER.outputs[0]}: 1 of 40 values differ, by 1 at most" in text
    assert text.splitlines()[1].count("77") + text.splitlines()[2].count("77") == 1
    assert "combine of 77, 0" in text
    assert "none of the catalogue's" in text


def test_a_wrong_shape_is_told():
    assert "int8[1, 39], expected int8[1, 40]" in failure(lambda a, b: layer(a, b)[:, 1:], LAYER, backend="reference")


CODE = """
#include <stddef.h>
#include <stdint.h>
int codes(const int8_t *in, int8_t *out, size_t batch) {
  for (size_t i = 0; i < 40 * batch; i++) out[i] = in[i] < LOW ? LOW : in[i];
  return 0;
}
"""


@pytest.mark.parametrize(("low", "right"), [(-7, True), (-6, False)])
def test_a_c_function(tmp_path, low, right, compared):
    """Pointers to inputs and outputs and the batch: as the libraries of export-c take them."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    (tmp_path / "codes.c").write_text(CODE.replace("LOW", f"({low})"))
    library = tmp_path / "codes.so"
    subprocess.run(["cc", "-shared", "-fPIC", tmp_path / "codes.c", "-o", library], check=True)
    graph = _relu(-7)
    device = ctypes.CDLL(str(library)).codes
    if right:
        compared(assert_bit_exact(device, graph, examples=20, backend="reference"), 800)
    else:
        assert "expected -7, actual -6" in failure(device, graph, backend="reference")


def _relu(zero_point):
    kind = TensorType((1, 40), "int8", "", QuantParams(0.5, zero_point))
    layer = Layer("relu", Relu(), ("x",), "y", {"convert": Step(clamp_code, {"low": zero_point, "high": 127})})
    return Graph((layer,), {"x": kind, "y": kind}, {}, ("x",), ("y",), "relu", "tflm")
