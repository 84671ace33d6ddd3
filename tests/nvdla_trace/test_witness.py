"""NVIDIA's trace tests of nv_small: every window has the CRC-32 that NVIDIA gives for it."""

import numpy as np
import pytest

from int8sim.formats.nvdla_trace_file import read_trace, write_trace
from int8sim.nvdla_trace.play import play

pytestmark = pytest.mark.witness

TRACES = 22


@pytest.fixture(scope="module")
def files(oracle_folder):
    return sorted((oracle_folder / "nvdla" / "traces").glob("*.npz"))


def test_every_crc_is_nvidias(files, compared):
    crcs = {}
    for file in files:
        played = play(read_trace(file))
        with np.load(file) as arrays:
            crcs[file.stem] = [check.computed for check in played.checks], [int(arrays["crc_golden"])]
    assert {name: pair for name, pair in crcs.items() if pair[0] != pair[1]} == {}
    compared(len(crcs), least=TRACES, what="CRC-32 of traces")


def test_every_trace_survives_both_forms(files, tmp_path, compared):
    for file in files:
        write_trace(tmp_path / "t.cfg", read_trace(file))
        text = read_trace(tmp_path / "t.cfg")
        assert play(text).passed
        write_trace(tmp_path / "t.npz", text)
        with np.load(file) as first, np.load(tmp_path / "t.npz") as again:
            for name in again.files:
                assert np.array_equal(first[name], again[name]), (file.name, name)
    compared(len(files), least=TRACES, what="traces by way of .cfg and .dat")


def test_a_changed_byte_changes_the_crc(files, compared):
    """Every output lies in its window: the first byte of it counts."""
    for file in files:
        source = read_trace(file)
        played = play(source)
        where = played.operations[-1].destination
        data = played.memory.read(where.base, 1)
        played.memory.write(where.base, data ^ 1)
        check = played.checks[0]
        assert played.memory.crc32(check.address, check.size) != check.golden
    compared(len(files), least=TRACES, what="traces with one byte changed")
