"""Exports: read by the tools that they are for, accepted by `verify`, one flipped bit named, nothing half-written."""

import dataclasses
import hashlib
import json
import shutil
import subprocess

import numpy as np
import pytest

from int8sim import api
from int8sim.formats.nvdla_commands import MEMORY, CheckCrc, MemLoad, Trace
from int8sim.formats.nvdla_dat import read_dat
from int8sim.formats.nvdla_dimg import dimg, legacy, write_dimg
from int8sim.formats.nvdla_packing import unpack_weights
from int8sim.formats.words import Words
from int8sim.golden import export_formats, store
from int8sim.golden.diff_files import diff
from int8sim.golden.dumps import Packing
from int8sim.golden.export import export
from int8sim.golden.export_constants import layer_entries
from int8sim.golden.export_formats import EXPORTERS
from int8sim.golden.recorded import recorded_tensors
from int8sim.golden.samples import sample_layer
from int8sim.graph.ir import Layer
from int8sim.model.errors import (
    NotADumpError,
    NotExportableError,
    OutputNotWritableError,
    ParameterError,
    UnknownNameError,
)
from int8sim.model.tensor import TensorType
from int8sim.nvdla_trace.hardware import hardware
from int8sim.nvdla_trace.play import play
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.clip import Clip
from int8sim.ops.flatten import Flatten

from . import small
from .test_mutations import drawn, reshaped

CONV, INDEX = "block/conv.1", (2, 1, 0, 3)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Five samples, of which three keep their inner tensors, with accumulators."""
    path = tmp_path_factory.mktemp("golden") / "g.h5"
    api.record(small.lowered(), {"x": small.images()}, path, samples=3, accumulators=True, backend="reference")
    return path


@pytest.fixture(scope="module")
def golden(path):
    return store.read(path)


def flipped(golden, name, index):
    """A tensor's first three samples, one bit of one value flipped."""
    values = golden.rows(name, 0, 3)
    values[index] ^= 4
    return values


