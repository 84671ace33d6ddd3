"""What a table was made from, beside its file: kept whole, dropped when it does not fit, never half written."""

import hashlib
import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import provenance
from int8sim.formats.registry import FORMATS, read_table, write_table
from int8sim.model.errors import OutputNotWritableError
from int8sim.model.table import Caution, Provenance, Row, Table

MADE = Provenance(
    "percentile",
    "int8sim 0.1.0",
    "ab" * 32,
    "cd" * 32,
    10,
    50,
    "mergeable",
    parameters={"percentile": 99.99},
    samples=("0123456789abcdef", "fedcba9876543210"),
)
ROWS = {
    "data": Row(0.5, 0.0, 60.25, 64.0, 2040),
    "pool": Row(0.5, -0.1, 60.25, 64.0, 2040, shared_with="data"),
    "conv": Row(0.0),
}
TABLE = Table(ROWS, MADE, (Caution("deep cut", "data", "the threshold cuts deep"),))


@pytest.mark.parametrize("name", FORMATS)
def test_everything_comes_back(tmp_path, name):
    path = tmp_path / "t"
    write_table(TABLE, path, format=name)
    again = read_table(path, name)
    assert dict(again) == ROWS
    assert replace(again.provenance, header="") == MADE
    assert again.cautions == TABLE.cautions


def test_the_file_says_what_it_belongs_to(tmp_path):
    path = tmp_path / "t.cache"
    write_table(TABLE, path)
    kept = json.loads((tmp_path / "t.cache.provenance.json").read_text())
    assert kept["schema"] == provenance.SCHEMA
    assert kept["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (kept["method"], kept["batches"], kept["batch_size"]) == ("percentile", 10, 50)
    assert kept["rows"]["pool"]["shared_with"] == "data"


FLOATS = st.none() | st.floats(allow_nan=False)


@given(st.dictionaries(st.text("abc:"), st.tuples(FLOATS, FLOATS, FLOATS, st.none() | st.integers(0, 2048))))
def test_any_range_comes_back_exactly(tmp_path_factory, ranges):
    rows = {name: Row(1.0, *numbers) for name, numbers in ranges.items()}
    path = tmp_path_factory.mktemp("p") / "t"
    write_table(Table(rows, MADE), path)
    assert dict(read_table(path)) == rows


@pytest.mark.parametrize(
    "table",
    [
        Table({"a": Row(1.0)}),
        Table({"a": Row(1.0)}, Provenance("entropy2", "int8sim", header="1", parameters={"quantile": 1.0})),
        Table({"a": Row(1.0)}, Provenance("minmax"), (Caution("form", "", "CRLF"),)),
    ],
)
def test_a_bare_table_has_no_file_beside_it_and_removes_an_old_one(tmp_path, table):
    path = tmp_path / "t"
    write_table(TABLE, path)
    assert len(list(tmp_path.iterdir())) == 2
    write_table(table, path)
    assert list(tmp_path.iterdir()) == [path]
    assert read_table(path).cautions == ()


def test_an_edited_table_has_lost_it(tmp_path):
    path = tmp_path / "t"
    write_table(TABLE, path)
    path.write_text(path.read_text().replace("data: 3f000000", "data: 3f000001"))
    table = read_table(path)
    assert table["data"].low is None
    assert table.provenance.network == ""
    (caution,) = table.cautions
    assert caution.kind == "provenance"
    assert "t.provenance.json is not used: the table has changed since" in caution.message


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda kept: "", "damaged"),
        (lambda kept: "[]", "damaged"),
        (lambda kept: "[" * 100_000, "damaged"),
        (lambda kept: json.dumps({**kept, "schema": "int8sim table provenance 2"}), "its schema is"),
        (lambda kept: json.dumps({key: kept[key] for key in kept if key != "rows"}), "damaged"),
        (lambda kept: json.dumps({**kept, "rows": {}}), "damaged"),
        (lambda kept: json.dumps({**kept, "batches": "ten"}), "damaged"),
        (lambda kept: json.dumps({**kept, "parameters": 3}), "damaged"),
        (lambda kept: "\udcff", "not text"),
    ],
)
def test_a_damaged_file_is_a_caution(tmp_path, damage, message):
    path = tmp_path / "t"
    write_table(TABLE, path)
    beside = provenance.beside(path)
    beside.write_text(damage(json.loads(beside.read_text())), errors="surrogateescape")
    table = read_table(path)
    assert {name: row.scale for name, row in table.items()} == {name: row.scale for name, row in ROWS.items()}
    assert [caution.kind for caution in table.cautions] == ["provenance"]
    assert message in table.cautions[0].message


def test_cautions_of_reading_are_not_kept(tmp_path):
    path = tmp_path / "t"
    write_table(replace(TABLE, cautions=(*TABLE.cautions, Caution("form", "", "CRLF"))), path)
    assert read_table(path).cautions == TABLE.cautions


def test_it_follows_the_names_of_the_file(tmp_path):
    """Rows that NVDLA's script leaves out or strips are not beside the table either."""
    table = replace(TABLE, rows={"a:0": Row(1.0, 0.0, 1.0), " b": Row(0.5, -1.0, 1.0)})
    write_table(table, tmp_path / "t", format="nvdla")
    assert dict(read_table(tmp_path / "t")) == {"b": Row(0.5, -1.0, 1.0)}


def test_both_files_or_none(tmp_path):
    """The file beside it cannot be written: the table that was there stays."""
    path = tmp_path / "t"
    path.write_text("old")
    provenance.beside(path).mkdir()
    with pytest.raises(OutputNotWritableError):
        write_table(TABLE, path)
    assert path.read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["t", "t.provenance.json"]  # noqa: PTH208
