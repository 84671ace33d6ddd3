"""Whole networks as C, every tensor: LiteRT's own LeNet, NVDLA's, MLPerf Tiny's shapes, every op in every engine."""

import ctypes
import json
import subprocess
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

import int8sim
from int8sim.bench.networks import NETWORKS, Builder
from int8sim.cli import main
from int8sim.export_c.call import Site
from int8sim.export_c.export import export_graph
from int8sim.export_c.layers.registry import calls
from int8sim.golden.store import Producer, read, sample_hashes, write
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.errors import LibraryError, UnknownNameError
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.lrn import Lrn
from int8sim.ops.relu import Relu

from ..conformance.test_backends import all_variants, float_layer, integer_layers, samples, table
from .called import compare, library_of, run_in_c, tensors_in_c

LENET = Path(__file__).parents[2] / "golden" / "lenet"
DIGITS, HELD = 50, 16
CALLER = """
#include <stdio.h>
#include "lenet.h"

int main(void) {
  static float digits[50 * 784], shares[50 * 10];
  static int8_t codes[20 * 24 * 24];
  if (fread(digits, sizeof digits, 1, stdin) != 1) return 1;
  if (lenet_run(digits, shares, 50)) return 2;
  fwrite(shares, sizeof shares, 1, stdout);
  for (int i = 0; i < 16; ++i) {
    if (lenet_sample(digits + 784 * i, shares)) return 3;
    if (lenet_tensor(lenet_T_conv1, codes)) return 4;
    fwrite(codes, sizeof codes, 1, stdout);
    for (uint32_t j = 0; j < 500; ++j) putchar((unsigned char)lenet_value(lenet_T_relu1, j));
  }
  if (lenet_tensor(99, codes) != -1 || lenet_value(99, 0) != INT64_MIN) return 5;
  return lenet_value(lenet_T_conv1, 11520) != INT64_MIN;
}
"""


def digits():
    with h5py.File(LENET / "digits.h5") as file:
        return (file["test/images"][:DIGITS] / np.float32(255))[:, None]


def test_a_c_program_runs_litert_s_lenet(tmp_path, cc, needs, compared):
    """Outputs, a tensor and single values from C; every tensor of every digit by its hash: as LiteRT computed them."""
    golden = read(LENET / "tflite_reference.h5")
    written = export_graph(golden.graph, tmp_path, name="lenet")
    (tmp_path / "main.c").write_text(CALLER)
    cc("-I", tmp_path, tmp_path / "main.c", tmp_path / "lenet.o", "-o", tmp_path / "main")
    found = subprocess.run([tmp_path / "main"], input=digits().tobytes(), capture_output=True, check=True).stdout
    held = [golden.tensors[name][:HELD].reshape(HELD, -1) for name in ("conv1", "relu1")]
    assert found == golden.outputs["prob"][:DIGITS].tobytes() + np.concatenate(held, 1).tobytes()
    assert needs(tmp_path / "liblenet.so") <= {"memcpy", "memmove", "memset"}
    assert written.sha256 in (tmp_path / "lenet.h").read_text()
    compared(len(found) + _as_hashed(ctypes.CDLL(tmp_path / "liblenet.so"), golden), DIGITS * 20_000)


def _as_hashed(library, golden):
    count = 0
    for i in range(DIGITS):
        run_in_c(library, "lenet", golden.graph, {"data": digits()[i : i + 1]})
        for tensor, values in tensors_in_c(library, "lenet", golden.graph).items():
            assert np.array_equal(sample_hashes(values)[0], golden.hashes[tensor][i]), (tensor, i)
            count += values.size
    return count


def test_one_layer_and_its_names(tmp_path, capsys, monkeypatch):
    """A tensor may be called anything; what the command says of itself."""
    graph = int8sim.load(LENET / "tflite_reference.h5")
    pool = graph.producer("pool1")
    odd = replace(pool, inputs=("a*/b",), output="int\\")
    tensors = {"a*/b": graph.tensors["conv1"], "int\\": graph.tensors["pool1"]}
    alone = replace(graph, layers=(odd,), tensors=tensors, constants={}, inputs=("a*/b",), outputs=("int\\",))
    write(tmp_path / "odd.h5", alone, {}, Producer())
    monkeypatch.setattr(
        "sys.argv",
        [
            "int8sim",
            "export-c",
            str(tmp_path / "odd.h5"),
            "--layer",
            "pool1",
            "-o",
            str(tmp_path),
            "--name",
            "odd",
            "--json",
        ],
    )
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    assert [Path(file).name for file in json.loads(capsys.readouterr().out)["files"]] == [
        "odd.o",
        "odd.h",
        "odd_pkg.sv",
        "libodd.so",
    ]
    header = (tmp_path / "odd.h").read_text()
    assert "odd_T_a__b = 0, /* a* /b: int8 [20, 24, 24] NCHW" in header
    assert "int odd_sample(const int8_t *in_a__b, int8_t *out_int_);" in header


