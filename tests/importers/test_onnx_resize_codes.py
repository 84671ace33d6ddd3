"""Resize in mode linear of codes, and of real values in a quantized network: ONNX Runtime's, bit for bit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_quantizer import run_file

import int8sim
from int8sim.graph.run import run
from int8sim.model.errors import UnsupportedOperatorError

from .onnx_models import loaded, model, node

pytestmark = pytest.mark.engine

SCALES = [(2.0, 2.0), (1.5, 2.5), (0.5, 0.7), (1.0, 3.0), (2.37, 1.91)]
CONSTANTS = {"s": np.float32(0.5), "z": np.uint8(0), "t": np.float32(0.3)}


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
def test_linear_of_codes_is_the_engines(dtype, coordinates, tmp_path, compared):
    """y is of codes, g of what they stand for."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    rng, path, count = np.random.default_rng(3), tmp_path / "resize.onnx", 0
    form = {"mode": "linear", "coordinate_transformation_mode": coordinates}
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("Resize", "q - factors", "y", **form),
        node("DequantizeLinear", "q t z", "f"),
        node("Resize", "f - factors", "g", **form),
    ]
    for factors in SCALES:
        constants = {**CONSTANTS, "z": np.array(0, dtype), "factors": np.float32([1, 1, *factors])}
        onnx.save(model(nodes, {"x": [2, 3, *rng.integers(3, 14, 2).tolist()]}, ("g",), constants), path)
        graph = int8sim.load(path)
        inputs = {"x": rng.uniform(-70, 130, (2, *graph.tensors["x"].shape[1:])).astype(np.float32)}
        found, expected = run(graph, inputs, keep="all"), run_file(path, inputs, ["y", "g"])
        for name, values in expected.items():
            assert found[name].dtype == values.dtype
            assert np.array_equal(found[name], values), (name, factors)
            count += values.size
    compared(count, 0, f"{dtype} {coordinates}")


def test_cubic_of_codes_is_refused(tmp_path):
    nodes = [node("QuantizeLinear", "x s z", "q"), node("Resize", "q - factors", "y", mode="cubic")]
    constants = {**CONSTANTS, "factors": np.float32([1, 1, 2, 2])}
    with pytest.raises(UnsupportedOperatorError, match="computes with codes as if they were numbers"):
        loaded(model(nodes, {"x": ["N", 3, 4, 4]}, constants=constants), tmp_path)
