"""What the exported files say: names, shapes, notes; and how they are written."""

import sys
from dataclasses import replace

import onnx
import pytest
from exporter_networks import images, island, minmax, residual

from int8sim.exporters.onnx import export_onnx, onnx_model
from int8sim.graph.check import float_graph
from int8sim.lowering.lower import lower
from int8sim.model.errors import MissingPackageError, OutputNotWritableError


def lowered(profile, layout="NCHW", make=residual, preset="mixed"):
    graph = make(1, layout) if make is residual else make(1)
    return lower(graph, minmax(graph, images(graph, 1, 4)), profile=profile, preset=preset)


def test_an_onnx_file_is_valid_and_names_every_tensor(tmp_path):
    graph = lowered("onnxruntime")
    export_onnx(graph, tmp_path / "net.onnx")
    model = onnx.load(tmp_path / "net.onnx")
    written = {name for node in model.graph.node for name in node.output}
    assert {layer.output for layer in graph.layers} <= written
    onnx.checker.check_model(onnx.shape_inference.infer_shapes(model))
    assert {entry.domain for entry in model.opset_import} == {"", "com.microsoft"}
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_fused_activation_is_a_clip_behind_its_operator():
    model = onnx_model(lowered("onnxruntime", preset="performance"))
    nodes = {node.output[0]: node for node in model.graph.node}
    assert nodes["stem"].op_type == "Clip"
    assert nodes["stem_unclamped"].op_type == "QLinearConv"


def test_an_nhwc_graph_keeps_its_layout():
    model = onnx_model(lowered("onnxruntime", "NHWC"))
    dims = [each.dim_value for each in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims[1:] == [10, 10, 3]
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_notes_become_the_models_description():
    graph = lowered("onnxruntime", make=island)
    assert onnx_model(graph).doc_string == "\n".join(graph.notes) != ""


def test_names_that_the_graph_has_taken_are_not_taken_twice():
    graph = residual(1, "NCHW")
    renamed = {"mean": "stem_scale", "cut": "stem_unclamped"}
    layers = [rename(layer, renamed) for layer in graph.layers]
    inputs = {name: graph.tensors[name] for name in graph.inputs}
    again = float_graph("again", layers, inputs, graph.outputs, graph.constants)
    model = onnx_model(lower(again, minmax(again, images(again, 1, 4)), profile="onnxruntime"))
    names = [name for node in model.graph.node for name in node.output]
    names += [each.name for each in model.graph.initializer]
    assert len(names) == len(set(names))


def rename(layer, names):
    inputs = tuple(names.get(each, each) for each in layer.inputs)
    return replace(layer, inputs=inputs, output=names.get(layer.output, layer.output))


def test_a_folder_that_is_not_there_cannot_be_written(tmp_path):
    with pytest.raises(OutputNotWritableError):
        export_onnx(lowered("onnxruntime"), tmp_path / "nowhere" / "net.onnx")


def test_a_tflite_file_names_every_tensor_and_its_axes(tmp_path):
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed")
    from int8sim.exporters.tflite import export_tflite, tensor_names

    graph = lowered("tflite_reference")
    export_tflite(graph, tmp_path / "net.tflite")
    content = (tmp_path / "net.tflite").read_bytes()
    assert content[4:8] == b"TFL3"
    tensors = schema.ModelT.InitFromPackedBuf(content).subgraphs[0].tensors
    shapes = {tensor.name.decode(): tuple(tensor.shape) for tensor in tensors}
    assert len(shapes) == len(tensors)
    for name, axes in tensor_names(graph).items():
        assert shapes[name] == tuple(graph.tensors[name].shape[axis] for axis in axes)


def test_a_missing_package_is_named(monkeypatch):
    from int8sim.exporters.tflite import tflite_model

    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    with pytest.raises(MissingPackageError, match=r"int8sim\[tflite\]"):
        tflite_model(lowered("tflite_reference"))
