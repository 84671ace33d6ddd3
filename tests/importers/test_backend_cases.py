"""ONNX's own node cases of every operator that is read: each gives ONNX's expected output, or is skipped with a reason.

A case's first input is the activation, and further ones are where its operator takes activations; the others, weights
and settings, become initializers. What a case computes of integers or booleans alone is a constant to int8sim: all
inputs become initializers, and a sum with zeros carries the constant to an output. Of optional outputs only the first
is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from int8sim.importers.onnx_operators import SUPPORTED
from int8sim.model.errors import Int8SimError

from .node_cases import node_cases
from .onnx_models import by_int8sim, loaded
from .test_quantized_cases import REFUSED

ALL_INPUTS = frozenset({"Add", "Concat", "Div", "MatMul", "Mul", "Pow", "Sub", "Sum"})
"""Operators of several activations."""
FIRST_OUTPUT = frozenset({"Dropout", "LayerNormalization"})
"""Operators whose further outputs, for training, are left away."""

ROUNDED = {"test_averagepool_2d_ceil_last_window_starts_on_pad": 5e-4}
"""Cases whose expectation is written out with four digits: their tolerance."""

RANK = "images have one axis or two"
WIDTH = "it counts with a width of 2.4 or 3.2 where the output is 2 or 3 wide, as no engine does"
INDICES = "the positions of the maxima are an output"
TRAINING = "training mode"
DILATED = "an average over spread cells"
INTEGER = "an activation of integers"
EMPTY = "empty tensors"

OPERATORS = sorted({*SUPPORTED, "ConstantOfShape", "Equal", "Where"})
"""All that are read of activations, and three of those that are only read of constants."""

SKIPPED = {
    "test_averagepool_2d_dilations": DILATED,
    "test_averagepool_3d_default": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_False": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_0_ceil_mode_is_True": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_False": RANK,
    "test_averagepool_3d_dilations_large_count_include_pad_is_1_ceil_mode_is_True": RANK,
    "test_averagepool_3d_dilations_small": RANK,
    "test_batchnorm_epsilon_training_mode": TRAINING,
    "test_batchnorm_example_training_mode": TRAINING,
    "test_convtranspose_3d": RANK,
    "test_maxpool_2d_uint8": INTEGER,
    "test_maxpool_3d_default": RANK,
    "test_maxpool_3d_dilations": RANK,
    "test_maxpool_3d_dilations_use_ref_impl": RANK,
    "test_maxpool_3d_dilations_use_ref_impl_large": RANK,
    "test_maxpool_with_argmax_2d_precomputed_pads": INDICES,
    "test_maxpool_with_argmax_2d_precomputed_strides": INDICES,
    "test_reshape_allowzero_reordered": EMPTY,
    "test_resize_downsample_scales_cubic_align_corners": WIDTH,
    "test_resize_downsample_scales_linear_align_corners": WIDTH,
    "test_slice_start_out_of_bounds": EMPTY,
    "test_split_zero_size_splits_opset13": EMPTY,
    "test_split_zero_size_splits_opset18": EMPTY,
    "test_training_dropout": TRAINING,
    "test_training_dropout_default": TRAINING,
    "test_training_dropout_default_mask": TRAINING,
    "test_training_dropout_mask": TRAINING,
}


def collect() -> dict[str, list[Any]]:
    """The cases with one node, by operator."""
    found: dict[str, list[Any]] = {operator: [] for operator in OPERATORS}
    for case in filter(of_numbers, node_cases(OPERATORS)):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in found and not nodes[0].domain and "_expanded" not in case.name:
            found[nodes[0].op_type].append(case)
    return found


def of_numbers(case: Any) -> bool:
    """Whether NumPy has the types of its data: no strings, sequences or numbers of 4 and 8 bits."""
    arrays = [array for part in (case.data_sets or [[]])[0] for array in part]
    return all(isinstance(array, np.ndarray | np.generic) and array.dtype.kind in "fiub" for array in arrays)


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Any]]:
    return collect()


def is_float(value: onnx.ValueInfoProto) -> bool:
    return bool(value.type.tensor_type.elem_type == TensorProto.FLOAT)


def prepared(case: Any) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """The case's model, with initializers, and what is fed to it."""
    proto = onnx.ModelProto()
    proto.CopyFrom(case.model)
    graph, operator = proto.graph, case.model.graph.node[0].op_type
    given = dict(zip([each.name for each in graph.input], case.data_sets[0][0], strict=True))
    several = graph.input if operator in ALL_INPUTS else graph.input[:1]
    fed = [each.name for each in several if is_float(each) and np.ndim(given[each.name])]
    if not all(map(is_float, graph.output[:1])) and operator != "Shape":
        fed = []
    rest = {name: values for name, values in given.items() if name not in fed}
    graph.initializer.extend(numpy_helper.from_array(np.asarray(values), name) for name, values in rest.items())
    for each in [each for each in graph.input if each.name in rest]:
        graph.input.remove(each)
    if operator in FIRST_OUTPUT:
        del graph.output[1:]
    values = {name: given[name] for name in fed}
    if not fed or operator == "Shape":
        values |= carried(proto, case.data_sets[0][1])
    return proto, values


