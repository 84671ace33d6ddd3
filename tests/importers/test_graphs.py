"""What the graph looks like: names, constants, aliases, layouts, and that declared shapes are not believed."""

from __future__ import annotations

from importlib.util import find_spec

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from int8sim.graph.run import run
from int8sim.importers.onnx import load_onnx

from .onnx_models import LENET, by_int8sim, by_reference, by_runtime, feeds, loaded, model, node, real

IMAGE = {"x": ["N", 4, 6, 6]}
ROWS = {"x": ["N", 5]}


def layers(graph):
    return [(layer.name, layer.op.name, layer.inputs, layer.output) for layer in graph.layers]


class TestNames:
    def test_of_layers(self, tmp_path):
        nodes = [
            node("Relu", "x", "a", "first"),
            node("Relu", "a", "b"),
            node("Relu", "b", "c", "twice"),
            node("Relu", "c", "d", "twice"),
            node("Relu", "d", "first"),
            node("Relu", "first", "y", "d"),
        ]
        names = [layer.name for layer in loaded(model(nodes, ROWS), tmp_path).layers]
        assert names == ["first", "b", "c", "d_", "first_", "d"]

    def test_of_tensors(self, tmp_path):
        nodes = [node("Relu", "x", "strange/name:0^1/ü", "n"), node("Relu", "strange/name:0^1/ü", "y")]
        graph = loaded(model(nodes, ROWS), tmp_path)
        assert graph.activations() == ("x", "strange/name:0^1/ü", "y")

    def test_of_the_graph(self, tmp_path):
        proto = model([node("Relu", "x", "y")], ROWS)
        assert loaded(proto, tmp_path).name == "small"
        proto.graph.name = ""
        assert loaded(proto, tmp_path).name == "model"

    def test_of_several_inputs_and_outputs(self, tmp_path):
        nodes = [node("Relu", "x", "a"), node("Relu", "z", "b"), node("Add", "a b", "y")]
        graph = loaded(model(nodes, {"x": ["N", 5], "z": ["M", 5], "unused": ["N", 7]}, ("y", "a")), tmp_path)
        assert (graph.inputs, graph.outputs) == (("x", "z", "unused"), ("y", "a"))


class TestAliases:
    def test_make_no_layers(self, tmp_path):
        nodes = [
            node("Identity", "x", "a"),
            node("Relu", "a", "b", "r"),
            node("Dropout", "b", "c"),
            node("Identity", "c", "d"),
            node("Add", "d b", "y", "s"),
        ]
        graph = loaded(model(nodes, ROWS), tmp_path)
        assert layers(graph) == [("r", "relu", ("x",), "b"), ("s", "add", ("b", "b"), "y")]

    def test_an_output_keeps_its_name(self, tmp_path):
        nodes = [node("Relu", "x", "a", "r"), node("Relu", "a", "b", "s"), node("Identity", "a", "y")]
        graph = loaded(model(nodes, ROWS, ("y", "b")), tmp_path)
        assert graph.outputs == ("y", "b")
        assert layers(graph) == [("r", "relu", ("x",), "y"), ("s", "relu", ("y",), "b")]

    def test_outputs_that_are_one_tensor_become_one(self, tmp_path):
        nodes = [node("Relu", "x", "a"), node("Identity", "a", "y"), node("Identity", "x", "z")]
        assert loaded(model(nodes, ROWS, ("a", "y", "z")), tmp_path).outputs == ("a", "x")


