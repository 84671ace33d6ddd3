"""Arrays in files: IDX, .npy, .npz, HDF5; what is read, how much memory it takes, damaged and foreign files."""

import gzip
import hashlib
import math
import struct
import tracemalloc

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim import open_samples
from int8sim.model.errors import EmptyDataSetError, NotADataSetError

IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def idx_bytes(code, dims, data):
    return struct.pack(f">BBBB{len(dims)}I", 0, 0, code, len(dims), *dims) + data


def write_everywhere(folder, array):
    """The same array in every format: what names each file."""
    with h5py.File(folder / "a.h5", "w") as file:
        file["plain"] = array
        file.create_dataset("deep/packed", data=array, chunks=(1, *array.shape[1:]), compression="gzip")
    np.save(folder / "c.npy", array)
    np.save(folder / "fortran.npy", np.asfortranarray(array))
    np.savez(folder / "stored.npz", one=array, two=array[:1])
    np.savez_compressed(folder / "packed.npz", array)
    np.savez(folder / "fortran.npz", one=np.asfortranarray(array))
    big = array.astype(">f4")
    np.save(folder / "big.npy", big)
    content = idx_bytes(13, array.shape, big.tobytes())
    (folder / "a-idx3-ubyte").write_bytes(content)
    (folder / "a.idx.gz").write_bytes(gzip.compress(content, mtime=0))
    middle = len(content) // 2
    (folder / "two-members.gz").write_bytes(gzip.compress(content[:middle], mtime=0) + gzip.compress(content[middle:]))
    names = [
        "a.h5:plain",
        "a.h5:deep/packed",
        "c.npy",
        "fortran.npy",
        "stored.npz:one",
        "packed.npz",
        "packed.npz:arr_0",
    ]
    names += ["fortran.npz", "big.npy", "a-idx3-ubyte", "a.idx.gz", "two-members.gz"]
    return [f"{folder}/{name}" for name in names]


def test_every_format_reads_every_part_alike(tmp_path):
    array = np.random.default_rng(0).standard_normal((7, 3, 5)).astype(np.float32)
    for where in write_everywhere(tmp_path, array):
        samples = open_samples(where)
        assert (len(samples), samples.shape) == (7, (3, 5)), where
        for start, stop in ((0, 7), (3, 5), (6, 7), (0, 1), (2, 6)):  # forward and backward
            part = samples.read(start, stop)
            assert part.dtype == np.dtype("float32"), where
            assert np.array_equal(part, array[start:stop]), where
            part[:] = 0  # a copy of the reader's own
        assert np.array_equal(samples.read(0, 7), array), where


@st.composite
def idx_files(draw):
    code = draw(st.sampled_from(sorted(IDX_TYPES)))
    dims = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    size = math.prod(dims) * np.dtype(IDX_TYPES[code]).itemsize
    return code, tuple(dims), draw(st.binary(min_size=size, max_size=size)), draw(st.booleans())


@given(idx_files(), st.data())
def test_idx_round_trip(tmp_path_factory, file, data):
    """Any type, any dimensions, any bits (NaN's as well), plain or gzipped."""
    code, dims, values, packed = file
    path = tmp_path_factory.mktemp("idx") / "values"
    content = idx_bytes(code, dims, values)
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    samples = open_samples(path)
    assert (len(samples), samples.shape) == (dims[0], dims[1:])
    start = data.draw(st.integers(0, dims[0] - 1))
    stop = data.draw(st.integers(start + 1, dims[0]))
    part = samples.read(start, stop)
    assert part.dtype == np.dtype(IDX_TYPES[code]).newbyteorder("=")
    size = len(values) // dims[0]
    assert part.astype(IDX_TYPES[code]).tobytes() == values[start * size : stop * size]


