"""QDQ models: where pairs stand, their scales' bits, and ONNX Runtime on them."""

from collections import Counter
from dataclasses import replace

import numpy as np
import onnx
import pytest
from exporter_networks import attention, digits, images, island, lenet, minmax, residual
from onnx import numpy_helper

import int8sim
from int8sim.calibration.run import calibrate
from int8sim.cli import recipe
from int8sim.exporters.onnx_qdq import export_qdq, qdq_model
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.graph.sharing import row_origins
from int8sim.lowering.lower import lower
from int8sim.model.errors import (
    BadScaleError,
    GraphError,
    MissingRangeError,
    NotExportableError,
    OutputNotWritableError,
)
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Op
from int8sim.ops.registry import op


@pytest.fixture(scope="module")
def calibrated_lenet():
    """The LeNet and its entropy2 table: scales that are nothing but the table's."""
    graph, inputs = lenet(), digits()
    return graph, calibrate(graph, [inputs["data"][i : i + 50] for i in range(0, 500, 50)])


def constants(model):
    return {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}


def pairs(model):
    """Tensor -> (scale, zero point, axis or None) of its pair; Q and DQ must agree."""
    values, found = constants(model), {}
    backs = {node.input[0]: node for node in model.graph.node if node.op_type == "DequantizeLinear"}
    for node in (each for each in model.graph.node if each.op_type == "QuantizeLinear"):
        back = backs[node.output[0]]
        assert list(back.input[1:]) == list(node.input[1:])
        axes = [[each.i for each in one.attribute if each.name == "axis"] for one in (node, back)]
        assert axes[0] == axes[1]
        assert node.input[0] not in found, "one pair per tensor"
        found[node.input[0]] = (*(values[name] for name in node.input[1:]), axes[0][0] if axes[0] else None)
    return found


def check(graph, table, model):
    """Scales are the table's to the bit, zero points int8 0; weights have one scale per output channel."""
    onnx.checker.check_model(model, full_check=True)
    values, found, origins = constants(model), pairs(model), row_origins(graph)
    for name, (scale, zero_point, axis) in found.items():
        assert zero_point.dtype == np.int8
        assert not zero_point.any()
        assert scale.dtype == np.float32
        if name in values:
            amax = np.abs(values[name]).reshape(len(values[name]), -1).max(1)
            assert axis == 0
            np.testing.assert_array_equal(
                scale, np.where(amax > 0, (amax.astype(np.float64) / 127), 1).astype(np.float32)
            )
        else:
            row = table[name if name in table else origins[name]]
            assert scale.tobytes() == np.float32(row.scale).tobytes(), name
    return {name for name in found if name not in values}, {name for name in found if name in values}


def test_pairs_of_the_lenet(calibrated_lenet):
    graph, table = calibrated_lenet
    model = qdq_model(graph, table)
    assert check(graph, table, model) == (
        {"data", "pool1", "flatten", "relu1"},
        {"conv1_w", "conv2_w", "ip1_w", "ip2_w"},
    )
    assert {entry.domain for entry in model.opset_import} == {""}
    weight = constants(model)["conv1_w"]
    np.testing.assert_array_equal(weight, graph.constants["conv1_w"])


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_pairs_of_a_residual_network(layout):
    """A sum of two ReLUs has pairs at both; of two products summed, the last has none."""
    graph = residual(1, layout)
    table = minmax(graph, images(graph, 1))
    activations, weights = check(graph, table, qdq_model(graph, table))
    assert activations == {"x", "stem", "left", "deep", "after", "flat", "row", "flat_fc"}
    assert len(weights) == 7


def block(*layers, weights):
    shape = TensorType((1, 2, 4, 4), "float32", "NCHW")
    return float_graph("block", layers, {"x": shape}, [layers[-1].output], weights)


KERNEL = np.ones((2, 2, 1, 1), np.float32)
ROWS = Table({name: Row(0.5) for name in ("x", "left", "right", "sum")})


def conv(name, source):
    return Layer(name, op("conv2d")(), (source, "w"), name)


def paired(graph, table=ROWS):
    return check(graph, table, qdq_model(graph, table))[0]


def test_a_residual_input_has_a_pair_and_the_branch_fused_with_the_sum_has_none():
    total = Layer("sum", op("add")(), ("x", "left"), "sum")
    assert paired(block(conv("left", "x"), total, weights={"w": KERNEL})) == {"x"}
    both = Layer("sum", op("add")(), ("left", "right"), "sum")
    assert paired(block(conv("left", "x"), conv("right", "x"), both, weights={"w": KERNEL})) == {"x", "left"}


def test_a_branch_that_others_read_has_a_pair():
    total = Layer("sum", op("add")(), ("x", "left"), "sum")
    reader = Layer("end", op("add")(), ("sum", "left"), "end")
    graph = block(conv("left", "x"), total, reader, weights={"w": KERNEL})
    assert paired(graph) == {"x", "left", "sum"}
    twice = Layer("sum", op("add")(), ("left", "left"), "sum")
    assert paired(block(conv("left", "x"), twice, weights={"w": KERNEL})) == {"x", "left"}


