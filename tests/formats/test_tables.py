"""TensorRT caches and NVDLA tables: exact text, round trips, bad files by line."""

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import nvdla_json, tensorrt_cache
from int8sim.formats.registry import read_table, write_table
from int8sim.model.errors import NotATableError, OutputNotWritableError, UnknownNameError
from int8sim.model.table import Provenance, Row, Table

TABLE = Table(
    {"data": Row(0.007845180109143257), "(Unnamed Layer* 4) [Fully Connected]_output": Row(0.0), "a:0": Row(1.0)},
    Provenance("entropy2"),
)


def test_cache_text():
    expected = (
        "TRT-7202-EntropyCalibration2\ndata: 3c008912\n(Unnamed Layer* 4) [Fully Connected]_output: 0\na:0: 3f800000\n"
    )
    assert tensorrt_cache.to_text(TABLE, "7202") == expected
    assert tensorrt_cache.to_text(Table({}, Provenance("minmax")), "8400") == "TRT-8400-MinMaxCalibration\n"


def test_nvdla_text():
    expected = (
        '{\n    "data": {\n        "scale": 0.007845180109143257, \n        "min": 0, \n        "max": 0, \n'
        '        "offset": 0\n    }\n}'
    )
    assert nvdla_json.to_text(Table({"data": TABLE["data"]})) == expected


BREAKS = "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"  # where str.splitlines cuts
NAMES = st.text(st.characters(codec="utf-8", exclude_characters=BREAKS), min_size=1).map(str.strip).filter(bool)


@given(st.dictionaries(NAMES, st.integers(0, 0x7F800000), max_size=8))
def test_cache_round_trip(tmp_path_factory, rows):
    scales = {name: Row(float(np.uint32(bits).view(np.float32))) for name, bits in rows.items()}
    path = tmp_path_factory.mktemp("cache") / "c"
    write_table(Table(scales, Provenance("entropy2")), path)
    again = read_table(path) if not path.read_text().lstrip().startswith("{") else tensorrt_cache.read(path)
    assert {name: row.scale for name, row in again.items()} == {name: row.scale for name, row in scales.items()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1 is ''"),
        (b"hello\n", "line 1 is 'hello'"),
        (b"TRT-8601-EntropyCalibration2\ndata 3c008912\n", "line 2 is 'data 3c008912'"),
        (b"TRT-8601-EntropyCalibration2\na: 3c008912\ndata: 3c00891g\n", "line 3"),
        (b"\xff\xfe\x00\x01", "not text"),
        (b'{"a": 1}', "entry 'a' is 1"),
        (b'{"a": {"scale": "x"}}', "scale is 'x'"),
        (b'{"a": {"min": 0}}', "neither scale nor both min and max"),
        (b'{"a": {"scale": 1, "offset": 3}}', "offset is 3"),
        (b'{"a": \n', "line 2"),
        (b"{}", "a JSON object"),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.table"
    path.write_bytes(content)
    with pytest.raises(NotATableError, match=message) as caught:
        read_table(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotATableError, match="No such file"):
        read_table(tmp_path / "none")


def test_nvdla_reads_min_and_max(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"a": {"min": -2.54, "max": 1.27, "offset": 0}}')
    assert read_table(path)["a"].scale == float(np.float32(2.54 / 127))


def test_an_unwritable_target_leaves_the_old_file(tmp_path):
    path = tmp_path / "folder" / "t"
    with pytest.raises(OutputNotWritableError):
        write_table(TABLE, path)
    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(UnknownNameError):
        write_table(TABLE, old, version="8.6.1")
    with pytest.raises(UnknownNameError):
        write_table(TABLE, old, format="csv")
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["old"]  # noqa: PTH208


@pytest.mark.witness
def test_real_caches_survive(oracle_folder, tmp_path, compared):
    """15 caches of TensorRT 5.1 to 10.3 and older: every row is read; those with a TRT header write back unchanged."""
    rows = written = 0
    for path in sorted((oracle_folder / "tensorrt" / "caches").iterdir()):
        table = read_table(path)
        rows += len(table)
        header = path.read_text().splitlines()[0]
        if header.startswith("TRT-"):
            write_table(table, tmp_path / "again", version=header.split("-")[1])
            assert (tmp_path / "again").read_bytes() == path.read_bytes()
            written += 1
    compared(rows, least=2000)
    assert written == 13


@pytest.mark.witness
def test_nvdla_table_is_what_its_script_writes(oracle_folder, tmp_path, compared):
    """959 bytes that NVDLA's calib_txt_to_json.py makes of the sampleINT8 README table."""
    table = read_table(oracle_folder / "nvdla" / "readme_table.cache")
    write_table(table, tmp_path / "t.json", format="nvdla")
    expected = (oracle_folder / "nvdla" / "readme_table_calib.json").read_bytes()
    assert (tmp_path / "t.json").read_bytes() == expected
    compared(len(expected), least=959)