@pytest.mark.witness
@pytest.mark.parametrize(
    ("name", "shape", "digest"),
    [
        ("train-images-idx3", (60000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("t10k-images-idx3", (10000, 28, 28), None),
        ("train-labels-idx1", (60000,), None),
        ("t10k-labels-idx1", (10000,), None),
    ],
)
def test_mnist(oracle_folder, tmp_path, compared, name, shape, digest):
    """The public files, gzipped and unpacked; that of the training images by its published SHA-256."""
    packed = oracle_folder / "mnist" / f"{name}-ubyte.gz"
    plain = tmp_path / f"{name}-ubyte"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    header = struct.pack(f">BBBB{len(shape)}I", 0, 0, 8, len(shape), *shape)
    for path in (packed, plain):
        samples = open_samples(path)
        assert (len(samples), samples.shape) == (shape[0], shape[1:])
        parts = [samples.read(start, start + 500) for start in range(0, len(samples), 500)]
        content = header + b"".join(part.tobytes() for part in parts)
        assert content == plain.read_bytes()
        assert digest is None or hashlib.sha256(content).hexdigest() == digest
        compared(math.prod(shape), least=10_000)


def peak(action):
    """Bytes that Python and NumPy held at most."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_gigabyte_is_not_read_whole(tmp_path):
    """A sparse .npy and a sparse IDX of 1 GiB: a batch from the end takes the memory of a batch."""
    count, image = 1800, (3, 224, 224)
    np.lib.format.open_memmap(tmp_path / "big.npy", "w+", np.float32, (count, *image)).flush()
    with (tmp_path / "big-idx4").open("wb") as file:
        file.write(idx_bytes(13, (count, *image), b""))
        file.truncate(file.tell() + 4 * count * math.prod(image))
    assert (tmp_path / "big.npy").stat().st_size > 1 << 30
    for name in ("big.npy", "big-idx4"):
        samples = open_samples(tmp_path / name)
        assert peak(lambda samples=samples: samples.read(count - 10, count)) < 16 << 20
        assert len(samples) == count


@pytest.mark.parametrize("name", ["packed.npz", "zeros.idx.gz", "zeros.h5:a"])
def test_packed_files_are_unpacked_piece_by_piece(tmp_path, name):
    zeros = np.zeros((600, 256, 256), np.uint8)
    np.savez_compressed(tmp_path / "packed.npz", zeros)
    (tmp_path / "zeros.idx.gz").write_bytes(gzip.compress(idx_bytes(8, zeros.shape, zeros.tobytes()), 1))
    with h5py.File(tmp_path / "zeros.h5", "w") as file:
        file.create_dataset("a", data=zeros, chunks=(1, 256, 256), compression="gzip")
    samples = open_samples(f"{tmp_path}/{name}")

    def all_batches():
        for start in range(0, 600, 50):
            assert not samples.read(start, start + 50).any()

    assert peak(all_batches) < 16 << 20 < zeros.nbytes


def read_all(where):
    samples = open_samples(where)
    return samples.read(0, len(samples))


def test_every_truncated_file_is_named(tmp_path):
    """Cut anywhere, a file is refused when it is opened or read, by an error with its path and one line of text."""
    array = np.random.default_rng(1).standard_normal((6, 4, 4)).astype(np.float32)
    for where in write_everywhere(tmp_path, array):
        path = tmp_path / where.removeprefix(f"{tmp_path}/").partition(":")[0]
        whole = path.read_bytes()
        for keep in {0, 1, 3, 5, 9, 50, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:keep])
            with pytest.raises(NotADataSetError) as caught:
                read_all(where)
            assert str(caught.value).startswith(f"{path}: "), (where, keep)
            assert "\n" not in str(caught.value)
        path.write_bytes(whole)


def bad_files():
    """(name, content, what the message says)."""
    three = idx_bytes(8, (2, 2, 2), bytes(8))
    return [
        ("x-idx3-ubyte", b"\0\0\x07\x03" + three[4:], "starts with 00 00 07 03, no IDX file; data must be FILE.npy"),
        ("x-idx3-ubyte", b"\0\1\x08\x03" + three[4:], "starts with 00 01 08 03"),
        ("x-idx0", b"\0\0\x08\0", "starts with 00 00 08 00"),
        ("x.gz", gzip.compress(b"hello", mtime=0), "starts with 68 65 6c 6c, no IDX file"),
        ("x", b"", "starts with nothing"),
        ("x-idx3-ubyte", three[:10], "truncated: its header of 3 dimensions ends after 10 bytes"),
        ("x-idx3-ubyte", three[:-1], r"its header says \[2, 2, 2\], 24 bytes; the file has 23"),
        ("x-idx3-ubyte", three + b"\0", "24 bytes; the file has 25"),
        ("x.gz", gzip.compress(three + b"\0", mtime=0), "24 bytes; the file has 25"),
        ("x.gz", gzip.compress(three, mtime=0)[:-9], "cannot be read"),
        ("x.npy", three, "cannot be read: the magic string is not correct"),
        ("x.npz", three, "cannot be read: File is not a zip file"),
        ("x.h5", three, "cannot be read: .*signature not found"),
    ]


@pytest.mark.parametrize(("name", "content", "message"), bad_files())
def test_foreign_and_damaged_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(NotADataSetError, match=message) as caught:
        open_samples(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


def test_damage_behind_a_good_trailer_is_found_on_reading(tmp_path):
    """A gzip file whose first part is lost, with its length still at the end."""
    content = idx_bytes(8, (64, 64), np.random.default_rng(2).integers(0, 256, 4096, np.uint8).tobytes())
    packed = gzip.compress(content, mtime=0)
    (tmp_path / "x").write_bytes(packed[:1000] + packed[-8:])
    samples = open_samples(tmp_path / "x")
    with pytest.raises(NotADataSetError, match="cannot be read"):
        samples.read(0, 64)


@pytest.mark.parametrize("shape", [(0,), (0, 2, 2), (3, 0)])
def test_empty_data_sets_are_named(tmp_path, shape):
    empty = np.zeros(shape, np.float32)
    np.save(tmp_path / "a.npy", empty)
    np.savez(tmp_path / "a.npz", empty)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = empty
    (tmp_path / "a-idx").write_bytes(idx_bytes(13, shape, b""))
    for name in ("a.npy", "a.npz", "a.h5:a", "a-idx"):
        with pytest.raises(EmptyDataSetError, match="the data set is empty"):
            open_samples(tmp_path / name)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.float32(3), "a single value"),
        (np.array(["a", "b"]), "values of type <U1"),
        (np.zeros(3, np.complex64), "values of type complex64"),
        (np.zeros(3, [("a", "f4")]), "values of type"),
    ],
)
def test_arrays_that_are_no_samples_are_named(tmp_path, value, message):
    np.save(tmp_path / "a.npy", value)
    np.savez(tmp_path / "a.npz", value)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(NotADataSetError, match=message):
            open_samples(tmp_path / name)


def test_objects_are_not_unpickled(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], object))
    np.savez(tmp_path / "a.npz", np.array([{}], object))
    for name in ("a.npy", "a.npz"):
        with pytest.raises(NotADataSetError):
            open_samples(tmp_path / name)


def test_archives_say_what_they_hold(tmp_path):
    np.savez(tmp_path / "a.npz", one=np.ones(1), two=np.ones(2))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["one"], file["group/two"] = np.ones(1), np.ones(2)
    for where, message in (
        ("a.npz", "name one of its arrays as FILE:NAME; it holds one, two"),
        ("a.npz:three", "FILE:NAME, not 'three'; it holds one, two"),
        ("a.h5", "it holds group/two, one"),
        ("a.h5:group", "not 'group'; it holds group/two, one"),
    ):
        with pytest.raises(NotADataSetError, match=message):
            open_samples(tmp_path / where)
    assert len(open_samples(tmp_path / "a.npz:two")) == len(open_samples(tmp_path / "a.h5:group/two")) == 2


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotADataSetError, match=r"none.npy: no such file, folder or prefix of batch files"):
        open_samples(tmp_path / "none.npy")
