"""TensorRT's names of a Caffe network: three real tables, and every trap of the rule."""

from __future__ import annotations

import pytest

from int8sim.importers.caffe_names import KINDS, layer_tensors, tensor_names
from int8sim.importers.caffe_net import read_net
from int8sim.model.errors import GraphError, UnsupportedOperatorError

from .caffe_models import layer, placed

TABLES = [
    ("lenet_trt7202/lenet.prototxt", "lenet_trt7202/lenet.calibration.table", 9),
    (
        "resnet18_cifar10.prototxt",
        "caches/LeiWang1999_nvdla_loadables_resnet18-cifar10-caffe_resnet_18_cifar10_calibration.cache",
        86,
    ),
    ("resnet50.prototxt", "caches/nvdla_sw_umd_utils_calibdata_resnet50.txt", 229),
]
DATA = placed("data", 1, 3, 8, 8)


@pytest.mark.witness
@pytest.mark.parametrize(("prototxt", "cache", "rows"), TABLES)
def test_names_and_order_of_real_tables(oracle_folder, compared, prototxt, cache, rows):
    folder = oracle_folder / "tensorrt"
    lines = (folder / cache).read_text().splitlines()[1:]
    assert tensor_names(read_net(folder / prototxt)) == [line.rpartition(": ")[0] for line in lines]
    compared(len(lines), least=rows)


@pytest.fixture
def net(tmp_path):
    """The layers of a text."""

    def read(*layers: str, head: str = DATA):
        path = tmp_path / "net.prototxt"
        path.write_text("\n".join([head, *layers]))
        return read_net(path)

    return read


def unnamed(number: int, kind: str) -> str:
    return f"(Unnamed Layer* {number}) [{kind}]_output"


CONV = layer("Convolution", "data", "conv", name="first")


def test_a_chain_in_place(net):
    """The last writer has the blob's name; layers' own names appear nowhere."""
    found = net(CONV, layer("BatchNorm", "conv", "conv", name="bn"), layer("ReLU", "conv", "conv", name="relu"))
    rows = ["data", unnamed(0, "Convolution"), unnamed(1, "Scale"), "conv"]
    assert tensor_names(found) == rows
    assert layer_tensors(found) == dict(zip(["data", "first", "bn", "relu"], rows, strict=True))


def test_a_branch_keeps_what_it_read_before_the_overwriting(net):
    found = net(
        CONV, layer("Pooling", "conv", "pool"), layer("ReLU", "conv", "conv"), layer("Eltwise", "conv pool", "sum")
    )
    assert tensor_names(found) == ["data", unnamed(0, "Convolution"), "pool", "conv", "sum"]


@pytest.mark.parametrize("kind", ["Dropout", "Flatten"])
def test_aliases_take_no_number_and_the_greatest_name_wins(net, kind):
    assert tensor_names(net(CONV, layer(kind, "conv", "a"), layer("ReLU", "a", "y"))) == ["data", "conv", "y"]
    assert tensor_names(net(CONV, layer(kind, "conv", "d"), layer("ReLU", "d", "y"))) == ["data", "d", "y"]
    assert tensor_names(net(CONV, layer(kind, "conv", "conv"), layer("ReLU", "conv", "y"))) == ["data", "conv", "y"]


def test_names_are_ordered_by_their_bytes(net):
    """An upper-case letter is below a lower-case one, and what is not ASCII above both."""
    assert tensor_names(net(CONV, layer("Dropout", "conv", "Z"))) == ["data", "conv"]
    assert tensor_names(net(CONV, layer("Dropout", "conv", "\u00e9"))) == ["data", "\u00e9"]


def test_an_input_that_an_alias_renames(net):
    assert tensor_names(net(layer("Flatten", "data", "rows"), layer("InnerProduct", "rows", "y"))) == ["rows", "y"]


def test_splits_are_aliases(net):
    found = net(CONV, layer("Split", "conv", "a b"), layer("ReLU", "a", "y"), layer("ReLU", "b", "b"))
    assert tensor_names(found) == ["data", "conv", "y", "b"]


def test_network_level_inputs_come_first_whatever_the_order(net):
    text = 'input: "x" input: "y" input_dim: [1, 3, 8, 8, 1, 3, 4, 4]'
    found = net(DATA, CONV, layer("Convolution", "x", "c"), head=text)
    assert tensor_names(found) == ["x", "y", "data", "conv", "c"]
    shaped = net(CONV, head='input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }')
    assert tensor_names(shaped) == ["data", "conv"]


