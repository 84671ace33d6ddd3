"""`int8sim nvdla-loadable`, `nvdla-scales`, and what `lower` says of NVDLA's tables and layers, in process."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.formats import nvdla_json
from int8sim.model.table import Row, Table

sys.path.insert(0, str(Path(__file__).parents[1] / "importers"))
from caffe_models import layer, placed, real, saved
from loadable_writer import Converter, Convolution, ConvolutionSurfaces, Cube, File, Op, Sdp, SdpSurfaces, Stage

WEIGHT = np.arange(-3, 5, dtype=np.int8).reshape(2, 4, 1, 1)


@pytest.fixture
def loadable(tmp_path):
    """A file of one convolution, 1x1 from 4 to 2 channels, and its output."""
    conv = Convolution(data_format=36, kernel_w=1, kernel_h=1, kernel_c=4, bytes_per_kernel=4, stride_x=1, stride_y=1)
    stage = Stage(enable=1, alu=2, type=2, mode=1, act=1, shift=4, precision=1)
    out = Cube(width=3, height=3, channel=2, line=24, surf=72)
    surfaces = SdpSurfaces(x1=Cube(address=2), dst=out)
    ops = [
        Op(1, conv, ConvolutionSurfaces(weight=Cube(address=1, size=8))),
        Op(2, Sdp(lut=-1, out_cvt=Converter(16557, 23, 1, 0), x1=stage), surfaces, 0),
    ]
    path = tmp_path / "net.nvdla"
    blobs = {"tb-0": WEIGHT.tobytes(), "tb-1": np.array([-700, 9], "<i2").tobytes()}
    path.write_bytes(File(ops, blobs).content())
    return path


def test_the_integers_of_a_loadable(command, loadable, tmp_path):
    status, out, _ = command("nvdla-loadable", loadable, "-o", tmp_path / "arrays.npz")
    assert status == 0
    assert "16557 / 2**23" in out
    assert "x1 ADD PER_KERNEL RELU << 4 >> 0, alu -700 9" in out
    assert "weight [2, 4, 1, 1] sha256" in out
    with np.load(tmp_path / "arrays.npz") as arrays:
        assert np.array_equal(arrays["task0_op0_weight"], WEIGHT)
        assert arrays["task0_op1_x1_alu"].tolist() == [-700, 9]


def test_as_json(command, loadable):
    content = json.loads(command("nvdla-loadable", loadable, "--json")[1])
    conv, sdp = content["operations"]
    assert conv["arrays"]["weight"]["shape"] == [2, 4, 1, 1]
    assert (sdp["fused_with"], sdp["arrays"]["x1_alu"]) == (0, [-700, 9])
    assert sdp["fields"]["out_cvt"] == {"scale": 16557, "truncate": 23, "enable": 1, "offset": 0}


def test_what_is_no_loadable(command, tmp_path):
    (tmp_path / "net.nvdla").write_bytes(b"ONNX" * 9)
    status, out, err = command("nvdla-loadable", tmp_path / "net.nvdla")
    assert (status, out) == (2, "")
    assert "a loadable of NVDLA's compiler has b'NVDA'" in err


RESIDUAL = [
    placed("data", 1, 2, 4, 4),
    layer("Convolution", "data", "c", "convolution_param { num_output: 2 kernel_size: 1 }", name="conv"),
    layer("ReLU", "c", "c", name="relu"),
    layer("Convolution", "c", "d", "convolution_param { num_output: 2 kernel_size: 1 }", name="conv2"),
    layer("Eltwise", "d c", "sum", name="sum"),
]
BLOBS = {"conv": [real(2, 2, 1, 1), real(2)], "conv2": [real(2, 2, 1, 1), real(2)]}
SCALES = {"data": 0.1, "conv": 0.4, "relu": 0.5, "conv2": 0.25, "sum": 0.3}


@pytest.fixture
def network(tmp_path):
    """(prototxt, NVDLA's table of it)."""
    model, table = saved(tmp_path, "\n".join(RESIDUAL), BLOBS), tmp_path / "table.json"
    table.write_text(nvdla_json.to_text(Table({name: Row(scale) for name, scale in SCALES.items()})))
    return model, table


def test_tensors_of_two_scales(command, network):
    model, table = network
    status, out, _ = command("nvdla-scales", model, "--table", table)
    assert status == 1
    assert "tensor 'c' (layer 'relu'): written at scale 0.5, read at 0.25, ratio 2.000; sum 'sum' gives it 'd''s" in out
    (found,) = json.loads(command("nvdla-scales", model, "--table", table, "--json")[1])["breaks"]
    assert (found["layer"], found["ratio"]) == ("relu", 2.0)
    status, out, _ = command("nvdla-scales", model, "--table", table, "--fused")
    assert (status, out) == (0, "every scale is kept\n")


def scales_of(path):
    graph = api.load(path)
    return [graph.tensors[name].quant.tensor_scale for name in ("c", "d")]


def test_lowering_by_nvdlas_table(command, network, tmp_path):
    """The rows are layers': `c` takes the ReLU's, then that of the sum's other input, unless that is switched off."""
    model, table = network
    for profile in ("nvdla", "nvdla_per_filter"):
        options = ("lower", model, "--table", table, "--profile", profile, "-o", tmp_path / "out.h5")
        assert command(*options)[0] == 0
        assert scales_of(tmp_path / "out.h5") == [0.25, 0.25]
        assert command(*options, "--keep-input-scales")[0] == 0
        assert scales_of(tmp_path / "out.h5") == [0.5, 0.25]


def test_tables_that_the_compiler_would_stop_at(command, network, tmp_path):
    model, table = network
    content = json.loads(table.read_text())
    del content["relu"]
    table.write_text(json.dumps(content))
    options = ("lower", model, "--table", table, "--profile", "nvdla", "-o", tmp_path / "out.h5")
    assert "without a row: relu (tensor 'c')" in command(*options)[2]
    content["(Unnamed Layer* 0) [Convolution]_output"] = content["conv"]
    table.write_text(json.dumps(content))
    status, _, err = command(*options)
    assert (status, (tmp_path / "out.h5").exists()) == (2, False)
    assert "'(Unnamed Layer* 0) [Convolution]_output' is layer 'conv'" in err


def test_a_layer_that_nvdla_has_not(command, tmp_path):
    text = "\n".join(
        [placed("data", 1, 2, 4, 4), layer("LRN", "data", "n", "lrn_param { local_size: 3 }", name="norm")]
    )
    model, table = saved(tmp_path, text, {"none": [real(1)]}), tmp_path / "t.json"
    table.write_text(nvdla_json.to_text(Table({"data": Row(0.1), "norm": Row(0.1)})))
    options = ("lower", model, "--table", table, "-o", tmp_path / "out.h5", "--profile")
    status, _, err = command(*options, "nvdla")
    assert (status, (tmp_path / "out.h5").exists()) == (2, False)
    assert "nvdla cannot compute layer 'norm': lrn has no integer form there" in err
    assert command(*options, "nvdla", "--float-layers")[0] == 0
    assert command(*options, "tensorrt")[0] == 0