def test_a_constant_of_a_sum_has_no_pair():
    total = Layer("sum", op("add")(), ("x", "c"), "sum")
    constant = {"c": np.ones((1, 4), np.float32)}
    assert paired(float_graph("block", [total], {"x": TensorType((1, 4))}, ["sum"], constant)) == {"x"}


def test_moves_without_a_row_take_their_inputs(calibrated_lenet):
    graph, table = calibrated_lenet
    rows = {name: row for name, row in table.items() if name not in {"flatten", "pool2", "pool1"}}
    model = qdq_model(graph, replace(table, rows=rows))
    assert model.SerializeToString() == qdq_model(graph, table).SerializeToString()


def test_a_scale_of_zero_leaves_tensor_and_weight_alone(calibrated_lenet):
    graph, table = calibrated_lenet
    zero = replace(table, rows={**table.rows, "relu1": Row(0.0)})
    model = qdq_model(graph, zero)
    assert check(graph, zero, model) == ({"data", "pool1", "flatten"}, {"conv1_w", "conv2_w", "ip1_w"})
    assert model.doc_string == "relu1: scale 0 in the table, no pair"


def test_names_that_the_graph_has_taken_are_not_taken_twice():
    layers = [
        Layer("a", op("relu")(), ("x",), "x_quantized"),
        Layer("b", op("relu")(), ("x_quantized",), "x_dequantized"),
        Layer("c", op("add")(), ("x_dequantized", "x"), "w_quantized"),
        Layer("d", op("conv2d")(), ("w_quantized", "w"), "y"),
    ]
    graph = block(*layers, weights={"w": KERNEL})
    table = Table({name: Row(0.25) for name in graph.activations()})
    assert paired(graph, table) == {"x", "x_dequantized", "w_quantized"}


class Odd(Op):
    """An op that no exporter knows."""

    name = "odd"

    def infer(self, inputs):
        return inputs[0]

    def float32(self, types, inputs):
        return inputs[0]

    def reference(self, types, output, arithmetic, inputs):
        return inputs[0]

    @classmethod
    def cases(cls):
        return iter(())


def test_what_cannot_be_written_is_named(calibrated_lenet, tmp_path):
    graph, table = calibrated_lenet
    with pytest.raises(MissingRangeError, match="flatten"):
        qdq_model(graph, replace(table, rows={name: table[name] for name in ("data", "conv1", "relu1")}))
    for scale in (float("inf"), float("nan"), -1.0):
        with pytest.raises(BadScaleError, match="'data'"):
            qdq_model(graph, replace(table, rows={**table.rows, "data": Row(scale)}))
    with pytest.raises(GraphError, match="already lowered"):
        qdq_model(lower(graph, table, profile="tensorrt"), table)
    with pytest.raises(NotExportableError, match="odd"):
        qdq_model(block(Layer("end", Odd(), ("x",), "end"), weights={}), ROWS)
    with pytest.raises(OutputNotWritableError):
        export_qdq(graph, table, tmp_path / "none" / "net.onnx")
    assert list(tmp_path.iterdir()) == []


# ONNX Runtime


def session(model, *outputs, **options):
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for name in outputs:
        model.graph.output.append(onnx.ValueInfoProto(name=name))
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"], **options)


def quantizer(model, name):
    """What QuantizeLinear writes for a tensor."""
    return next(
        node.output[0] for node in model.graph.node if list(node.input)[:1] == [name] and "Quant" in node.op_type
    )


@pytest.mark.engine
def test_codes_of_the_lenet_are_onnx_runtimes(calibrated_lenet, compared):
    """Input codes equal int8sim.quantize; weight codes equal those of the lowered network: bit for bit."""
    graph, table = calibrated_lenet
    model = qdq_model(graph, table)
    weights = ["conv1", "conv2", "ip1", "ip2"]
    names = [quantizer(model, name) for name in ("data", *(f"{each}_w" for each in weights))]
    data, *found = session(model, *names).run(names, digits())
    expected = int8sim.quantize(digits()["data"], QuantParams(table["data"].scale))
    assert data.dtype == np.int8
    assert data.tobytes() == expected.tobytes()
    lowered = lower(graph, table, profile="tensorrt")
    for name, codes in zip(weights, found, strict=True):
        assert codes.tobytes() == lowered.constants[f"{name}_weight"].tobytes(), name
    compared(data.size + sum(codes.size for codes in found), least=784_000)


