"""Small ONNX models, written here without the importer's help, and what others compute from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.importers.onnx import load_onnx

LENET = Path(__file__).parents[2] / "golden" / "lenet" / "lenet.onnx"
LATEST = 28
RUNTIME_LATEST = 26
"""The newest opset that onnxruntime 1.31 runs."""

Shape = Sequence[int | str | None]


def node(operator: str, inputs: str, output: str, name: str = "", **attributes: Any) -> onnx.NodeProto:
    """A node; inputs: names between blanks, "-" for one that is left out."""
    names = ["" if each == "-" else each for each in inputs.split()]
    return helper.make_node(operator, names, output.split(), name=name, **attributes)


def model(
    nodes: Iterable[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Sequence[str] = ("y",),
    constants: Mapping[str, Any] | None = None,
    opset: int = 13,
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A model without value_info, whose outputs have no declared shape."""
    given = [helper.make_tensor_value_info(name, kind, shape) for name, shape in inputs.items()]
    made = [helper.make_tensor_value_info(name, kind, None) for name in outputs]
    values = [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()]
    graph = helper.make_graph(list(nodes), "small", given, made, values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def saved(proto: onnx.ModelProto, folder: Path) -> Path:
    """The model's file."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def loaded(proto: onnx.ModelProto, folder: Path) -> Graph:
    """The model, through a file, as int8sim reads it."""
    return load_onnx(saved(proto, folder))


def real(*shape: int, seed: int = 1) -> Any:
    """float32 values of a normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def feeds(proto: onnx.ModelProto, batch: int = 2) -> dict[str, Any]:
    """Values for every input that is no initializer; `batch` samples where the model leaves the batch open."""
    constants = {tensor.name for tensor in proto.graph.initializer}
    values = {}
    for seed, each in enumerate(proto.graph.input):
        if each.name not in constants:
            shape = [dim.dim_value or batch for dim in each.type.tensor_type.shape.dim]
            dtype = helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type)
            values[each.name] = real(*shape, seed=seed).astype(dtype)
    return values


def by_int8sim(graph: Graph, values: Mapping[str, Any], backend: str = "cpu") -> dict[str, Any]:
    """The graph's outputs, from the compiled kernels or another backend."""
    return run(graph, values, backend=backend)


def by_reference(proto: onnx.ModelProto, values: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs, from ONNX's own evaluator."""
    evaluator = ReferenceEvaluator(proto)
    return dict(zip(evaluator.output_names, evaluator.run(None, dict(values)), strict=True))


def by_runtime(proto: onnx.ModelProto, values: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs, from ONNX Runtime, with no graph optimizations."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(values)), strict=True))


def assert_close(found: Mapping[str, Any], expected: Mapping[str, Any], where: str = "") -> None:
    """Every tensor of the same shape, within 1e-5 of its greatest magnitude: sums differ in their order only."""
    assert set(found) == set(expected)
    for name, values in expected.items():
        what = f"{name}, {where}"
        assert found[name].shape == values.shape, what
        scale = float(np.abs(values).max(initial=1e-3, where=np.isfinite(values)))
        np.testing.assert_allclose(found[name], values.astype(np.float32), rtol=1e-5, atol=1e-5 * scale, err_msg=what)