def test_what_cannot_be_exported_is_named(tmp_path):
    x = TensorType((1, 3, 2, 2), "float32", "NCHW")
    graph = float_graph("lrn", [Layer("norm", Lrn(3, 1.0, 0.5, 1.0), ("x",), "y")], {"x": x}, ["y"], {})
    with pytest.raises(LibraryError, match="lower it first"):
        export_graph(graph, tmp_path)
    with pytest.raises(LibraryError, match=r"layer 'norm', lrn, .* no loop computes it in integers; .*softmax"):
        calls(Site(graph, replace(graph.layers[0], arithmetic={})))
    with pytest.raises(UnknownNameError, match="unknown layer 'conv9'"):
        export_graph(int8sim.load(LENET / "tflite_reference.h5"), tmp_path, layer="conv9")
    assert not list(tmp_path.iterdir())


def autoencoder(layout):
    """MLPerf Tiny's for anomalies: 640 values through 8."""
    net = Builder((640,), layout)
    for outputs in (128, 128, 128, 128, 8, 128, 128, 128, 128, 640):
        net.put(FullyConnected(), net.last, *net.weights((outputs, net.shape[0])), shape=(outputs,))
        if outputs != 640:
            net.put(Relu())
    return net.graph("autoencoder")


ENGINES = {
    "tflite_reference": "NHWC",
    "tflm": "NHWC",
    "xnnpack": "NHWC",
    "onnxruntime": "NCHW",
    "onnxruntime_avx2": "NCHW",
    "nvdla": "NCHW",
    "tensorrt": "NCHW",
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("network", ["ResNet-8", "DS-CNN", "MobileNetV2", "autoencoder"])
def test_networks(tmp_path, cc, network, engine, compared):
    """Random weights, random samples, every tensor."""
    graph = {**NETWORKS, "autoencoder": autoencoder}[network](ENGINES[engine])
    lowered = int8sim.lower(graph, table(graph), profile=engine)
    library = library_of({"network": lowered}, tmp_path)
    compared(compare(library, "network", lowered, samples(lowered, 2, 20)), what=engine)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nvdla", "onnxruntime"])
def test_lenet_on_digits(tmp_path, cc, name, compared):
    """The trained one, calibrated on digits."""
    graph = int8sim.load(LENET / "lenet.onnx")
    ranges = int8sim.calibrate(graph, int8sim.image_batches(digits(), 50, 1))
    lowered = int8sim.lower(graph, ranges, profile=name)
    compared(compare(library_of({"lenet": lowered}, tmp_path), "lenet", lowered, {"data": digits()}), DIGITS * 20_000)


def layers_by_engine():
    found = defaultdict(dict)
    for case in integer_layers():
        found[case.values[1]][case.id] = case.values
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("engine", "cases"), list(layers_by_engine().items()), ids=list(layers_by_engine()))
def test_every_op(tmp_path, cc, engine, cases, compared):
    """The layers of the conformance suite."""
    graphs = {}
    for i, (variant, profile, preset) in enumerate(cases.values()):
        graph = float_layer(variant)
        lowered = int8sim.lower(graph, table(graph), profile=profile, preset=preset)
        graphs[f"n{i}"] = lowered
    library = library_of(graphs, tmp_path)
    compared(sum(compare(library, name, graph, samples(graph, 2, 20)) for name, graph in graphs.items()), what=engine)


@pytest.mark.slow
@pytest.mark.parametrize("half", [0, 1])
def test_every_op_in_float32(tmp_path, cc, half, compared):
    """The same, as they are before lowering."""
    variants = [case.values[0] for case in all_variants()][half::2]
    graphs = {f"n{i}": float_layer(variant) for i, variant in enumerate(variants)}
    library = library_of(graphs, tmp_path)
    compared(sum(compare(library, name, graph, samples(graph, 2, 20)) for name, graph in graphs.items()))