class TestConstants:
    def test_keep_their_names_where_nothing_is_changed(self, tmp_path):
        constants = {"w": real(3, 4, 6, 6), "b": real(3), "f": real(2, 3), "c": real(2)}
        nodes = [node("Conv", "x w b", "t"), node("Flatten", "t", "u"), node("Gemm", "u f c", "y", transB=1)]
        graph = loaded(model(nodes, IMAGE, constants=constants), tmp_path)
        assert list(graph.constants) == ["w", "b", "f", "c"]
        assert all(np.array_equal(graph.constants[name], values) for name, values in constants.items())

    def test_have_the_layers_name_where_something_is(self, tmp_path):
        constants = {"f": real(5, 2), "c": real(1, 2), "second_bias": real(2, 3), "one": real(3)}
        nodes = [
            node("Gemm", "x f c", "t", "first", alpha=0.5, beta=2.0),
            node("MatMul", "t second_bias", "u", "second"),
            node("Add", "u one", "y"),
        ]
        graph = loaded(model(nodes, ROWS, constants=constants), tmp_path)
        assert layers(graph) == [
            ("first", "fully_connected", ("x", "first_weight", "first_bias"), "t"),
            ("second", "fully_connected", ("t", "second_weight", "second_bias_"), "y"),
        ]
        assert np.array_equal(graph.constants["first_weight"], constants["f"].T * np.float32(0.5))
        assert np.array_equal(graph.constants["first_bias"], constants["c"][0] * np.float32(2))
        assert np.array_equal(graph.constants["second_weight"], constants["second_bias"].T)
        assert np.array_equal(graph.constants["second_bias_"], constants["one"])

    def test_may_be_listed_as_inputs_and_be_shared(self, tmp_path):
        nodes = [node("Conv", "x w", "t", pads=[1] * 4), node("Conv", "t w", "y", pads=[1] * 4)]
        proto = model(nodes, {**IMAGE, "w": [4, 4, 3, 3]}, constants={"w": real(4, 4, 3, 3)})
        graph = loaded(proto, tmp_path)
        assert (graph.inputs, list(graph.constants)) == (("x",), ["w"])

    @pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float64])
    def test_become_float32(self, dtype, tmp_path):
        weight = real(5, 3).astype(dtype)
        rounded = np.nextafter(np.float64(1), 2) if dtype is np.float64 else 1
        weight[0, 0] = rounded
        graph = loaded(model([node("Gemm", "x w", "y")], ROWS, constants={"w": weight}), tmp_path)
        found = graph.constants["y_weight"]
        assert found.dtype == np.float32
        assert np.array_equal(found, weight.T.astype(np.float32))
        assert found[0, 0] == 1

    def test_infinite_float64_stays_infinite(self, tmp_path):
        weight = np.full((5, 3), -np.inf)
        graph = loaded(model([node("MatMul", "x w", "y")], ROWS, constants={"w": weight}), tmp_path)
        assert np.all(graph.constants["y_weight"] == -np.inf)

    def test_a_model_in_float64_is_run_in_float32(self, tmp_path):
        nodes = [node("MatMul", "x w", "t"), node("Relu", "t", "y")]
        proto = model(nodes, ROWS, constants={"w": real(5, 3).astype(np.float64)}, kind=TensorProto.DOUBLE)
        graph = loaded(proto, tmp_path)
        values = feeds(proto)
        assert {kind.dtype for kind in graph.tensors.values()} == {"float32"}
        assert values["x"].dtype == np.float64
        expected = by_reference(proto, values)["y"]
        np.testing.assert_allclose(by_int8sim(graph, values)["y"], expected, rtol=1e-5, atol=1e-6)


class TestBiases:
    """Add of a constant behind a layer: to the last bit what a bias gives."""

    @pytest.mark.parametrize(("layer", "shape", "weight", "c"), [
        ("Conv", IMAGE, real(3, 4, 3, 3), real(3, 1, 1)),
        ("MatMul", ROWS, real(5, 3), real(3)),
    ])  # fmt: skip
    def test_becomes_the_bias(self, layer, shape, weight, c, tmp_path):
        nodes = [node(layer, "x w", "t", "l"), node("Add", "c t", "y", "a")]
        graph = loaded(model(nodes, shape, constants={"w": weight, "c": c}), tmp_path)
        (only,) = graph.layers
        assert (only.name, only.output, only.inputs[2]) == ("l", "y", "l_bias")
        assert np.array_equal(graph.constants["l_bias"], c.reshape(-1))
        assert set(graph.tensors) == {"x", "y", *only.inputs[1:]}

    def test_one_value_for_all_channels(self, tmp_path):
        nodes = [node("Conv", "x w", "t"), node("Add", "t c", "y")]
        graph = loaded(model(nodes, IMAGE, constants={"w": real(3, 4, 3, 3), "c": np.float32(2)}), tmp_path)
        assert graph.constants["t_bias"].tolist() == [2, 2, 2]

    def test_the_sum_is_the_same_to_the_last_bit(self, tmp_path):
        nodes = [node("Conv", "x w", "t"), node("Add", "t c", "y")]
        constants = {"w": real(3, 4, 3, 3), "c": real(3, 1, 1, seed=8)}
        proto = model(nodes, IMAGE, constants=constants)
        values = feeds(proto)
        found = by_int8sim(loaded(proto, tmp_path), values)["y"]
        bare = loaded(model(nodes[:1], IMAGE, ("t",), constants), tmp_path)
        assert np.array_equal(found, by_int8sim(bare, values)["t"] + constants["c"])


class TestLayouts:
    def test_of_reshaped_images(self, tmp_path):
        nodes = [node("Reshape", "x s", "t"), node("MaxPool", "t", "y", kernel_shape=[2, 2])]
        graph = loaded(model(nodes, {"x": ["N", 144]}, constants={"s": np.array([-1, 4, 6, 6])}), tmp_path)
        assert [graph.tensors[name].layout for name in "xty"] == ["", "NCHW", "NCHW"]

    def test_of_inputs_that_only_transposes_to_nchw_read(self, tmp_path):
        first = node("Transpose", "x", "t", perm=[0, 3, 1, 2])
        graph = loaded(model([first, node("Relu", "t", "y")], {"x": ["N", 6, 6, 4]}), tmp_path)
        assert [(graph.tensors[name].shape, graph.tensors[name].layout) for name in "xty"] == [
            ((1, 6, 6, 4), "NHWC"),
            ((1, 4, 6, 6), "NCHW"),
            ((1, 4, 6, 6), "NCHW"),
        ]
        graph = loaded(model([first, node("Relu", "x", "y")], {"x": ["N", 6, 6, 4]}, ("y", "t")), tmp_path)
        assert [graph.tensors[name].layout for name in "xty"] == ["NCHW", "", "NCHW"]

    def test_nhwc_at_the_end(self, tmp_path):
        graph = loaded(model([node("Transpose", "x", "y", perm=[0, 2, 3, 1])], IMAGE), tmp_path)
        assert graph.tensors["y"].layout == "NHWC"

    @pytest.mark.parametrize("shape", [["N"], ["N", 2], ["N", 2, 3], ["N", 2, 3, 4, 5]])
    def test_other_ranks_have_none(self, shape, tmp_path):
        graph = loaded(model([node("Relu", "x", "y")], {"x": shape}), tmp_path)
        assert [graph.tensors[name].layout for name in "xy"] == ["", ""]