def test_two_inputs_of_one_layer(net):
    head = layer("Input", "", "b a", "input_param { shape { dim: 1 dim: 4 } }")
    assert tensor_names(net(layer("Eltwise", "a b", "s"), head=head)) == ["b", "a", "s"]


def test_slopes_are_a_tensor_too(net):
    found = net(CONV, layer("PReLU", "conv", "conv", name="slopes"), layer("ReLU", "conv", "y"))
    assert tensor_names(found) == ["data", unnamed(0, "Convolution"), unnamed(1, "Constant"), "conv", "y"]
    assert layer_tensors(found)["slopes"] == "conv"


@pytest.mark.parametrize(
    ("settings", "kinds"),
    [
        ("axis: 1", []),
        ("axis: 1 operation: MEAN coeff: 1", []),
        ("axis: 1 operation: ASUM", ["Unary"]),
        ("axis: 1 operation: 3 coeff: 0.5", ["ElementWise", "Reduce"]),
        ("axis: 1 coeff: 2", ["Reduce"]),
    ],
)
def test_reductions_add_one_to_three(net, settings, kinds):
    found = net(CONV, layer("Reduction", "conv", "sum", f"reduction_param {{ {settings} }}"))
    middle = [unnamed(number, kind) for number, kind in enumerate(kinds, 1)]
    assert tensor_names(found) == ["data", "conv", *middle, "sum"]


def test_a_layer_whose_own_phase_is_test_is_not_there(net):
    found = net(CONV, layer("ReLU", "conv", "conv", "phase: TEST", name="late"), layer("Pooling", "conv", "p"))
    assert tensor_names(found) == ["data", "conv", "p"]
    assert [each.name for each in found.skipped] == ["late"]


def test_the_kinds_are_a_table(net):
    found = net(CONV, layer("ReLU", "conv", "conv"), layer("LRN", "conv", "conv"), layer("Sigmoid", "conv", "conv"))
    assert unnamed(2, "LRN") in tensor_names(found)
    assert unnamed(2, "Norm") in tensor_names(found, {**KINDS, "LRN": ("Norm",)})


def test_old_layers_have_todays_names(net):
    old = "layers {{ name: '{0}' type: {1} bottom: '{2}' top: '{3}' }}"
    chain = [("a", "CONVOLUTION", "data", "a"), ("b", "RELU", "a", "a"), ("c", "INNER_PRODUCT", "a", "c")]
    chain += [("d", "LRN", "c", "c"), ("e", "SOFTMAX", "c", "prob")]
    found = net(*(old.format(*each) for each in chain), head='input: "data" input_dim: [1, 3, 8, 8]')
    assert [each.type for each in found.layers] == ["Input", "Convolution", "ReLU", "InnerProduct", "LRN", "Softmax"]
    assert tensor_names(found) == ["data", unnamed(0, "Convolution"), "a", unnamed(2, "Fully Connected"), "c", "prob"]


def test_layers_without_a_name_of_their_own(net):
    """Each gets one: from its top, and from its line where that is taken."""
    bare = 'layer { type: "ReLU" bottom: "conv" top: "conv" }'
    found = net(CONV, bare, bare, layer("ReLU", "conv", "y", name="first"))
    assert list(layer_tensors(found)) == ["data", "first", "conv", "conv_4", "first_5"]
    found = net(CONV, bare, layer("Convolution", "data", "z", name="conv"))
    assert list(layer_tensors(found)) == ["data", "first", "conv_3", "conv"]


@pytest.mark.parametrize("kind", ["ReLU", "Dropout", "Convolution"])
def test_a_layer_in_place_on_an_input_is_refused(net, kind):
    with pytest.raises(UnsupportedOperatorError, match="line 2: it overwrites 'data', an input") as caught:
        tensor_names(net(layer(kind, "data", "data")))
    assert (caught.value.operator, caught.value.node) == (kind, "data_2")


def test_what_tensorrt_does_not_parse_is_refused(net):
    with pytest.raises(UnsupportedOperatorError, match="line 3: TensorRT's Caffe parser does not read") as caught:
        tensor_names(net(CONV, layer("Slice", "conv", "a b")))
    assert {"Convolution", "Dropout", "Input"} <= set(caught.value.supported)


def test_a_blob_that_nothing_writes(net):
    with pytest.raises(GraphError, match="line 2: layer 'y' reads 'conv', which no layer before it writes"):
        tensor_names(net(layer("ReLU", "conv", "y"), CONV))
