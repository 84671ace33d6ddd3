"""Quantized ONNX operators in forms that are not read: a named error with the reason."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto

from int8sim.importers.onnx import load_onnx
from int8sim.model.errors import BadScaleError, Int8SimError, LayerError, ParameterError, UnsupportedOperatorError

from .onnx_models import loaded, model, node, saved

MICROSOFT = {"domain": "com.microsoft"}
NUMBERS = {"s": np.float32(0.5), "z": np.uint8(3), "zero": np.uint8(0), "signed": np.int8(0), "none": np.float32(0)}
NUMBERS |= {
    "two": np.float32([0.5, 1.0]),
    "zz": np.uint8([3, 3]),
    "w": np.ones((4, 4), np.uint8),
    "b": np.zeros(4, np.int32),
}
NUMBERS |= {"b": np.zeros(4, np.int32), "pads": np.array([0, 1, 0, 1]), "wide": np.uint16(0), "few": np.uint32(0)}
Z3 = node("QLinearSigmoid", "x s z s z", "t", **MICROSOFT)
"""Makes codes with zero point 3."""

FORMS = [
    ([node("QLinearSigmoid", "x two zz s z", "y", **MICROSOFT)], UnsupportedOperatorError, "holds 2 scales"),
    ([node("QLinearSigmoid", "x s signed s z", "y", **MICROSOFT)], LayerError, "int8 codes are needed"),
    ([node("QLinearSigmoid", "x none z s z", "y", **MICROSOFT)], BadScaleError, "greater than 0"),
    ([node("QLinearSigmoid", "x s wide s z", "y", **MICROSOFT)], LayerError, "uint16 codes are needed"),
    ([node("QLinearSigmoid", "x s few s z", "y", **MICROSOFT)], UnsupportedOperatorError, "its zero point is uint32"),
    ([node("QLinearSigmoid", "x s z s signed", "y", **MICROSOFT)], UnsupportedOperatorError, "no integer form of it"),
    ([node("QGemm", "x s z w s z b s z", "y", alpha=2.0, **MICROSOFT)], UnsupportedOperatorError, "alpha is not 1"),
    ([node("QGemm", "x s z w two zz b s z", "y", **MICROSOFT)], LayerError, "2 weight scales for 4 output channels"),
    ([node("QLinearMatMul", "x s z w s signed s z", "y")], LayerError, "the matrix B is uint8, its zero point int8"),
    (
        [node("MatMulInteger", "x w z s", "y")],
        UnsupportedOperatorError,
        r"zero point is float32\[1\]; codes",
    ),
    ([node("QLinearConcat", "s z x s", "y", axis=1, **MICROSOFT)], LayerError, "two and three for each part"),
    ([node("QuantizeLinear", "x s z", "y")], LayerError, "real values are quantized"),
    ([node("DynamicQuantizeLSTM", "x", "y", **MICROSOFT)], UnsupportedOperatorError, "it is not supported"),
    ([Z3, node("Relu", "t", "y")], UnsupportedOperatorError, "whose zero point is 3"),
    ([Z3, node("Pad", "t pads zero", "y")], UnsupportedOperatorError, "pads with the code 0, and the zero point is 3"),
    ([Z3, node("Clip", "t z zero", "y")], LayerError, "minimum 3 is above its maximum 0"),
    ([Z3, node("Add", "t t", "y")], UnsupportedOperatorError, "computes with codes as if they were numbers"),
    ([Z3, node("Cast", "t", "y", to=TensorProto.INT32)], UnsupportedOperatorError, "casts codes to another type"),
]


@pytest.mark.parametrize(("nodes", "error", "reason"), FORMS)
def test_forms_that_are_not_read(nodes, error, reason, tmp_path):
    with pytest.raises(error, match=reason):
        loaded(model(nodes, {"x": ["N", 4]}, constants=NUMBERS, opset=14, kind=TensorProto.UINT8), tmp_path)


def test_a_profile_without_integer_biases_is_refused(tmp_path):
    path = saved(model([Z3], {"x": ["N", 4]}, ("t",), NUMBERS, kind=TensorProto.UINT8), tmp_path)
    assert load_onnx(path, "onnxruntime_avx2").profile == "onnxruntime_avx2"
    with pytest.raises(ParameterError, match="int32 biases"):
        load_onnx(path, "nvdla")


def test_codes_read_by_another_scale_are_copied(tmp_path):
    nodes = [Z3, node("QLinearSigmoid", "t two0 z s z", "y", "next", **MICROSOFT)]
    constants = {**NUMBERS, "two0": np.float32(2.0)}
    graph = loaded(model(nodes, {"x": ["N", 4]}, constants=constants, kind=TensorProto.UINT8), tmp_path)
    assert [layer.op.name for layer in graph.layers] == ["sigmoid", "reshape", "sigmoid"]
    assert [graph.tensors[layer.inputs[0]].quantized.scale for layer in graph.layers] == [0.5, 0.5, 2.0]
    assert "next reads the codes of t by another scale" in graph.notes[0]


def test_codes_into_a_float_network_are_refused(tmp_path):
    with pytest.raises(Int8SimError, match="is no float tensor, and no operator of the network is quantized"):
        loaded(model([node("Relu", "x", "y")], {"x": ["N", 4]}, kind=TensorProto.UINT8), tmp_path)