class TestPads:
    """auto_pad by the formula of ONNX's text; ONNX Runtime takes no dilations there, ONNX's evaluator no SAME_LOWER."""

    @pytest.mark.parametrize(
        ("operator", "mode", "size", "kernel", "strides", "dilations", "pads"),
        [
            ("Conv", "SAME_UPPER", (5, 6), (3, 2), (1, 1), (1, 1), (1, 0, 1, 1)),
            ("Conv", "SAME_LOWER", (5, 6), (3, 2), (1, 1), (1, 1), (1, 1, 1, 0)),
            ("Conv", "SAME_UPPER", (5, 6), (3, 3), (2, 2), (1, 1), (1, 0, 1, 1)),
            ("Conv", "SAME_LOWER", (5, 6), (3, 3), (2, 2), (1, 1), (1, 1, 1, 0)),
            ("MaxPool", "SAME_UPPER", (7, 7), (2, 2), (2, 2), (2, 2), (1, 1, 1, 1)),
            ("MaxPool", "SAME_LOWER", (7, 8), (2, 4), (1, 3), (3, 1), (2, 1, 1, 1)),
            ("AveragePool", "SAME_UPPER", (7, 9), (2, 1), (3, 4), (1, 1), (0, 0, 1, 0)),
            ("AveragePool", "VALID", (7, 9), (2, 2), (3, 3), (1, 1), (0, 0, 0, 0)),
        ],
    )
    def test_by_hand(self, operator, mode, size, kernel, strides, dilations, pads, tmp_path):
        window = {"strides": strides, "kernel_shape": kernel, "auto_pad": mode}
        window |= {} if operator == "AveragePool" else {"dilations": dilations}
        call = node(operator, "x w" if operator == "Conv" else "x", "y", **window)
        proto = model([call], {"x": ["N", 2, *size]}, constants={"w": real(3, 2, *kernel)}, opset=12)
        assert loaded(proto, tmp_path).layers[0].op.pads == pads

    def test_pads_beside_auto_pad_are_not_read(self, tmp_path):
        call = node("MaxPool", "x", "y", kernel_shape=[2, 2], auto_pad="VALID", pads=[1, 1, 1, 1])
        assert loaded(model([call], IMAGE), tmp_path).layers[0].op.pads == (0, 0, 0, 0)


class TestClip:
    @pytest.mark.parametrize("opset", [6 + 1, 10, 11, 28])
    def test_the_default_written_out_is_no_bound(self, opset, tmp_path):
        largest = float(np.finfo(np.float32).max)
        constants = {"low": np.float32(-largest), "high": np.float32(6)}
        call = node("Clip", "x", "y", min=-largest, max=6.0) if opset < 11 else node("Clip", "x low high", "y")
        op = loaded(model([call], ROWS, constants=constants, opset=opset), tmp_path).layers[0].op
        assert (op.minimum, op.maximum) == (-np.inf, 6.0)


def test_declared_shapes_are_not_believed(tmp_path):
    proto = onnx.load(LENET)
    for name in ("conv1", "pool2", "ip1", "flatten"):
        proto.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.INT8, [9, 9, "q"]))
    proto.graph.output[0].CopyFrom(helper.make_tensor_value_info("prob", TensorProto.STRING, [3]))
    path = tmp_path / "wrong.onnx"
    path.write_bytes(proto.SerializeToString())
    right, wrong = load_onnx(LENET), load_onnx(path)
    assert layers(wrong) == layers(right)
    assert wrong.tensors == right.tensors


def test_one_sample_of_a_model_with_a_fixed_batch(tmp_path):
    proto = model([node("Reshape", "x s", "y")], {"x": [4, 6]}, constants={"s": np.array([4, 2, 3])})
    graph = loaded(proto, tmp_path)
    values = real(2, 6)
    assert np.array_equal(run(graph, {"x": values})["y"], values.reshape(2, 2, 3))


@pytest.mark.engine
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
def test_a_renamed_output_holds_the_right_values(tmp_path):
    nodes = [node("Relu", "x", "a"), node("Softmax", "a", "b", axis=1), node("Identity", "a", "y")]
    proto = model(nodes, ROWS, ("y", "b"))
    values = feeds(proto)
    expected = by_runtime(proto, values)
    found = by_int8sim(loaded(proto, tmp_path), values)
    assert set(found) == set(expected)
    for name, each in expected.items():
        np.testing.assert_allclose(found[name], each, rtol=1e-6)
