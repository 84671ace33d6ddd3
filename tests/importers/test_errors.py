"""Every way to give a model that is not read: the class, and a message that names the place and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from int8sim.importers.onnx import SUPPORTED, load_onnx
from int8sim.model.errors import (
    BadScaleError,
    GraphError,
    Int8SimError,
    LayerError,
    NotAModelError,
    OutsideDataError,
    UnsupportedOperatorError,
)

from .onnx_models import LENET, Shape, loaded, model, node, real, saved

IMAGE: Mapping[str, Shape] = {"x": ["N", 4, 6, 6]}
ROWS: Mapping[str, Shape] = {"x": ["N", 5]}
W = {"w": real(3, 4, 3, 3)}
B = {"b": real(5, 3)}
S = {"s": np.float32([1, 1, 2, 2])}
R, T = {"r": np.float32([0, 0, 0, 0, 1, 1, 1, 1])}, {"t": np.array([1, 4, 3, 3])}
CROP = {"coordinate_transformation_mode": "tf_crop_and_resize"}
LINES: Mapping[str, Shape] = {"x": ["N", 5, 9]}


def op(operator: str, inputs: str, **attributes: Any) -> list[onnx.NodeProto]:
    """One node from `inputs` to y."""
    return [node(operator, inputs, "y", **attributes)]


def named(rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Rows as parameters, their first columns as ids."""
    return [pytest.param(*row, id=name) for name, *row in rows]


def refused(proto: onnx.ModelProto, folder: Path) -> NotAModelError:
    """The error, which must begin with the file's path."""
    path = saved(proto, folder)
    with pytest.raises(NotAModelError) as caught:
        load_onnx(path)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


def relu(shape: Sequence[Any] | None, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
    return model(op("Relu", "x"), {"x": shape}, kind=kind)


class TestFiles:
    def test_no_such_file(self, tmp_path):
        with pytest.raises(NotAModelError, match=r"absent\.onnx: there is no such file"):
            load_onnx(tmp_path / "absent.onnx")

    def test_a_folder(self, tmp_path):
        with pytest.raises(NotAModelError, match="this is not a file"):
            load_onnx(str(tmp_path))

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            pytest.param(b"", "the file is empty", id="empty"),
            pytest.param(b"layer { type: 'Input' }\n", "cannot be read as an ONNX model", id="prototxt"),
            pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(100), "cannot be read as an ONNX model", id="HDF5"),
            pytest.param(LENET.read_bytes()[:100_000], "cannot be read as an ONNX model", id="truncated"),
            pytest.param(onnx.ModelProto(ir_version=8).SerializeToString(), "it holds no graph", id="no graph"),
            pytest.param(model([], IMAGE).SerializeToString(), "it holds no graph", id="no nodes"),
        ],
    )
    def test_content(self, content, reason, tmp_path):
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        with pytest.raises(NotAModelError, match=reason) as caught:
            load_onnx(path)
        assert caught.value.path == str(path)
        assert caught.value.__context__ is None or caught.value.__suppress_context__

    def test_a_name_too_long_for_the_file_system(self, tmp_path):
        with pytest.raises(NotAModelError):
            load_onnx(tmp_path / ("a" * 5000))

    @pytest.mark.parametrize("opset", [1, 6, 29, 10**6])
    def test_opset(self, opset, tmp_path):
        proto = relu(["N", 3])
        proto.opset_import[0].version = opset
        assert f"it uses opset {opset}; 7 to 28 are read" in refused(proto, tmp_path).reason

    def test_no_opset(self, tmp_path):
        proto = relu(["N", 3])
        del proto.opset_import[:]
        assert "opset 1" in refused(proto, tmp_path).reason

    def test_a_name_that_is_not_text(self, tmp_path):
        content = relu(["N", 3]).SerializeToString().replace(b"Relu", b"R\xff\xfeu")
        path = tmp_path / "model.onnx"
        path.write_bytes(content)
        with pytest.raises(NotAModelError, match="damaged"):
            load_onnx(path)


