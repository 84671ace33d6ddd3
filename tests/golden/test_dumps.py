"""What a device under test left: accepted in every form, in part; what is wrong is named, with file and line."""

import h5py
import numpy as np
import pytest

from int8sim import api
from int8sim.formats.words import Words
from int8sim.golden import store
from int8sim.golden.dumps import Packing
from int8sim.golden.export import export
from int8sim.model.errors import DumpTextError, NotADimgError, NotADumpError, TraceTextError

from . import small

CONV, KEY = "block/conv.1", "block%2Fconv%2E1"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Five samples, of which three keep their inner tensors."""
    path = tmp_path_factory.mktemp("golden") / "g.h5"
    api.record(small.lowered(), {"x": small.images()}, path, samples=3, accumulators=True, backend="reference")
    return path


@pytest.fixture(scope="module")
def tensors(path):
    """Every tensor of every sample."""
    return api.run(store.read(path).graph, {"x": small.images()}, keep="all", backend="reference")


def test_arrays_of_numpy_and_hdf5_are_compared(path, tensors, tmp_path, compared):
    """A part of the tensors, by name or by key, of all five samples: those beyond the third by their hashes."""
    np.save(tmp_path / f"{KEY}.npy", tensors[CONV])
    np.savez(tmp_path / "a.npz", flat=tensors["flat"], y=tensors["y"])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file[KEY], file["flat"] = tensors[CONV], tensors["flat"]
    for dump, names in ((f"{KEY}.npy", {CONV}), ("a.npz", {"flat", "y"}), ("a.h5", {CONV, "flat"})):
        report = api.verify(path, dump=tmp_path / dump)
        assert report.matched
        assert {entry.tensor for entry in report.tensors} == names
        assert report.compared == sum(tensors[name].size for name in names)
        compared(report.compared)


def test_a_golden_file_is_a_dump(path, tmp_path):
    """Recorded by another backend or machine, accumulators and all."""
    other = tmp_path / "other.h5"
    api.record(small.lowered(), {"x": small.images()[:2]}, other, accumulators=True, backend="reference")
    report = api.verify(path, dump=other)
    assert report.matched
    assert {"x", "y", "accumulators/y_quantized"} <= {entry.tensor for entry in report.tensors}


def test_a_sample_known_by_its_hash_is_explained_too(path, tensors, tmp_path):
    """The fifth sample of the convolution is not recorded; it is computed again, and the value is named."""
    values = tensors[CONV].copy()
    values[4, 2, 1, 3] ^= 1
    np.save(tmp_path / f"{KEY}.npy", values)
    report = api.verify(path, dump=tmp_path, backend="reference")
    assert (report.different, report.tensors[0].bad_samples) == (1, [4])
    assert (report.first.layer, report.first.index) == ("block/conv", (4, 2, 1, 3))
    assert (report.first.expected, report.first.actual) == (tensors[CONV][4, 2, 1, 3], values[4, 2, 1, 3])


def test_the_first_mismatch_is_the_first_in_the_network(path, tensors, tmp_path):
    for name, key in ((CONV, KEY), ("flat", "flat")):
        values = tensors[name].copy()
        values[(1, *[0] * (values.ndim - 1))] ^= 1
        np.save(tmp_path / f"{key}.npy", values)
    report = api.verify(path, dump=tmp_path)
    assert report.first.tensor == CONV
    assert [entry.different for entry in report.tensors] == [1, 1]


def test_samples_from_the_middle(path, tensors, tmp_path):
    """By option, and by the number in a file's name."""
    tensors[CONV][2:4].tofile(tmp_path / f"{KEY}.bin")
    assert api.verify(path, dump=tmp_path, packing=Packing(samples=(2, 4))).matched
    assert not api.verify(path, dump=tmp_path).matched
    np.save(tmp_path / "flat.3.npy", tensors["flat"][3:4])
    (tmp_path / f"{KEY}.bin").unlink()
    assert api.verify(path, dump=tmp_path).matched


HEX = "".join(f"{word:08x}\n" for word in np.arange(30))
"""120 values: four samples of the convolution, whose values they are not."""


def written(folder, name, content):
    file = folder / name
    if callable(content):
        content(file)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