def damage(folder, entry, golden):
    """Flip one bit of the convolution's value at INDEX, in its file."""
    file, place = folder / entry["file"], np.ravel_multi_index(INDEX, entry["shape"])
    if entry["file"].endswith(".npz"):
        with np.load(file) as archive:
            np.savez(file, **{**archive, entry["member"]: flipped(golden, CONV, INDEX)})
    elif entry["file"].endswith(".bin"):
        content = bytearray(file.read_bytes())
        content[place] ^= 4
        file.write_bytes(content)
    elif entry["file"].endswith(".hex"):
        words = [bytearray.fromhex(line) for line in file.read_text().split()]
        words[place // 4][3 - place % 4] ^= 4
        file.write_text("".join(f"{word.hex()}\n" for word in words))
    else:
        damage_text(file, entry, place, golden)


def damage_text(file, entry, place, golden):
    old = golden.rows(CONV, 0, 3)[INDEX]
    if entry["file"].endswith(".h"):
        head, body = file.read_text().split("= {\n")
        numbers = body.split(",")
        numbers[place] = numbers[place].replace(str(old), str(old ^ 4))
        file.write_text(f"{head}= {{\n{','.join(numbers)}")
    else:
        n, c, y, x = INDEX
        at = n * entry["sample_bytes"] + (y * entry["shape"][3] + x) * entry["atom"] + c
        memory = bytearray(b"".join(payload for _, payload in read_dat(file)))
        memory[at] ^= 4
        file.write_text("".join(export_formats.dat_parts([(0, bytes(memory))])))


@pytest.mark.parametrize("form", EXPORTERS)
def test_an_export_is_accepted_and_one_flipped_bit_is_named(path, golden, tmp_path, form, compared):
    """Every form, every tensor that it can hold: no mismatch; then one, by layer, index, expected and actual."""
    folder = tmp_path / "out"
    index = export(golden, folder, form)
    report = api.verify(path, dump=folder)
    tensors = {entry["tensor"] for entry in index["files"]}
    assert report.matched
    assert {entry.tensor for entry in report.tensors} == tensors >= set(small.TENSORS)
    assert tensors == set(small.TENSORS) if form == "nvdla-dat" else tensors == set(recorded_tensors(golden))
    compared(report.compared, least=300)
    assert report.compared == sum(int(np.prod(entry["shape"])) for entry in index["files"])
    damage(folder, next(entry for entry in index["files"] if entry["tensor"] == CONV), golden)
    report = api.verify(path, dump=folder)
    expected = int(golden.rows(CONV, 0, 3)[INDEX])
    assert (report.different, report.first.layer, report.first.tensor) == (1, "block/conv", CONV)
    assert (report.first.index, report.first.expected, report.first.actual) == (INDEX, expected, expected ^ 4)
    step = golden.graph.producer(CONV).arithmetic["output"]
    assert step(report.first.accumulator, channel=INDEX[1]) == expected, "the replay is of the expected value"


@pytest.mark.parametrize("form", EXPORTERS)
def test_the_index_says_what_is_in_the_files(golden, tmp_path, form):
    folder = tmp_path / "out"
    index = export(golden, folder, form, tensors=[CONV], samples=(1, 3), constants=True)
    assert json.loads((folder / "index.json").read_text()) == index
    assert index["samples"] == [1, 3]
    assert index["golden"]["digest"] == golden.digest
    entry = index["files"][0]
    quant = golden.graph.tensors[CONV].quantized
    assert (entry["tensor"], entry["layer"], entry["layout"], entry["dtype"]) == (CONV, "block/conv", "NCHW", "int8")
    assert (entry["scale"], entry["zero_point"], entry["shape"]) == (quant.scale, quant.zero_point, [2, 3, 2, 5])
    for each in index["files"]:
        assert hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() == each["sha256"]
    steps = {layer["layer"]: layer["steps"] for layer in index["layers"]}
    assert steps["block/conv"]["output"]["parameters"]["zero_point"] == quant.zero_point
    keys = {each["file"].rpartition(".")[0] for each in index["files"]} | {
        each.get("member") for each in index["files"]
    }
    assert steps["block/conv"]["output"]["parameters"]["multiplier"]["values"] in keys
    assert "constants/block%2Fconv_weight" in keys


def test_raw_and_npz_are_read_by_numpy(golden, tmp_path, compared):
    raw = export(golden, tmp_path / "raw", "raw", constants=True)
    npz = export(golden, tmp_path / "npz", "npz", constants=True)
    with np.load(tmp_path / "npz" / "tensors.npz") as archive:
        for one, two in zip(raw["files"], npz["files"], strict=True):
            values = np.fromfile(tmp_path / "raw" / one["file"], np.dtype(one["dtype"]).newbyteorder("<"))
            assert np.array_equal(values.reshape(one["shape"]), archive[two["member"]])
            assert archive[two["member"]].dtype == one["dtype"]
            compared(values.size)
        assert np.array_equal(archive["block%2Fconv%2E1"], golden.rows(CONV, 0, 3))
        assert np.array_equal(archive["constants/fc_weight"], golden.graph.constants["fc_weight"])
        multiplier = golden.graph.producer(CONV).arithmetic["output"].parameters["multiplier"]
        found = archive["arithmetic/block%2Fconv/output/multiplier"]
        assert (found.dtype, found.tolist()) == (np.int32, multiplier.tolist())


PROGRAM = """
#include <stdio.h>
#include "conv.h"
#include "conv.h"
#include "accumulators.h"
int main(void) {
    const int dimensions[] = GOLDEN_BLOCK_CONV_1_DIMENSIONS;
    for (int i = 0; i < GOLDEN_BLOCK_CONV_1_SIZE; i++) printf("%d\\n", golden_block_conv_1[i]);
    for (int i = 0; i < GOLDEN_ACCUMULATORS_Y_QUANTIZED_SIZE; i++) printf("%d\\n", golden_accumulators_y_quantized[i]);
    return dimensions[0] * dimensions[3] != 15;
}
"""


def test_a_c_compiler_reads_the_headers(golden, tmp_path, compared):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    export(golden, tmp_path / "c", "c-header")
    shutil.copy(tmp_path / "c" / "block%2Fconv%2E1.h", tmp_path / "conv.h")
    shutil.copy(tmp_path / "c" / "accumulators" / "y_quantized.h", tmp_path / "accumulators.h")
    (tmp_path / "main.c").write_text(PROGRAM)
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-pedantic", "-Werror"]
    subprocess.run(["cc", *flags, "main.c", "-o", "main"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    expected = [*golden.rows(CONV, 0, 3).ravel().tolist(), *golden.accumulators["y_quantized"].ravel().tolist()]
    assert list(map(int, printed)) == expected
    compared(len(expected))


BENCH = """
module bench;
  reg [{high}:0] memory [0:{last}];
  integer i;
  initial begin
    $readmemh("{file}", memory);
    for (i = 0; i <= {last}; i = i + 1) $display("%h", memory[i]);
    $writememh("{dump}", memory);
  end
endmodule
"""


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (Words(8), CONV),
        (Words(32, depth=40, pad=-3), CONV),
        (Words(64, "big", 17, 1), CONV),
        (Words(1024), CONV),
        (Words(16, "big"), "accumulators/y_quantized"),
        (Words(96), "accumulators/y_quantized"),
    ],
)
def test_icarus_reads_and_writes_the_words(path, golden, tmp_path, words, name, compared):
    """$readmemh loads every lane as the definition lays it; what $writememh leaves is accepted by `verify`."""
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus Verilog is not installed")
    index = export(golden, tmp_path / "out", "readmemh", tensors=[name], words=words)
    (entry,) = index["files"]
    dump = tmp_path / "dump"
    (dump / entry["file"]).parent.mkdir(parents=True)
    numbers = {"high": words.bits - 1, "last": entry["depth"] - 1}
    files = {"file": tmp_path / "out" / entry["file"], "dump": dump / entry["file"]}
    (tmp_path / "bench.v").write_text(BENCH.format(**numbers, **files))
    subprocess.run(["iverilog", "-g2012", "-o", "bench", "bench.v"], cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "bench"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "WARNING" not in done.stdout + done.stderr, "exact depth"
    found = lanes([int(line, 16) for line in done.stdout.split()], entry, words)
    values = recorded_tensors(golden)[name].rows(0, 3).ravel().tolist()
    assert found[: len(values)] == values
    assert all(value == words.pad for value in found[len(values) :])
    packing = Packing(Words(words.bits, words.byte_order, words.depth), samples=(0, 3))
    report = api.verify(path, dump=dump, packing=packing)
    assert report.matched
    compared(report.compared, least=12)
    assert report.compared == len(values)


def lanes(memory, entry, words):
    """The values in words that are plain numbers, by shifts: not by the code that packed them."""
    bits = 8 * np.dtype(entry["dtype"]).itemsize
    per_word = words.bits // bits
    if per_word == 0:
        parts = bits // words.bits
        groups = [memory[at : at + parts] for at in range(0, len(memory), parts)]
        numbers = [sum(part << words.bits * (parts - 1 - i) for i, part in enumerate(group)) for group in groups]
    else:
        order = range(per_word) if words.byte_order == "little" else reversed(range(per_word))
        shifts = [bits * lane for lane in order]
        numbers = [word >> shift & (1 << bits) - 1 for word in memory for shift in shifts]
    return [number - (1 << bits) if number >> (bits - 1) else number for number in numbers]


def test_the_player_finds_the_crcs(golden, tmp_path):
    """A trace that loads the files: memory has the CRCs of the index; weights are as nv_small's CSC reads them."""
    folder, base = tmp_path / "dat", 0x8000
    index = export(golden, folder, "nvdla-dat", constants=True, hardware=hardware("nv_small"))
    entry = next(each for each in index["files"] if each["tensor"] == CONV)
    load = MemLoad(MEMORY, base, entry["file"], read_dat(folder / entry["file"]))
    size = entry["sample_bytes"]
    checks = [
        CheckCrc(f"s{i}", MEMORY, base + i * size, size, int(crc, 16)) for i, crc in enumerate(entry["sample_crc32"])
    ]
    checks.append(CheckCrc("all", MEMORY, base, entry["bytes"], int(entry["crc32"], 16)))
    played = play(Trace("exported", (load, *checks)))
    assert played.passed
    assert len(played.checks) == 4
    assert (size, entry["padding_lanes"]) == (2 * 5 * 8, 5), "one surface of 8 channels, of which 3 are there"
    memory = b"".join(payload for _, payload in read_dat(folder / "constants" / "block%2Fconv_weight.dat"))
    weights = golden.graph.constants["block/conv_weight"]
    assert np.array_equal(unpack_weights(memory, weights.shape, 8, 8), weights)
    assert set(index["left_out"]) == {"x", "y", "accumulators/block%2Fconv%2E1", "accumulators/y_quantized"}


def test_dimg_files_of_the_runtime_are_compared(path, golden, tmp_path, compared):
    """One image a file, numbered."""
    for sample in (0, 2):
        image = dimg(golden.rows(CONV, sample, sample + 1)[0], 8)
        write_dimg(tmp_path / f"block%2Fconv%2E1.{sample}.dimg", image)
    report = api.verify(path, dump=tmp_path)
    assert report.matched
    assert report.compared == 2 * 3 * 2 * 5
    compared(report.compared)


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    """Samples of 32 channels by 8 by 8, as NVIDIA's nv_small goldens are; the last is recorded by its hash alone."""
    pool = reshaped(sample_layer("average_pool", "nvdla"), AveragePool((2, 2), (1, 1)), (1, 32, 9, 9), (1, 32, 8, 8))
    (y,), path = pool.outputs, tmp_path_factory.mktemp("deep") / "g.h5"
    layers = *pool.layers, Layer("flat", Flatten(), (y,), "flat")
    tensors = {**pool.tensors, "flat": TensorType((1, 2048), "int8", "", pool.tensors[y].quant)}
    graph = dataclasses.replace(pool, layers=layers, tensors=tensors, outputs=("flat",))
    api.record(graph, {graph.inputs[0]: drawn(pool, 2)[0]}, path, samples=1, backend="reference")
    return path


def test_the_packing_of_nv_small_goldens_is_known(deep, tmp_path, compared):
    """704 of 2,048 bytes stand in such an image; these are compared, and a wrong one is found at its own index."""
    golden = store.read(deep)
    name = golden.graph.layers[0].output
    values = golden.rows(name, 0, 1)[0]
    write_dimg(tmp_path / f"{name}.0.dimg", legacy(values))
    report = api.verify(deep, dump=tmp_path)
    assert (report.matched, report.compared) == (True, 704)
    compared(report.compared)
    values[0, 3, 4] ^= 4  # byte 3 * 64 + 4 * 8: x32 addresses see it
    write_dimg(tmp_path / f"{name}.0.dimg", legacy(values))
    report = api.verify(deep, dump=tmp_path)
    assert (report.different, report.first.index) == (1, (0, 0, 3, 4))
    found = diff(deep, tmp_path)
    assert [(row.compared, row.different) for row in found.rows] == [(704, 1)]


def test_a_part_of_a_sample_that_is_a_hash_is_refused(deep, tmp_path):
    golden = store.read(deep)
    name = golden.graph.layers[0].output
    write_dimg(tmp_path / f"{name}.1.dimg", legacy(golden.rows(name, 0, 1)[0]))
    with pytest.raises(NotADumpError, match="tells a part of sample 1, which is recorded by its hash alone"):
        api.verify(deep, dump=tmp_path)


def test_bytes_that_contradict_each_other_are_refused(deep, tmp_path):
    golden = store.read(deep)
    name = golden.graph.layers[0].output
    image = legacy(golden.rows(name, 0, 1)[0])
    image.cube.reshape(-1)[:] = np.arange(2048) % 100
    write_dimg(tmp_path / f"{name}.0.dimg", image)
    with pytest.raises(NotADumpError, match="bytes that contradict each other"):
        api.verify(deep, dump=tmp_path)


def test_bad_requests_are_named_and_leave_nothing(golden, path, tmp_path):
    folder = tmp_path / "out"
    for options, error, message in (
        ({"tensors": ["conv9"]}, UnknownNameError, "unknown tensor 'conv9'; known: accumulators/block/conv.1"),
        ({"samples": (0, 4)}, ParameterError, "0:4'; allowed: parts of 0:3, what is recorded of tensor 'x_quantized'"),
        ({"words": Words(depth=7)}, ParameterError, "depth is 7; allowed: at least"),
        ({"words": Words(pad=200), "tensors": [CONV]}, ParameterError, "pad value is 200; allowed: values of int8"),
        ({"words": Words(24), "tensors": ["accumulators/y_quantized"]}, ParameterError, "multiples or divisors of 32"),
    ):
        with pytest.raises(error) as caught:
            export(golden, folder, "readmemh", **options)
        assert message in str(caught.value)
    with pytest.raises(NotExportableError, match="float32; a feature cube is int8"):
        export(golden, folder, "nvdla-dat", tensors=["x"])
    with pytest.raises(ParameterError, match="word bits is 12"):
        Words(12)
    assert list(tmp_path.iterdir()) == []


def test_an_export_replaces_an_export_and_nothing_else(golden, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    export(golden, folder, "raw", tensors=[CONV])
    export(golden, folder, "readmemh", tensors=["flat"])
    assert {path.name for path in folder.iterdir()} == {"flat.hex", "index.json"}
    before = (folder / "flat.hex").read_bytes()

    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(export_formats, "words_text", stopped)
    with pytest.raises(KeyboardInterrupt):
        export(golden, folder, "readmemh", tensors=["flat"])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (folder / "flat.hex").read_bytes() == before
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.tex").write_text("a year's work")
    with pytest.raises(OutputNotWritableError, match=r"has no index\.json; name another one"):
        export(golden, other, "raw")
    assert [path.name for path in other.iterdir()] == ["thesis.tex"]


def test_infinities_are_words_in_the_index():
    """A Clip without an upper end: JSON has no number for it."""
    graph = small.lowered()
    layers = (*graph.layers, Layer("clip", Clip(0.0), ("flat",), "clipped", {}))
    entry = layer_entries(dataclasses.replace(graph, layers=layers))[-1]
    assert (entry["op"], entry["minimum"], entry["maximum"]) == ("clip", 0.0, "inf")
