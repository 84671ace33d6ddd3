"""ONNX's own node cases of quantized operators: each gives ONNX's expected integers, or is refused for a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import int8sim
from int8sim.graph.run import run
from int8sim.importers.onnx_file import read_model
from int8sim.importers.onnx_quantized import read
from int8sim.importers.onnx_quantized_network import QuantizedNetwork
from int8sim.model.errors import Int8SimError
from int8sim.profiles.registry import profile

from .node_cases import node_cases
from .onnx_models import loaded, saved

OPERATORS = {"ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger", "QuantizeLinear"}
OPERATORS |= {"QLinearConv", "QLinearMatMul"}
FLOAT_CODES = "its codes are floats of 8 or 4 bits, no integers"
STEPS = "the function body of DynamicQuantizeLinear: a scale that is computed from data is read in no form"

REFUSED = {
    "test_dequantizelinear_e4m3fn": FLOAT_CODES,
    "test_dequantizelinear_e4m3fn_float16": FLOAT_CODES,
    "test_dequantizelinear_e4m3fn_zero_point": FLOAT_CODES,
    "test_dequantizelinear_e5m2": FLOAT_CODES,
    "test_dequantizelinear_float4e2m1": FLOAT_CODES,
    "test_dynamicquantizelinear_expanded": STEPS,
    "test_dynamicquantizelinear_max_adjusted_expanded": STEPS,
    "test_dynamicquantizelinear_min_adjusted_expanded": STEPS,
    "test_quantizelinear_e4m3fn": FLOAT_CODES,
    "test_quantizelinear_e5m2": FLOAT_CODES,
    "test_quantizelinear_float4e2m1": FLOAT_CODES,
}
LAYERS = ("test_dequantizelinear", "test_dequantizelinear_int16", "test_quantizelinear", "test_quantizelinear_int16")
"""QuantizeLinear and DequantizeLinear of an activation; the others have several scales or smaller codes: constants."""


def arrays(values: Any) -> list[Any]:
    """The small types come as TensorProto."""
    return [numpy_helper.to_array(each) if isinstance(each, onnx.TensorProto) else np.asarray(each) for each in values]


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    return [case for case in node_cases(OPERATORS) if OPERATORS & {node.op_type for node in case.model.graph.node}]


def with_initializers(case: Any, activations: int) -> onnx.ModelProto:
    """The model, its further inputs as initializers."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.model)
    names = [each.name for each in proto.graph.input]
    values = dict(zip(names, case.data_sets[0][0], strict=True))
    for name in names[activations:]:
        value = values[name]
        stored = value if isinstance(value, onnx.TensorProto) else numpy_helper.from_array(np.asarray(value), name)
        proto.graph.initializer.append(stored)
        proto.graph.initializer[-1].name = name
    return proto


def by_layers(case: Any, folder: Any, backend: str) -> list[Any]:
    """The outputs of the graph that the model becomes, of its first input, or of both matrices of a product."""
    matrices = case.model.graph.node[0].op_type == "QLinearMatMul" and case.data_sets[0][0][0].ndim == 3
    proto = with_initializers(case, 1)
    inputs = {proto.graph.input[0].name: case.data_sets[0][0][0]}
    if matrices:
        (second,) = [each for each in proto.graph.initializer if each.name == "b"]
        proto.graph.initializer.remove(second)
        inputs["b"] = case.data_sets[0][0][3]
    return list(run(loaded(proto, folder), inputs, backend=backend).values())


def by_constants(case: Any, folder: Any) -> list[Any]:
    """What the importer makes of the node where all of its inputs are constants."""
    network = QuantizedNetwork(read_model(saved(with_initializers(case, 0), folder)), profile("onnxruntime"))
    for node in network.model.nodes:
        read(network, node)
    return [network.values[name] for name in network.model.outputs]


def by_function(case: Any) -> list[Any]:
    """DynamicQuantizeLinear: no layer, a function."""
    return [np.asarray(each) for each in int8sim.dynamic_quantize(case.data_sets[0][0][0])]


def outputs(case: Any, folder: Any, backend: str) -> list[Any]:
    operator = case.model.graph.node[0].op_type
    if operator == "DynamicQuantizeLinear":
        return by_function(case)
    if operator in {"QuantizeLinear", "DequantizeLinear"} and case.name not in LAYERS:
        return by_constants(case, folder)
    return by_layers(case, folder, backend)


@pytest.mark.parametrize("backend", ["reference", pytest.param("cpu", marks=pytest.mark.slow)])
@pytest.mark.parametrize("operator", sorted(OPERATORS))
def test_onnx_node_cases_of_quantized_operators(operator, backend, cases, tmp_path, compared):
    mine = [case for case in cases if operator in {node.op_type for node in case.model.graph.node}]
    counted = 0
    for case in (case for case in mine if case.name not in REFUSED):
        expected = arrays(case.data_sets[0][1])
        for found, wanted in zip(outputs(case, tmp_path, backend), expected, strict=True):
            assert found.shape == wanted.shape, case.name
            assert np.array_equal(found.astype(wanted.dtype), wanted), case.name
            counted += wanted.size
    for case in (case for case in mine if case.name in REFUSED):
        with pytest.raises(Int8SimError):
            loaded(with_initializers(case, 1), tmp_path)
    assert mine
    compared(counted, 0, f"{operator} {backend}")


def test_the_list_holds_no_case_that_onnx_does_not_have(cases):
    assert len(cases) >= 45
    assert set(REFUSED) <= {case.name for case in cases}
