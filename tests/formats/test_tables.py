"""What all table files share: which format a file is, missing and foreign files, a write that fails."""

import pytest

from int8sim.formats.registry import FORMATS, read_table, write_table
from int8sim.model.errors import NotATableError, OutputNotWritableError, UnknownNameError
from int8sim.model.table import Provenance, Row, Table

TABLE = Table({"data": Row(0.5), "conv": Row(0.0)}, Provenance("entropy2"))


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_comes_back(tmp_path, name):
    assert write_table(TABLE, tmp_path / "t", format=name) == ()
    again = read_table(tmp_path / "t", name)
    assert dict(again) == dict(TABLE)
    assert again.cautions == ()
    assert [path.name for path in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize("name", ["tensorrt", "nvdla"])
def test_two_formats_are_known_by_themselves(tmp_path, name):
    write_table(TABLE, tmp_path / "t", format=name)
    assert read_table(tmp_path / "t") == read_table(tmp_path / "t", name)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("content", [b"\xff\xfe\x00\x01", b"hello", b'{"a": [1]}'])
def test_a_foreign_file_is_named(tmp_path, name, content):
    path = tmp_path / "bad.table"
    path.write_bytes(content)
    for given in (name, ""):
        with pytest.raises(NotATableError) as caught:
            read_table(path, given)
        assert caught.value.path == str(path)


@pytest.mark.parametrize("name", FORMATS)
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(NotATableError, match="No such file"):
        read_table(tmp_path / "none", name)


def test_an_unwritable_target_leaves_the_old_file(tmp_path):
    with pytest.raises(OutputNotWritableError):
        write_table(TABLE, tmp_path / "folder" / "t")
    old = tmp_path / "old"
    old.write_text("old")
    with pytest.raises(UnknownNameError):
        write_table(TABLE, old, version="8.6.1")
    with pytest.raises(UnknownNameError, match="unknown table format 'csv'; known: nvdla, onnxruntime"):
        write_table(TABLE, old, format="csv")
    with pytest.raises(UnknownNameError):
        read_table(old, "csv")
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [old]
