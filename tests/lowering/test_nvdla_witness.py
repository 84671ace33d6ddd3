"""The `nvdla` profile against what NVDLA's own compiler wrote for a LeNet and a ResNet-18, and the LeNet's accuracy.

Of the decoded files everything is compared that says what is computed: weights and their order in memory, operands,
shifts, converters, activations, windows, the scales of the softmax. What only schedules (banks, addresses) is not.
"""

import hashlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.formats.nvdla_packing import pack_weights
from int8sim.profiles.registry import profile

sys.path.insert(0, str(Path(__file__).parents[1]))
from mnist_idx import idx_images, idx_labels

NETWORKS = {
    "lenet": ("tensorrt/lenet_trt7202/lenet.prototxt", "tensorrt/lenet_trt7202/lenet.int8.json"),
    "resnet18_fast-math": ("tensorrt/resnet18_cifar10.prototxt", "nvdla/compiler/resnet18.cifar10.fixed.json"),
}
ATOM = 8
NEUTRAL = {"scale": 1, "truncate": 0, "enable": 1, "offset": 0}


@pytest.fixture
def expected(oracle_folder):
    """The decoded file of a network: its JSON, and its arrays by name."""

    def read(name):
        folder = oracle_folder / "nvdla" / "compiler"
        with np.load(folder / f"{name}_weights.npz") as arrays:
            return json.loads((folder / f"{name}_expected.json").read_text()), dict(arrays)

    return read


@pytest.fixture
def network(oracle_folder):
    """(float graph, table as it stands in the file) of a network."""

    def read(name):
        prototxt, table = (oracle_folder / path for path in NETWORKS[name])
        return api.load(prototxt), api.read_table(table)

    return read


def named(graph, entry):
    """The layer that an operation is for: the first of those joined in it."""
    name = entry["layer"].partition("+")[0]
    return next(layer for layer in graph.layers if layer.name == name)


def weight_values(graph, entry):
    """What the convolution engine is programmed with, by the names of the decoded file."""
    layer = named(graph, entry)
    shape = entry["weight_shape_KCRS"]
    codes = graph.constants[layer.inputs[1]].reshape(shape)
    packed = pack_weights(codes, ATOM, ATOM)[: codes.size + -codes.size % ATOM]
    top, left, bottom, right = getattr(layer.op, "pads", (0, 0, 0, 0))
    return {
        "weight_shape_KCRS": list(codes.shape),
        "weight_sha256_KCRS": hashlib.sha256(codes.tobytes()).hexdigest(),
        "weight_packed_sha256": hashlib.sha256(packed).hexdigest(),
        "weight_blob_size": len(packed),
        "weight_tail_bytes": packed[codes.size :].hex(),
        "stride": list(getattr(layer.op, "strides", (1, 1))),
        "dilation": list(getattr(layer.op, "dilations", (1, 1))),
        "pad_top_bottom_left_right": [top, bottom, left, right],
        "pad_value": graph.tensors[layer.inputs[0]].quantized.tensor_zero_point,
        "cacc_truncate": 0,
        "in_cvt": NEUTRAL,
        "out_cvt_conv": NEUTRAL,
    }, codes.size


def output_values(graph, entry):
    """The same of SDP: X1 and the output converter."""
    layer = named(graph, entry)
    (step,) = [layer.arithmetic[role] for role in ("output", "combine") if role in layer.arithmetic]
    numbers = step.parameters
    stage = {
        "type": "ADD",
        "alu": "SUM",
        "mode": "PER_KERNEL" if "bias" in numbers else "PER_POINT",
        "act": {0: "RELU", -128: "NONE"}[numbers["low"]],
        "alu_left_shift": numbers.get("bias_shift", 0),
        "mul_truncate": 0,
        "operand_precision": "INT16" if "bias" in numbers else "INT8",
    }
    if "bias" in numbers:
        stage["alu_operands"] = numbers["bias"].tolist()
    converter = {"scale": numbers["scale"], "truncate": numbers["truncate"], "enable": 1, "offset": 0}
    return {"out_cvt": converter, "x1": stage}


def pool_values(graph, entry):
    layer = named(graph, entry)
    height, width = graph.tensors[layer.inputs[0]].shape[2:]
    kernel = list(getattr(layer.op, "kernel_shape", (height, width)))
    top, left, bottom, right = getattr(layer.op, "pads", (0, 0, 0, 0))
    mode = "MAX" if layer.op.name == "max_pool" else "AVG"
    return {
        "pool_mode": mode,
        "kernel_HW": kernel,
        "stride": list(getattr(layer.op, "strides", (1, 1))),
        "pads_top_bottom_left_right": [top, bottom, left, right],
        "padding_value": [graph.tensors[layer.inputs[0]].quantized.tensor_zero_point] * 7,
    }


def counted(value):
    """How many numbers and words a value of the decoded file holds."""
    if isinstance(value, dict):
        return sum(map(counted, value.values()))
    return len(value) if isinstance(value, list) else 1