def with_data_in(location, place):
    """A Conv whose weight, an initializer or a Constant's attribute, lies in a file."""
    proto = model(op("Conv", "x w"), IMAGE, constants=W)
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    if place == "attribute":
        proto.graph.node.insert(0, node("Constant", "", "w", value=tensor))
        del proto.graph.initializer[:]
    return proto


class TestData:
    def test_initializer_with_too_few_bytes(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        proto.graph.initializer[0].raw_data = b"\0\0\0"
        assert "initializer 'w' is damaged" in refused(proto, tmp_path).reason

    def test_initializer_of_a_negative_size(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        proto.graph.initializer[0].dims[0] = -1
        assert "initializer 'w' is damaged" in refused(proto, tmp_path).reason

    def test_initializer_of_no_type(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        proto.graph.initializer[0].data_type = 99
        assert "initializer 'w' is damaged" in refused(proto, tmp_path).reason

    def test_a_tensor_that_is_there_twice(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        proto.graph.initializer.append(proto.graph.initializer[0])
        assert "initializer 'w' is there 2 times" in refused(proto, tmp_path).reason
        proto = relu(["N", 3])
        proto.graph.input.append(proto.graph.input[0])
        assert "input 'x' is there 2 times" in refused(proto, tmp_path).reason

    @pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf])
    def test_a_scale_of_a_constant(self, scale, tmp_path):
        nodes = [*CODED, node("Add", "x q", "y")]
        with pytest.raises(BadScaleError, match=r"tensor 's': scale .* finite and greater than 0"):
            loaded(model(nodes, ROWS, constants=CODES | {"s": np.float32(scale)}), tmp_path)

    def test_constant_with_too_few_bytes(self, tmp_path):
        tensor = numpy_helper.from_array(W["w"])
        tensor.raw_data = tensor.raw_data[:-1]
        proto = model([node("Constant", "", "w", value=tensor), node("Conv", "x w", "y", "c")], IMAGE)
        assert "attribute 'value' of node 'w' is damaged" in refused(proto, tmp_path).reason

    def test_sparse_initializer(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        proto.graph.sparse_initializer.add()
        assert "sparse" in refused(proto, tmp_path).reason

    @pytest.mark.parametrize("location", ["../outside.bin", "/etc/passwd", "link.bin", "sub/outside.bin", "a/../../b"])
    @pytest.mark.parametrize("place", ["initializer", "attribute"])
    def test_external_data_outside_the_folder(self, place, location, tmp_path):
        (tmp_path / "outside.bin").write_bytes(W["w"].tobytes())
        folder = tmp_path / "inside"
        folder.mkdir()
        (folder / "link.bin").symlink_to(tmp_path / "outside.bin")
        (folder / "sub").symlink_to(tmp_path)
        error = refused(with_data_in(location, place), folder)
        assert isinstance(error, OutsideDataError)
        assert (error.tensor, error.location) == ("w", location)
        assert "only files in that folder are read" in error.reason

    @pytest.mark.parametrize("location", ["missing.bin", "", "."])
    def test_external_data_that_is_not_there(self, location, tmp_path):
        assert not isinstance(refused(with_data_in(location, "initializer"), tmp_path), OutsideDataError)

    @pytest.mark.parametrize(
        ("key", "value", "reason"),
        [
            ("offset", "1000", "exceeds file size"),
            ("offset", "-5", "non-negative"),
            ("offset", "five", "invalid literal"),
            ("length", "1000", "exceeds available data"),
            ("length", "-1", "non-negative"),
            ("length", "8", "is damaged"),
        ],
    )
    def test_external_data_beyond_its_file(self, key, value, reason, tmp_path):
        (tmp_path / "w.bin").write_bytes(W["w"].tobytes())
        proto = with_data_in("w.bin", "initializer")
        proto.graph.initializer[0].external_data.add(key=key, value=value)
        found = refused(proto, tmp_path).reason
        assert reason in found
        assert "tensor 'w'" in found or "initializer 'w'" in found

    def test_external_data_beside_the_model_is_read(self, tmp_path):
        proto = model(op("Conv", "x w"), IMAGE, constants=W)
        onnx.save(proto, tmp_path / "m.onnx", save_as_external_data=True, location="m.bin", size_threshold=0)
        assert np.array_equal(load_onnx(tmp_path / "m.onnx").constants["w"], W["w"])


class TestPairs:
    """QDQ around what no file of an exporter holds."""

    @pytest.mark.parametrize("bound", [np.float32([0, 1]), np.float32([])])
    def test_a_clip_of_bounds_that_are_no_number(self, bound, tmp_path):
        nodes = [
            node("Clip", "x low", "c"),
            node("QuantizeLinear", "c s z", "q"),
            node("DequantizeLinear", "q s z", "y"),
        ]
        constants = {"low": bound, "s": np.float32(0.5), "z": np.uint8(0)}
        with pytest.raises(UnsupportedOperatorError, match="operator Clip: the minimum"):
            loaded(model(nodes, ROWS, constants=constants), tmp_path)

    def test_no_zero_point(self, tmp_path):
        nodes = [node("Relu", "x", "c"), node("QuantizeLinear", "c s z", "q"), node("DequantizeLinear", "q s z", "y")]
        with pytest.raises(UnsupportedOperatorError, match=r"zero point is uint8\[0\] beside 1 scales"):
            loaded(model(nodes, ROWS, constants={"s": np.float32(0.5), "z": np.uint8([])}), tmp_path)


class TestInputs:
    @pytest.mark.parametrize(
        ("shape", "axis", "spelled"),
        [
            (["N", 3, "height", 28], 2, "'height'"),
            (["N", 3, 28, None], 3, "0"),
            (["N", None], 1, "0"),
            ([1, 0, 4], 1, "0"),
            ([1, -1, 4], 1, "-1"),
            (["N", "C", "H", "W"], 1, "'C'"),
        ],
    )
    def test_unknown_dimensions(self, shape, axis, spelled, tmp_path):
        reason = refused(relu(shape), tmp_path).reason
        assert reason.startswith(f"dimension {axis} of input 'x' is unknown ({spelled}); only dimension 0, the batch")
        assert "export the model with a fixed size" in reason

    @pytest.mark.parametrize("batch", ["N", None, 0, -1, 1, 8])
    def test_the_batch_may_be_unknown_or_fixed_and_is_1(self, batch, tmp_path):
        graph = loaded(relu([batch, 3, 4, 4]), tmp_path)
        assert [graph.tensors[name].shape for name in "xy"] == [(1, 3, 4, 4)] * 2

    @pytest.mark.parametrize("shape", [None, []])
    def test_no_shape(self, shape, tmp_path):
        assert "input 'x' has no shape" in refused(relu(shape), tmp_path).reason

    @pytest.mark.parametrize("kind", [TensorProto.INT64, TensorProto.UINT8, TensorProto.STRING, TensorProto.UNDEFINED])
    def test_no_float_tensor(self, kind, tmp_path):
        assert "input 'x' is no float tensor" in refused(relu(["N", 3], kind), tmp_path).reason

    def test_no_tensor(self, tmp_path):
        proto = relu(["N", 3])
        sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, ["N", 3]))
        proto.graph.input[0].type.CopyFrom(sequence)
        assert "input 'x' is no float tensor" in refused(proto, tmp_path).reason

    def test_different_batches(self, tmp_path):
        proto = model(op("Add", "x z"), {"x": [2, 3], "z": [1, 3]})
        graph = loaded(proto, tmp_path)
        assert [graph.tensors[name].shape for name in "xzy"] == [(1, 2, 3), (1, 1, 3), (1, 2, 3)]


class TestOperators:
    def test_unknown(self, tmp_path):
        nodes = [node("Relu", "x", "a"), node("Mish", "a", "b", "activation"), node("LSTM", "b", "y")]
        with pytest.raises(UnsupportedOperatorError) as caught:
            loaded(model(nodes, ROWS), tmp_path)
        assert (caught.value.operator, caught.value.node, caught.value.supported) == ("Mish", "activation", SUPPORTED)
        assert "node 'activation', operator Mish: it is not supported; neither are LSTM" in str(caught.value)
        assert "Supported: Add, AveragePool, BatchNormalization" in str(caught.value)

    def test_an_operator_of_a_later_opset(self, tmp_path):
        with pytest.raises(UnsupportedOperatorError, match="operator Gelu: opset 13 has no such operator"):
            loaded(model(op("Gelu", "x"), ROWS), tmp_path)

    def test_unknown_domain(self, tmp_path):
        proto = model(op("Relu", "x", domain="com.example"), ROWS)
        with pytest.raises(UnsupportedOperatorError, match=r"node 'y', operator com\.example\.Relu"):
            loaded(proto, tmp_path)

    def test_own_domain_spelled_out(self, tmp_path):
        loaded(model(op("Relu", "x", domain="ai.onnx"), ROWS), tmp_path)

    @pytest.mark.parametrize(
        ("operator", "domain"),
        [
            ("QAttention", "com.microsoft"),
            ("QLinearWhere", "com.microsoft"),
            ("DynamicQuantizeLSTM", "com.microsoft"),
        ],
    )
    def test_quantized(self, operator, domain, tmp_path):
        nodes = [node("Relu", "x", "t"), node(operator, "t", "y", "q", domain=domain)]
        with pytest.raises(UnsupportedOperatorError, match=r"it is not supported") as caught:
            loaded(model(nodes, ROWS), tmp_path)
        assert caught.value.node == "q"
        assert operator in caught.value.operator
        assert {"QLinearConv", "com.microsoft.QGemm"} <= set(caught.value.supported)


INDICES = node("MaxPool", "x", "y i", kernel_shape=[2, 2])
TEXT = node("Constant", "", "c", value_string="a")
FORMS = [
    ("Conv over volumes", op("Conv", "x w"), {"x": ["N", 4, 9, 9, 9]}, W, r"only \[N, C, W\] and \[N, C, H, W\]"),
    ("Conv weight computed", op("Conv", "x z"), {**IMAGE, "z": ["N", 4, 3, 3]}, {}, "must be a constant"),
    ("Conv weight missing", op("Conv", "x"), IMAGE, {}, "input 1 is missing"),
    ("Conv without input", op("Conv", ""), IMAGE, {}, "input 0 is missing"),
    ("Conv of a constant", op("Conv", "w w"), IMAGE, W, "is a constant; an activation is needed"),
    ("Conv weight integer", op("Conv", "x w"), IMAGE, {"w": np.ones((3, 4, 3, 3), np.int64)}, "int64"),
    ("Conv weight empty", op("Conv", "x w"), IMAGE, {"w": real(0, 4, 3, 3)}, "float values are needed"),
    ("Conv auto_pad", op("Conv", "x w", auto_pad="SAME"), IMAGE, W, "auto_pad is 'SAME'; NOTSET, VALID"),
    ("Conv strides", op("Conv", "x w", strides=[1, 1, 1]), IMAGE, W, "2 integers are needed"),
    ("Conv strides float", op("Conv", "x w", strides=[1.0, 1.0]), IMAGE, W, "2 integers are needed"),
    ("Conv group text", op("Conv", "x w", group="2"), IMAGE, W, "an integer is needed"),
    ("Gemm transA", op("Gemm", "x b", transA=1), ROWS, B, "transA 1 turns the batch"),
    ("Gemm of activations", op("Gemm", "x z"), {**ROWS, "z": ["N", 5]}, {}, "must be a constant"),
    ("Gemm C by rows", op("Gemm", "x b c"), {"x": [4, 5]}, {**B, "c": real(2, 3)}, "differs from sample to sample"),
    ("Gemm C computed", op("Gemm", "x b x"), ROWS, B, "must be a constant"),
    ("Gemm alpha", op("Gemm", "x b", alpha=1), ROWS, B, "a float is needed"),
    ("MatMul vector", op("MatMul", "x b"), ROWS, {"b": real(5)}, "only a matrix is read"),
    ("MatMul stack", op("MatMul", "x b"), ROWS, {"b": real(2, 5, 3)}, "only a matrix is read"),
    ("MatMul constant left", op("MatMul", "b x"), ROWS, B, "is a constant; an activation is needed"),
    ("Add to samples", op("Add", "x c"), {"x": [4, 5]}, {"c": real(3, 5)}, "differs from sample to sample"),
    ("Gelu", op("Gelu", "x", approximate="sigmoid"), ROWS, {}, "none and tanh are read"),
    ("Cast", op("Cast", "x", to=TensorProto.INT64), ROWS, {}, "only constants are cast"),
    ("Where", op("Where", "x x x"), ROWS, {}, "must be a constant"),
    ("Expand", op("Expand", "c s"), ROWS, {"c": real(1), "s": np.array([1 << 20, 1 << 20])}, "268,435,504 are left"),
    ("Constants", op("Mul", "c s"), ROWS, {"c": real(3), "s": real(2)}, "has an unknown size"),
    ("Resize by one number", op("Resize", "x - s"), IMAGE, {"s": np.float32(2)}, r"the scales has the shape \[\]"),
    ("Slice of nothing", op("Slice", "x s s a"), ROWS, {"s": np.array([1]), "a": np.array([1])}, "is empty"),
    ("Gather", op("Gather", "x i", axis=1), {"x": ["N", 200]}, {"i": np.arange(200) ** 2 % 199}, "pieces; 64 are"),
    ("Resize mode", op("Resize", "x - s", mode="area"), IMAGE, S, "mode is 'area'"),
    ("Resize cubic", op("Resize", "x - s", mode="cubic", cubic_coeff_a=0.5), IMAGE, S, "cubic_coeff_a is 0.5; -1 .. 0"),
    ("Resize channels", op("Resize", "x - s"), IMAGE, {"s": np.float32([1, 2, 2, 2])}, "only height and width"),
    ("Resize infinitely", op("Resize", "x - s"), IMAGE, {"s": np.float32([1, 1, 2, np.inf])}, "by positive scales"),
    ("Resize far", op("Resize", "x - s"), IMAGE, {"s": np.float32([1, 1, 2, 1e9])}, "below 65,536"),
    ("Resize where", op("Resize", "x - s", coordinate_transformation_mode="half"), IMAGE, S, "mode is 'half'"),
    (
        "Resize policy",
        op("Resize", "x - - t", keep_aspect_ratio_policy="not_larger"),
        {"x": [1, 4, 7, 6]},
        T,
        "scales axes other than height and width",
    ),
    ("Resize crop, scales", op("Resize", "x r s", mode="linear", **CROP), IMAGE, {**S, **R}, "with sizes alone"),
    ("Resize crop nearest", op("Resize", "x r - t", **CROP), {"x": [1, 4, 7, 6]}, {**R, **T}, "mode is 'nearest'"),
    (
        "Resize crop, channels",
        op("Resize", "x r - t", mode="linear", **CROP),
        {"x": [1, 4, 7, 6]},
        {"r": np.float32([0, 0.5, 0, 0, 1, 1, 1, 1]), **T},
        "only parts of height and width",
    ),
    ("MaxPool kernel_shape", op("MaxPool", "x"), IMAGE, {}, "attribute kernel_shape is missing"),
    (
        "MaxPool VALID ceil_mode",
        op("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, auto_pad="VALID"),
        IMAGE,
        {},
        "has two meanings; write pads instead",
    ),
    ("MaxPool indices", [INDICES, node("Relu", "i", "z")], IMAGE, {}, "its output 'i' is used"),
    ("AveragePool dilations", op("AveragePool", "x", kernel_shape=[2, 2], dilations=[1, 2]), IMAGE, {}, r"\[1, 2\]"),
    ("GlobalAveragePool of rows", op("GlobalAveragePool", "x"), ROWS, {}, r"only \[N, C, W\]"),
    ("Clip bound computed", op("Clip", "x x"), ROWS, {}, "must be a constant"),
    ("Clip bound a vector", op("Clip", "x c"), ROWS, {"c": real(5)}, "one value is needed"),
    ("Concat of a constant", op("Concat", "x c", axis=1), ROWS, {"c": real(1, 5)}, "is a constant"),
    ("Concat axis missing", op("Concat", "x x"), ROWS, {}, "attribute axis is missing"),
    ("Concat of nothing", op("Concat", "", axis=1), ROWS, {}, "input 0 is missing"),
    ("Reshape computed", op("Reshape", "x x"), ROWS, {}, "must be a constant"),
    ("Reshape float", op("Reshape", "x c"), ROWS, {"c": real(2)}, "a vector of integers is needed"),
    ("Reshape batch", op("Reshape", "x s"), ROWS, {"s": np.array([2, -1])}, "axis 0 must stay the batch"),
    ("Reshape scalar", op("Reshape", "x s"), ROWS, {"s": np.array([], np.int64)}, "axis 0 must stay"),
    ("Reshape allowzero", op("Reshape", "x s", allowzero=1), ROWS, {"s": np.array([0, 5])}, "allowzero"),
    ("Pad reflect", op("Pad", "x p", mode="reflect"), ROWS, {"p": np.array([0, 1, 0, 1])}, "mode is 'reflect'"),
    ("Pad negative", op("Pad", "x p"), ROWS, {"p": np.array([0, 1, 0, -1])}, "negative pads, which cut"),
    (
        "BatchNormalization trains",
        op("BatchNormalization", "x g g g g", training_mode=1),
        ROWS,
        {"g": real(5)},
        "export the model for inference",
    ),
    ("Dropout trains", op("Dropout", "x - t"), ROWS, {"t": np.array(True)}, "training_mode is on"),
    ("Dropout mask", [node("Dropout", "x", "t m"), node("Relu", "m", "y")], ROWS, {}, "its output 'm' is used"),
    ("Constant text", [TEXT, node("Relu", "x", "y")], ROWS, {}, "no dense tensor"),
    ("Identity of nothing", op("Identity", ""), ROWS, {}, "input 0 is missing"),
]


@pytest.mark.parametrize(("nodes", "inputs", "constants", "reason"), named(FORMS))
def test_forms(nodes, inputs, constants, reason, tmp_path):
    nodes[0].name = "here"
    with pytest.raises(UnsupportedOperatorError, match=reason) as caught:
        loaded(model(nodes, inputs, constants=constants, opset=22), tmp_path)
    assert caught.value.operator == nodes[0].op_type
    assert caught.value.node == "here"
    assert str(caught.value).startswith(f"node 'here', operator {nodes[0].op_type}: ")


OLD_FORMS = [
    ("Softmax of an image", node("Softmax", "x", "y", axis=1), IMAGE, 12, "axis 1 means all axes from there"),
    ("Pad negative", node("Pad", "x", "y", pads=[0, -1, 0, 1]), ROWS, 10, "negative pads, which cut"),
    ("Clip attributes at 11", node("Clip", "x", "y", min=0.0), ROWS, 11, "Clip of opset 11 has no attribute 'min'"),
    ("Clip inputs at 10", node("Clip", "x g", "y"), ROWS, 10, "it has 2 inputs; Clip of opset 10 has 1 at most"),
    ("Relu attribute", node("Relu", "x", "y", alpha=0.5), ROWS, 13, "no attribute 'alpha'; it has none"),
    ("BatchNormalization spatial", node("BatchNormalization", "x g g g g", "y", spatial=0), ROWS, 8, "spatial 0"),
]


@pytest.mark.parametrize(("call", "inputs", "opset", "reason"), named(OLD_FORMS))
def test_forms_of_old_opsets(call, inputs, opset, reason, tmp_path):
    with pytest.raises(UnsupportedOperatorError, match=reason) as caught:
        loaded(model([call], inputs, constants={"g": real(5)}, opset=opset), tmp_path)
    assert caught.value.node == "y"


CODED = [node("QuantizeLinear", "c s", "p"), node("DequantizeLinear", "p s", "q")]
CODES, NAN = {"s": np.float32(0.5), "c": np.float32([1, 2, 3, 4, 5])}, np.float32([1, 2, np.nan, 4, 5])

MISFITS = [
    ("Conv channels", op("Conv", "x w"), IMAGE, {"w": real(3, 5, 3, 3)}, "the weight expects 5"),
    ("Conv weight", op("Conv", "x w"), IMAGE, {"w": real(3, 4, 3)}, r"\[O, C / group, kh, kw\] is needed"),
    ("Conv kernel_shape", op("Conv", "x w", kernel_shape=[5, 5]), IMAGE, W, r"kernel_shape is \[5, 5\]"),
    ("Conv bias", op("Conv", "x w c"), IMAGE, {**W, "c": real(4)}, r"\[3\] is needed"),
    ("Conv group", op("Conv", "x w", group=0), IMAGE, W, "do not split into 0 groups"),
    ("Conv pads", op("Conv", "x w", pads=[0, 0, -1, 0]), IMAGE, W, "must not be negative"),
    ("Conv strides", op("Conv", "x w", strides=[0, 1]), IMAGE, W, "no value may be below 1"),
    ("Conv window", op("Conv", "x w"), {"x": ["N", 4, 2, 2]}, W, "does not fit"),
    ("Gemm columns", op("Gemm", "x b", transB=1), ROWS, B, "the weight expects 3"),
    ("Gemm of an image", op("Gemm", "x b"), IMAGE, B, "two matrices are needed"),
    ("MatMul rows", op("MatMul", "x b"), ROWS, {"b": real(4, 3)}, "the weight expects 4"),
    ("MaxPool pads", op("MaxPool", "x", kernel_shape=[2, 2], pads=[2, 0, 0, 0]), IMAGE, {}, "beyond the window"),
    ("Add shapes", op("Add", "x c"), ROWS, {"c": real(4)}, "the shapes must be equal, or 1"),
    ("Split sizes", op("Split", "x s", axis=1), ROWS, {"s": np.array([5, 1])}, "do not make 5"),
    ("Squeeze", op("Squeeze", "x s"), ROWS, {"s": np.array([1])}, "not all of size 1"),
    ("Unsqueeze", op("Unsqueeze", "x s"), ROWS, {"s": np.array([1, -3])}, "one axis twice"),
    ("Gather", op("Gather", "x s", axis=1), ROWS, {"s": np.array([5])}, "not integers in -5 .. 4"),
    ("Gather text", op("Gather", "x s", axis=1), ROWS, {"s": np.array(["a"])}, "not integers in -5 .. 4"),
    ("Slice nowhere", op("Slice", "x s s s"), ROWS, {"s": np.array([-3])}, "axis is -3; the tensor has 2 axes"),
    ("Codes of NaN", [*CODED, node("Add", "x q", "y")], ROWS, CODES | {"c": NAN}, "'c', holds NaN"),
    ("Concat axis", op("Concat", "x x", axis=2), ROWS, {}, "axis is 2; the tensor has 2"),
    ("Concat shapes", op("Concat", "x z", axis=1), {**IMAGE, "z": ["N", 4, 6, 5]}, {}, "differ in more than axis 1"),
    ("Concat ranks", op("Concat", "x z", axis=2), {**LINES, "z": ["N", 5]}, {}, "differ in more than axis 2"),
    ("Reshape size", op("Reshape", "x s"), ROWS, {"s": np.array([0, 6])}, r"\[6\] does not fit \[5\]"),
    ("Reshape rest", op("Reshape", "x s"), IMAGE, {"s": np.array([0, -1, 5])}, "does not fit"),
    ("Reshape twice -1", op("Reshape", "x s"), IMAGE, {"s": np.array([0, -1, -1])}, "does not fit"),
    ("Reshape -2", op("Reshape", "x s"), IMAGE, {"s": np.array([0, -2, -72])}, "does not fit"),
    ("Reshape copies too much", op("Reshape", "x s"), ROWS, {"s": np.array([0, 5, 0])}, "does not have"),
    ("Transpose rank", op("Transpose", "x", perm=[0, 2, 1]), ROWS, {}, "no order of the axes"),
    ("Pad too few", op("Pad", "x p"), ROWS, {"p": np.array([1, 0, 0])}, "do not fit a tensor with 2 axes"),
    (
        "Resize roi",
        op("Resize", "x s - t", mode="linear", **CROP),
        {"x": [1, 4, 6, 6]},
        {**S, **T},
        r"roi \[1.0, 1.0\] are not one",
    ),
    ("Variance", op("BatchNormalization", "x g g g v"), ROWS, {"g": real(5), "v": np.float32([-1] * 5)}, "positive"),
    ("Variance NaN", op("BatchNormalization", "x v v v v"), ROWS, {"v": np.float32([np.nan] * 5)}, "positive"),
    ("Variances", op("BatchNormalization", "x g g g v"), ROWS, {"g": real(5), "v": np.float32([1] * 4)}, "variance is"),
]


@pytest.mark.parametrize(("nodes", "inputs", "constants", "reason"), named(MISFITS))
def test_shapes_that_do_not_fit(nodes, inputs, constants, reason, tmp_path):
    nodes[0].name = "here"
    with pytest.raises(LayerError, match=reason) as caught:
        loaded(model(nodes, inputs, constants=constants), tmp_path)
    assert caught.value.layer == "here"
    assert str(caught.value).startswith("layer 'here': ")


@pytest.mark.parametrize("axes", [[5], [1, 1], [1, 2, 3]])
def test_pad_axes_that_do_not_fit(axes, tmp_path):
    constants = {"p": np.array([1, 0, 0, 1]), "axes": np.array(axes)}
    with pytest.raises(LayerError, match="layer 'y': "):
        loaded(model(op("Pad", "x p - axes"), ROWS, constants=constants, opset=18), tmp_path)


def test_float64_beyond_float32(tmp_path):
    with pytest.raises(UnsupportedOperatorError, match=r"node 'y', operator MatMul: .* beyond the range of float32"):
        loaded(model(op("MatMul", "x b"), ROWS, constants={"b": np.full((5, 3), 1e300)}), tmp_path)


WORK = [
    [node("MatMul", "a a", "b", "m")],
    [node("Add", "c c", "b0", "n0"), *(node("Add", f"b{i} c", f"b{i + 1}", f"n{i + 1}") for i in range(999))],
]


@pytest.mark.parametrize("nodes", WORK, ids=["one product", "many sums"])
def test_constants_that_take_too_long(nodes, tmp_path, monkeypatch):
    """The product would be of 2**33 operations; the sums are of one value each, and the limit is lowered."""
    monkeypatch.setattr("int8sim.importers.onnx_constants.MOST", 1 << 23 if len(nodes) > 1 else 1 << 31)
    shape = node("ConstantOfShape", "s", "a")
    constants = {"s": np.array([2048, 2048]), "c": np.float32(1)}
    with pytest.raises(UnsupportedOperatorError, match=r"node '(m|n\d+)'.* takes over .* operations up to here"):
        loaded(model([shape, *nodes, node("Relu", "x", "y")], ROWS, constants=constants), tmp_path)


GRAPHS = [
    ("nothing gives it", [node("Relu", "z", "y", "r")], "node 'r' reads 'z', which no input"),
    ("out of order", [node("Relu", "t", "y", "r"), node("Relu", "x", "t")], "node 'r' reads 't', which no input"),
    ("a cycle", [node("Add", "x t", "y", "r"), node("Relu", "y", "t")], "node 'r' reads 't', which no input"),
    ("a node of its own", [node("Identity", "y", "y", "r")], "node 'r' reads 'y', which no input"),
    ("weight from nowhere", [node("Conv", "x v", "y", "r")], "node 'r' reads 'v', which no input"),
    ("two producers", [node("Relu", "x", "y"), node("Relu", "x", "y", "r")], "tensor 'y' has two producers.* node 'r'"),
    ("an input produced", [node("Relu", "x", "x", "r")], "tensor 'x' has two producers.* node 'r'"),
    ("no such output", [node("Relu", "x", "t")], "tensor 'y' is an output that nothing produces"),
    ("a constant output", op("Identity", "w"), "tensor 'y' is an output that nothing produces"),
]


@pytest.mark.parametrize(("nodes", "reason"), named(GRAPHS))
def test_graphs_that_are_not_whole(nodes, reason, tmp_path):
    with pytest.raises(GraphError, match=reason):
        loaded(model(nodes, IMAGE, constants=W), tmp_path)


def test_all_are_int8sim_errors():
    classes = NotAModelError, UnsupportedOperatorError, LayerError, GraphError
    assert all(issubclass(each, Int8SimError) for each in classes)