BAD = {
    "unknown tensor": ("conv9.npy", lambda f: np.save(f, np.zeros(3)), NotADumpError, "tensor 'conv9' is not in the"),
    "dtype": (
        "flat.npy",
        lambda f: np.save(f, np.zeros((2, 30))),
        NotADumpError,
        "it is float64[2, 30]; tensor 'flat' is int8[n, 30]",
    ),
    "shape": (
        "flat.npy",
        lambda f: np.save(f, np.zeros((2, 31), np.int8)),
        NotADumpError,
        "it is int8[2, 31]; tensor 'flat' is int8[n, 30]",
    ),
    "too many samples": (
        "flat.npy",
        lambda f: np.save(f, np.zeros((6, 30), np.int8)),
        NotADumpError,
        "it holds 6 samples of tensor 'flat'; the golden file has 5 from number 0 on",
    ),
    "damaged npy": ("flat.npy", b"\x93NUMPY\x01\x00", NotADumpError, "no .npy file, or a damaged one"),
    "damaged npz": ("a.npz", b"PK\x03\x04", NotADumpError, "no .npz archive, or a damaged one"),
    "damaged hdf5": ("a.h5", b"\x89HDF\r\n\x1a\n", NotADumpError, "not an HDF5 file, or a truncated one"),
    "x digits": (
        f"{KEY}.hex",
        HEX.replace("00000010", "000000xX"),
        DumpTextError,
        "line 17 has '000000xX'; word 16 has X or Z digits",
    ),
    "z digits behind comments": (
        f"{KEY}.hex",
        "// a\n/* b\n c */ @0 0000_0001\nzzzzzzzz\n",
        DumpTextError,
        "line 4 has 'zzzzzzzz'; word 1 has X or Z digits",
    ),
    "no number": (f"{KEY}.hex", "0000000g\n", DumpTextError, "line 1 has '0000000g'; word 0 is no hexadecimal number"),
    "wide word": (
        f"{KEY}.hex",
        HEX + "100000000\n",
        DumpTextError,
        "line 31 has '100000000'; word 30 has more than 32",
    ),
    "missing words": (
        f"{KEY}.hex",
        "00000001\n@8\n00000001\n",
        DumpTextError,
        "line 2 has '@8'; 1 words stand before it, so words 0x1 .. 0x7 are missing",
    ),
    "too few words": (
        f"{KEY}.hex",
        "00000001\n" * 7 + "\n",
        DumpTextError,
        "line 7 has '00000001'; it is the last of 7 words of 32 bits, no whole number of samples: a sample of tensor",
    ),
    "no word": (f"{KEY}.hex", "// nothing\n", DumpTextError, "line 1 has '// nothing'; it is the last of 0 words"),
    "short raw": (f"{KEY}.bin", b"\0" * 29, NotADumpError, "it has 29 values; a sample of tensor"),
    "odd raw": ("y.bin", b"\0" * 17, NotADumpError, "it has 17 bytes, no whole number of float32 values"),
    "header of another type": (
        "flat.h",
        "static const uint8_t a[1] = {7};",
        NotADumpError,
        "its array is of uint8; tensor 'flat' is int8",
    ),
    "header with a wide number": (
        "flat.h",
        "static const int8_t a[3] = {7,\n 8,\n 200};",
        DumpTextError,
        "line 3 has '200'; it is no int8",
    ),
    "header cut off": ("flat.h", "static const int8_t a[3] = {7,", NotADumpError, "it holds no array"),
    "header with too few": ("flat.h", "static const int8_t a[3] = {7, 8};", NotADumpError, "its array has 2 numbers"),
    "dat": ("flat.dat", "{\n{offset:0, size:2, payload:0x00}\n}\n", TraceTextError, "line 2 is"),
    "dat with a gap": (
        "flat.dat",
        "{\n{offset:0x0, size:1, payload:0x00},\n{offset:0x8, size:1, payload:0x00}\n}\n",
        NotADumpError,
        "bytes 0x1 .. 0x7 are missing",
    ),
    "dimg": ("flat.dimg", b"DIMG", NotADimgError, "it does not begin with a header"),
    "dat of floats": ("y.dat", "{\n}\n", NotADumpError, "tensor 'y' is float32; a feature cube is int8"),
    "ending": ("flat.txt", "1", NotADumpError, "the ending '.txt' is none of .h5, .hdf5, .npz, .npy, .hex"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_dump_is_named(path, tmp_path, case):
    name, content, error, message = BAD[case]
    file = written(tmp_path, name, content)
    with pytest.raises(error) as caught:
        api.verify(path, dump=file)
    assert type(caught.value) is error
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(file))


def test_an_index_tells_how_many_words_there_must_be(path, tmp_path):
    folder = tmp_path / "out"
    index = export(store.read(path), folder, "readmemh", tensors=[CONV], words=Words(64, "big", 20))
    file = folder / index["files"][0]["file"]
    lines = file.read_text().splitlines(keepends=True)
    assert len(lines) == 20
    for count, matched in ((20, True), (12, True)):
        file.write_text("".join(lines[:count]))
        assert api.verify(path, dump=folder).matched is matched
    for count, word in ((11, "few"), (13, "many")):
        file.write_text("".join(lines[:count]))
        message = f"line {count} has '.*'; it is the last of {count} words of 64 bits, too {word}: 3 samples take 12"
        with pytest.raises(DumpTextError, match=message):
            api.verify(path, dump=folder)
    file.unlink()
    one = folder / f"{KEY}.1.hex"
    one.write_text("".join(lines[:4]))
    report = api.verify(path, dump=folder)
    assert (report.compared, report.first.index[0]) == (30, 1), "in the export's words; but sample 0 is what it holds"
    one.rename(folder / f"{KEY}.7.hex")
    with pytest.raises(NotADumpError, match=r"1 samples of tensor '.*'; the golden file has 0 from number 7"):
        api.verify(path, dump=folder)
    (folder / "index.json").write_text("{}")
    with pytest.raises(NotADumpError, match="it is no index of an export"):
        api.verify(path, dump=folder)


def test_a_dump_with_a_damaged_chunk_is_named(path, tensors, tmp_path):
    """HDF5 that opens, and whose values cannot be decompressed."""
    dump = tmp_path / "a.h5"
    with h5py.File(dump, "w") as file:
        chunk = file.create_dataset("flat", data=tensors["flat"], compression="gzip").id.get_chunk_info(0)
    content = bytearray(dump.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + 8] = b"\xff" * 8
    dump.write_bytes(content)
    with pytest.raises(NotADumpError, match="flat: it cannot be read"):
        api.verify(path, dump=dump)


def test_an_empty_folder_and_none_are_named(path, tmp_path):
    with pytest.raises(NotADumpError, match="it holds no tensor of the golden file; those are x, x_quantized"):
        api.verify(path, dump=tmp_path)
    with pytest.raises(NotADumpError, match="no such file or folder"):
        api.verify(path, dump=tmp_path / "none")
