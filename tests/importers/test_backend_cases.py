"""ONNX's own node cases: each float case either gives ONNX's expected output, or is refused for the reason listed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases

from int8sim.model.errors import Int8SimError

from .onnx_models import by_int8sim, loaded

ONE_ACTIVATION = (
    "AveragePool", "BatchNormalization", "Clip", "Conv", "Flatten", "Gemm", "GlobalAveragePool", "MaxPool", "Pad",
    "Relu", "Reshape", "Softmax", "Transpose",
)  # fmt: skip
"""Operators whose further inputs are weights or settings; the cases feed them, here they become initializers."""
ACTIVATIONS_ONLY = ("Add", "Concat", "MatMul")

ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 5e-4}
"""Cases whose expectation is written out with four digits: their tolerance."""

BATCH = "it moves or mixes dimension 0, which is the batch"
RANK = "only images, that is 4-D tensors, are convolved and pooled"
NO_BATCH = "a 1-D operand has no batch, or no batch like the other's"
TRAINING = "batch normalization in training mode"
INDICES = "the positions of the maxima are an output"
DILATED = "an average over spread cells"
BROADCAST = "activations are not broadcast"
ROWS = "C differs from sample to sample"

REFUSED = {
    "test_add_bcast": BROADCAST,
    "test_averagepool_1d_default": RANK,
    "test_averagepool_2d_dilations": DILATED,
    "test_averagepool_3d_default": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": RANK,
    "test_averagepool_3d_dilations_small": RANK,
    "test_batchnorm_epsilon_training_mode": TRAINING,
    "test_batchnorm_example_training_mode": TRAINING,
    "test_clip_min_greater_than_max": "the op Clip refuses a minimum above the maximum",
    "test_concat_1d_axis_0": BATCH,
    "test_concat_1d_axis_negative_1": BATCH,
    "test_concat_2d_axis_0": BATCH,
    "test_concat_2d_axis_negative_2": BATCH,
    "test_concat_3d_axis_0": BATCH,
    "test_concat_3d_axis_negative_3": BATCH,
    "test_constant_pad": "the padding is 1.2; only 0 has a code in every quantization",
    "test_constant_pad_axes": "the padding is 1.2",
    "test_constant_pad_negative_axes": "the padding is 1.2",
    "test_flatten_axis0": BATCH,
    "test_flatten_axis2": BATCH,
    "test_flatten_axis3": BATCH,
    "test_flatten_negative_axis1": BATCH,
    "test_flatten_negative_axis2": BATCH,
    "test_flatten_negative_axis4": BATCH,
    "test_gemm_all_attributes": BATCH,
    "test_gemm_default_matrix_bias": ROWS,
    "test_gemm_transposeA": BATCH,
    "test_matmul_1d_1d": NO_BATCH,
    "test_matmul_1d_3d": NO_BATCH,
    "test_matmul_2d": BATCH,
    "test_matmul_4d_1d": NO_BATCH,
    "test_matmul_bcast": BROADCAST,
    "test_maxpool_1d_default": RANK,
    "test_maxpool_3d_default": RANK,
    "test_maxpool_3d_dilations": RANK,
    "test_maxpool_3d_dilations_use_ref_impl": RANK,
    "test_maxpool_3d_dilations_use_ref_impl_large": RANK,
    "test_maxpool_with_argmax_2d_precomputed_pads": INDICES,
    "test_maxpool_with_argmax_2d_precomputed_strides": INDICES,
    "test_reshape_allowzero_reordered": "empty tensors",
    "test_reshape_negative_extended_dims": BATCH,
    "test_reshape_one_dim": BATCH,
    "test_reshape_reordered_all_dims": BATCH,
    "test_softmax_axis_0": BATCH,
    "test_transpose_all_permutations_2": BATCH,
    "test_transpose_all_permutations_3": BATCH,
    "test_transpose_all_permutations_4": BATCH,
    "test_transpose_all_permutations_5": BATCH,
    "test_transpose_default": BATCH,
}


@pytest.fixture(scope="module")
def cases() -> list[Any]:
    """The cases with one node, of the operators above, whose first input is float32."""
    wanted = {*ONE_ACTIVATION, *ACTIVATIONS_ONLY}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases are made on import, infinities and all
        everything = collect_testcases(None)
    single = [case for case in everything if case.model is not None and len(case.model.graph.node) == 1]
    return [case for case in single if case.model.graph.node[0].op_type in wanted and is_float(case)]


def is_float(case: Any) -> bool:
    first = case.model.graph.input[0]
    return first.type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def with_initializers(case: Any) -> onnx.ModelProto:
    """The case's model, its further inputs as initializers where the operator wants activations only in front."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.model)
    if proto.graph.node[0].op_type in ONE_ACTIVATION:
        names = [each.name for each in proto.graph.input][1:]
        values = case.data_sets[0][0][1:]
        proto.graph.initializer.extend(map(numpy_helper.from_array, values, names))
    return proto


@pytest.mark.parametrize("operator", [*ONE_ACTIVATION, *ACTIVATIONS_ONLY])
def test_onnx_node_cases(operator, cases, tmp_path):
    mine = [case for case in cases if case.model.graph.node[0].op_type == operator]
    refused = [case for case in mine if case.name in REFUSED]
    for case in mine:
        if case not in refused:
            check(case, tmp_path)
    for case in refused:
        assert REFUSED[case.name]
        with pytest.raises(Int8SimError):
            loaded(with_initializers(case), tmp_path)
    print(f"{operator}: {len(mine) - len(refused)} cases ran, {len(refused)} are refused")
    assert mine


def check(case: Any, folder: Any) -> None:
    proto = with_initializers(case)
    given, expected = case.data_sets[0]
    names = [each.name for each in proto.graph.input]
    graph = loaded(proto, folder)
    values = {name: value for name, value in zip(names, given, strict=True) if name in graph.inputs}
    found = by_int8sim(graph, values)
    for output, wanted in zip(proto.graph.output, expected, strict=True):
        assert found[output.name].shape == wanted.shape, case.name
        tolerance = ROUNDED.get(case.name, 1e-5)
        np.testing.assert_allclose(found[output.name], wanted, rtol=tolerance, atol=1e-6, err_msg=case.name)


def test_the_list_holds_no_case_that_onnx_does_not_have(cases):
    assert set(REFUSED) <= {case.name for case in cases}