@pytest.mark.witness
@pytest.mark.parametrize(("name", "least"), [("lenet", 431_000), ("resnet18_fast-math", 197_900)])
def test_every_value_of_the_compiled_file(network, expected, compared, name, least):
    """From the network and NVDLA's table, as it is, to what the compiler wrote: 0 differences."""
    content, arrays = expected(name)
    lowered = api.lower(*network(name), profile="nvdla")
    count, engines = 0, {"CONV": weight_values, "SDP": output_values, "PDP": pool_values}
    for entry in content["ops"]:
        found = engines[entry["engine"]](lowered, entry)
        if entry["engine"] == "CONV":
            found, weights = found
            codes = lowered.constants[named(lowered, entry).inputs[1]]
            assert np.array_equal(codes.ravel(), arrays[f"op{entry['op']}_weight"].ravel())
            count += weights
        assert {key: entry[key] for key in found} == found, entry["layer"]
        if f"op{entry['op']}_alu" in arrays:
            assert arrays[f"op{entry['op']}_alu"].tolist() == found["x1"]["alu_operands"]
        count += sum(map(counted, found.values()))
    compared(count, least=least)


@pytest.mark.witness
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_else_is_computed(network, expected, name):
    """As many operations as the file has, and the emulated softmax between the scales that it says."""
    content, _ = expected(name)
    lowered = api.lower(*network(name), profile="nvdla")
    integer = [layer for layer in lowered.layers if layer.arithmetic]
    pools = [layer for layer in lowered.layers if layer.op.name.endswith("pool") and layer.arithmetic is not None]
    convolutions = sum("output" in layer.arithmetic for layer in integer)
    sums = sum("combine" in layer.arithmetic for layer in integer)
    assert 2 * convolutions + sums + len(pools) == content["num_ops"]
    graph, table = network(name)
    softmax = graph.layers[-1]
    logits = lowered.producer(lowered.producer(softmax.output).inputs[0])
    assert lowered.tensors[logits.inputs[0]].quantized.tensor_scale == content["emu_softmax"]["input_scale"]
    assert table[softmax.name].scale == content["emu_softmax"]["output_scale"]


@pytest.mark.witness
def test_without_the_rewrite_of_sums_other_integers_come_out(network, expected):
    """The switch: with the table's own scales, at least what writes each of the eight rewritten tensors differs."""
    content, _ = expected("resnet18_fast-math")
    plain = replace(profile("nvdla"), equal_inputs=frozenset())
    lowered = api.lower(*network("resnet18_fast-math"), profile=plain)
    entries = [entry for entry in content["ops"] if entry["engine"] == "SDP"]
    wrong = [entry["layer"] for entry in entries if output_values(lowered, entry)["out_cvt"] != entry["out_cvt"]]
    assert len(wrong) >= 8
    assert {"first_conv+bn+scale+relu", "group0_block0_conv0+bn+scale+relu", "group0_block1_sum+relu"} <= set(wrong)


@pytest.fixture
def digits(oracle_folder):
    """All test images, as bytes that NVDLA takes, and their classes."""
    folder = oracle_folder / "mnist"
    pixels = idx_images(folder / "t10k-images-idx3-ubyte.gz", 10_000, 0) >> 1
    return pixels[:, None], idx_labels(folder / "t10k-labels-idx1-ubyte.gz")


def logits_of(lowered, codes):
    """The int8 logits; the images are given so that quantizing them returns `codes`."""
    scale = np.float32(lowered.tensors["data_quantized"].quant.tensor_scale)
    found = []
    for start in range(0, len(codes), 500):
        part = codes[start : start + 500]
        tensors = api.run(lowered, {"data": part.astype(np.float32) * scale}, keep="all")
        assert np.array_equal(tensors["data_quantized"], part)
        found.append(tensors["ip2"])
    return np.concatenate(found)


@pytest.mark.witness
def test_these_integers_on_mnist(network, digits, compared):
    """97.33 % on the 10,000 test images, input byte = pixel >> 1; and the hash of the logits."""
    codes, labels = digits
    logits = logits_of(api.lower(*network("lenet"), profile="nvdla"), codes)
    assert int((logits.argmax(1) == labels).sum()) == 9_733
    expected = "6b9f7113e60b95a9d5f197e82af6444e6715a675913c928eae6bd1070e91af05"
    assert hashlib.sha256(logits.tobytes()).hexdigest() == expected
    compared(logits.size, least=100_000)


@pytest.mark.witness
def test_a_scale_per_output_channel_is_as_good(network, digits):
    """`nvdla_per_filter` on the same images: at least 97.3 %."""
    codes, labels = digits
    logits = logits_of(api.lower(*network("lenet"), profile="nvdla_per_filter"), codes)
    assert int((logits.argmax(1) == labels).sum()) >= 9_730