@pytest.mark.engine
def test_the_lenet_classifies_as_well_as_in_float(calibrated_lenet, tmp_path):
    """1,000 digits: top-1 within 1 % of float, in ONNX Runtime, as it optimizes the file."""
    graph, table = calibrated_lenet
    int8sim.export_qdq(graph, table, tmp_path / "net.onnx")
    (scores,) = session(onnx.load(tmp_path / "net.onnx")).run(None, digits())
    labels = recipe.labels("test")
    real = run(graph, digits())["prob"]
    top1 = [float((each.argmax(1) == labels).mean()) for each in (scores, real)]
    assert abs(top1[0] - top1[1]) <= 0.01
    assert (scores.argmax(1) == real.argmax(1)).mean() >= 0.99


@pytest.mark.engine
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_residual_network_runs(layout, compared):
    """Every code that ONNX Runtime's QuantizeLinear writes equals int8sim's code of the tensor that it reads."""
    for seed in range(3):
        graph = residual(seed, layout)
        inputs = images(graph, seed)
        table = minmax(graph, inputs)
        model = qdq_model(graph, table)
        names = [name for name in pairs(model) if name not in constants(model)]
        codes = [quantizer(model, name) for name in names]
        inner = [name for name in names if name not in inputs]
        plain = session(model, *inner, *codes, disabled_optimizers=["ConstantFolding"])
        found = dict(zip([*inner, *codes], plain.run([*inner, *codes], inputs), strict=True)) | inputs
        for name, code in zip(names, codes, strict=True):
            expected = int8sim.quantize(found[name], QuantParams(table[name].scale))
            assert found[code].tobytes() == expected.tobytes(), name
            compared(expected.size)
        (scores,) = session(model).run(None, inputs)
        real = run(graph, inputs)["prob"]
        assert np.abs(scores - real).max() < 0.05
        assert (scores.argmax(1) == real.argmax(1)).mean() > 0.9


@pytest.mark.engine
@pytest.mark.parametrize("make", [attention, island])
def test_other_networks_stay_near_float(make):
    graph = make(2)
    inputs = images(graph, 2)
    table = minmax(graph, inputs)
    model = qdq_model(graph, table)
    check(graph, table, model)
    # ONNX Runtime's Pad_Fusion makes an illegal pool of a zero pad before a pool
    found = session(model, disabled_optimizers=["Pad_Fusion"]).run(list(graph.outputs), inputs)
    for name, values in zip(graph.outputs, found, strict=True):
        real = run(graph, inputs)[name]
        assert np.linalg.norm(values - real) < 0.05 * np.linalg.norm(real), name


def test_the_command_writes_the_same_file(calibrated_lenet, tmp_path, monkeypatch, capsys):
    from int8sim.cli import main

    graph = int8sim.load(recipe.lenet("lenet.onnx"))
    table = calibrate(graph, [digits()["data"][:50]])
    int8sim.write_table(table, tmp_path / "c.cache")
    arguments = ["table", "to-qdq", recipe.lenet("lenet.onnx"), tmp_path / "c.cache", "-o", tmp_path / "q.onnx"]
    monkeypatch.setattr("sys.argv", ["int8sim", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert "4 pairs at activations, 4 at weights" in capsys.readouterr().out
    assert (tmp_path / "q.onnx").read_bytes() == qdq_model(graph, table).SerializeToString()
    kinds = Counter(node.op_type for node in onnx.load(tmp_path / "q.onnx").graph.node)
    assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"], kinds["Conv"], kinds["Gemm"]) == (8, 8, 2, 2)


@pytest.mark.engine
@pytest.mark.witness
def test_a_real_table_becomes_a_qdq_model(oracle_folder, compared):
    """The public ResNet-18 and the cache that TensorRT wrote for it, in ONNX Runtime."""
    folder = oracle_folder / "tensorrt"
    graph = int8sim.load(folder / "resnet18_cifar10.prototxt")
    name = "LeiWang1999_nvdla_loadables_resnet18-cifar10-caffe_resnet_18_cifar10_calibration.cache"
    table = int8sim.read_table(folder / "caches" / name)
    model = qdq_model(graph, table)
    activations, weights = check(graph, table, model)
    # 19 convolutions and the classifier; data, 8 block inputs, 8 inner ReLUs, the classifier's input, 2 projections
    assert (len(activations), len(weights)) == (1 + 8 + 8 + 1 + 2, 20)
    rng = np.random.default_rng(1)
    inputs = {"data": rng.integers(-128, 128, (100, 3, 32, 32)).astype(np.float32)}
    code = quantizer(model, "data")
    (codes,) = session(model, code).run([code], inputs)
    assert codes.tobytes() == int8sim.quantize(inputs["data"], QuantParams(table["data"].scale)).tobytes()
    (scores,) = session(model).run(None, inputs)
    real = run(graph, inputs)[graph.outputs[0]]
    assert (scores.argmax(1) == real.argmax(1)).mean() >= 0.8
    assert np.abs(scores - real.reshape(scores.shape)).mean() < 0.05
    compared(codes.size)