def carried(proto: onnx.ModelProto, expected: list[Any]) -> dict[str, Any]:
    """Sums of zeros and what the model computes, in place of its outputs."""
    zeros = {}
    for output, wanted in zip(list(proto.graph.output), expected, strict=True):
        name = output.name
        zero = np.zeros(np.shape(visible(wanted)) or 1, np.float32)
        zeros[f"{name}_zero"] = zero
        proto.graph.input.append(helper.make_tensor_value_info(f"{name}_zero", TensorProto.FLOAT, zero.shape))
        proto.graph.node.append(helper.make_node("Cast", [name], [f"{name}_real"], to=TensorProto.FLOAT))
        if np.size(wanted) == 0:
            proto.graph.initializer.append(numpy_helper.from_array(np.ones(1, np.float32), f"{name}_one"))
            proto.graph.node.append(
                helper.make_node("Concat", [f"{name}_real", f"{name}_one"], [f"{name}_all"], axis=0)
            )
        last = proto.graph.node[-1].output[0]
        proto.graph.node.append(helper.make_node("Add", [f"{name}_zero", last], [f"{name}_sum"]))
        output.name = f"{name}_sum"
    return zeros


def visible(wanted: Any) -> Any:
    """What is expected; a 1 behind what is empty, which no input or output of a graph can be."""
    return wanted if np.size(wanted) else np.ones(1)


@pytest.mark.parametrize("backend", ["reference", pytest.param("cpu", marks=pytest.mark.slow)])
@pytest.mark.parametrize("operator", OPERATORS)
def test_onnx_node_cases(operator, backend, cases, tmp_path, compared):
    """Skipped ones are refused, or give something else."""
    for case in cases[operator]:
        if case.name in SKIPPED:
            with pytest.raises((Int8SimError, AssertionError)):
                check(case, tmp_path, backend)
        else:
            compared(check(case, tmp_path, backend), 1, backend)


def check(case: Any, folder: Any, backend: str) -> int:
    proto, values = prepared(case)
    graph = loaded(proto, folder)
    declared = {name: graph.tensors[name].shape for name in graph.inputs}
    front = any(len(declared[name]) > np.ndim(values[name]) for name in declared)
    given = {name: values[name][None] if front else values[name] for name in declared}
    found = by_int8sim(graph, given, backend)
    count = 0
    for output, wanted in zip(proto.graph.output, map(visible, case.data_sets[0][1]), strict=False):
        name = output.name if output.name in found else graph.outputs[0]  # another name of an input
        result = found[name][0] if found[name].ndim > np.ndim(wanted) else found[name]
        assert result.shape == np.shape(wanted), case.name
        tolerance = ROUNDED.get(case.name, max(case.rtol, 1e-5))
        real = np.asarray(wanted).astype(np.float32)
        np.testing.assert_allclose(result, real, rtol=tolerance, atol=max(case.atol, 1e-6), err_msg=case.name)
        count += result.size
    return count


def test_the_list_is_short_and_holds_what_onnx_has(cases):
    names = {case.name for each in cases.values() for case in each}
    assert set(SKIPPED) <= names
    assert len(SKIPPED) + len(REFUSED) <= 40, "with those of quantized operators"
    print(f"{len(names) - len(SKIPPED)} of {len(names)} cases give the expected output")
