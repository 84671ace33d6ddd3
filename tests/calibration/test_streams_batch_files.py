"""Raw batch files of TensorRT's samples, written here byte by byte as the sample's reader takes them."""

import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import BatchStream, open_samples
from int8sim.model.errors import EmptyDataSetError, InputMismatchError, NotADataSetError

sys.path.insert(0, str(Path(__file__).parent))
from one_input import network

DIMS = (3, 2, 2, 4)
COUNT, SAMPLE = 3, 2 * 2 * 4


def batch_file(path, first, labels=True, dims=DIMS):
    """int dims[4]; float data[N * C * H * W]; float labels[N]: value v of sample s is 100 * s + v + 1/4."""
    with path.open("wb") as file:
        for dim in dims:
            file.write(struct.pack("<i", dim))
        for sample in range(first, first + dims[0]):
            for value in range(dims[1] * dims[2] * dims[3]):
                file.write(struct.pack("<f", 100 * sample + value + 0.25))
        for sample in range(dims[0] if labels else 0):
            file.write(struct.pack("<f", sample))


def expected(start, stop):
    values = [100 * sample + value + 0.25 for sample in range(start, stop) for value in range(SAMPLE)]
    return np.array(values, np.float32).reshape(stop - start, *DIMS[1:])


@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("batch{}", ""),
        ("batch{}", "batch"),
        ("batch_calibration{}.batch", ""),
        ("batch_calibration{}.batch", "batch_calibration"),
        ("run2_{}.batch", "run2_"),
        ("set1{}", "set1"),
        ("{}.batch", ""),
    ],
)
def test_a_folder_or_a_prefix(tmp_path, name, where, labels):
    """Twelve files, so that batch10 follows batch9; parts that begin and end within files."""
    for number in range(12):
        batch_file(tmp_path / name.format(number), COUNT * number, labels)
    (tmp_path / "list.txt").write_text("not a batch")
    samples = open_samples(f"{tmp_path}/{where}")
    assert (len(samples), samples.shape, samples.layout) == (36, DIMS[1:], "NCHW")
    for start, stop in ((0, 36), (0, 1), (2, 4), (3, 6), (5, 13), (30, 36), (35, 36)):
        part = samples.read(start, stop)
        assert part.dtype == np.float32
        assert np.array_equal(part, expected(start, stop))


def test_batches_of_another_size_than_the_files(tmp_path):
    """As BatchStream::next, which fills a batch from as many files as it takes."""
    for number in range(4):
        batch_file(tmp_path / f"batch{number}", COUNT * number)
    stream = BatchStream(open_samples(tmp_path, network((1, 2, 2, 4))), 5)
    assert [batch.shape for batch in stream] == [(5, 2, 2, 4)] * 2
    assert np.array_equal(np.concatenate(list(stream)), expected(0, 10))
    assert stream.dropped == 2


def test_an_nhwc_network_gets_its_own_layout(tmp_path):
    batch_file(tmp_path / "batch0", 0)
    found = open_samples(tmp_path, network((1, 2, 4, 2), layout="NHWC")).read(0, 3)
    assert np.array_equal(found, expected(0, 3).transpose(0, 2, 3, 1))
    with pytest.raises(InputMismatchError, match=r"batch0: \[3, 2, 2, 4\], the network expects float32 \[N, 3, 8, 8\]"):
        open_samples(tmp_path, network((1, 3, 8, 8)))


def test_a_missing_number_is_named(tmp_path):
    for number in (0, 1, 3, 12):
        batch_file(tmp_path / f"batch{number}", 0)
    with pytest.raises(NotADataSetError, match="batch2: no such file; the batch files beside it are numbered up to 12"):
        open_samples(tmp_path)
    (tmp_path / "batch0").unlink()
    with pytest.raises(NotADataSetError, match="batch0: no such file"):
        open_samples(tmp_path)


def test_several_prefixes_in_a_folder_are_named(tmp_path):
    for name in ("one0.batch", "two0.batch"):
        batch_file(tmp_path / name, 0)
    with pytest.raises(NotADataSetError, match=r"several prefixes; name one: .*one, .*two"):
        open_samples(tmp_path)
    assert len(open_samples(tmp_path / "two")) == 3


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"", NotADataSetError, "truncated: 0 bytes"),
        (struct.pack("<3i", 3, 2, 2), NotADataSetError, "truncated: 12 bytes; a batch file starts with N, C, H, W"),
        (struct.pack("<4i", *DIMS), NotADataSetError, r"16 bytes; N, C, H, W = \[3, 2, 2, 4\] needs 208, or 220 with"),
        (struct.pack("<4i48f", *DIMS, *range(48)) + b"123", NotADataSetError, "211 bytes; .* needs 208, or 220"),
        (struct.pack("<4i48f2f", *DIMS, *range(50)), NotADataSetError, "216 bytes; .* needs 208, or 220"),
        (struct.pack("<4i", 3, -2, 2, 4), NotADataSetError, r"no batch file .* are \[3, -2, 2, 4\]"),
        (struct.pack("<4i", 0, 2, 2, 4), EmptyDataSetError, r"the data set is empty, \[0, 2, 2, 4\]"),
        (struct.pack("<4i", 2**31 - 1, 2**31 - 1, 2**31 - 1, 2**31 - 1), NotADataSetError, "16 bytes; .* needs"),
    ],
)
def test_damaged_files_are_named(tmp_path, content, error, message):
    (tmp_path / "batch0").write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        open_samples(tmp_path)
    assert caught.value.path == str(tmp_path / "batch0")


def test_every_file_is_like_the_first(tmp_path):
    batch_file(tmp_path / "batch0", 0)
    batch_file(tmp_path / "batch1", 3, dims=(3, 2, 4, 2))
    with pytest.raises(NotADataSetError, match=r"batch1: N, C, H, W are \[3, 2, 4, 2\]; those of batch 0 are"):
        open_samples(tmp_path)
    (tmp_path / "batch1").write_bytes((tmp_path / "batch0").read_bytes()[:-30])
    with pytest.raises(NotADataSetError, match="batch1: 190 bytes"):
        open_samples(tmp_path)
