"""Ranges that a person gives, in code or as sampleINT8API's text file: scales, names, every bad value by name."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import ranges_text
from int8sim.formats.dynamic_range import through_range
from int8sim.formats.registry import read_table, write_table
from int8sim.model.errors import BadRangeError, BadScaleError, BadTableLineError, NotATableError, RowNotWritableError
from int8sim.model.table import Row, Table
from int8sim.spec.float32 import float32_from_bits


def test_scales_of_ranges():
    """The larger |bound| over 127, as ITensor::setDynamicRange; low and high are kept where both are given."""
    table = Table.from_ranges({"a": 1.27, "b": (-2.0, 1.0), "c": (0.0, 3.0), "d": 0, "e": np.float32(127.0)})
    assert list(table) == ["a", "b", "c", "d", "e"]
    assert table["a"] == Row(float(np.float32(1.27) / np.float32(127)))
    assert table["b"] == Row(float(np.float32(2) / np.float32(127)), -2.0, 1.0)
    assert table["c"] == Row(float(np.float32(3) / np.float32(127)), 0.0, 3.0)
    assert table["d"] == Row(0.0)
    assert table["e"] == Row(1.0)


@given(st.floats(0, 3.4e38))
def test_the_division_is_float32(amax):
    assert Table.from_ranges({"a": amax})["a"].scale == float(np.float32(amax) / np.float32(127))


@pytest.mark.parametrize(
    "bad",
    [
        *(-1.0, math.nan, math.inf, 1e39, "x", None),
        *((1.0, -1.0), (math.nan, 1.0), (-math.inf, 1.0), (1.0, math.nan), (1.0,), (1.0, 2.0, 3.0), ("x", 1.0)),
    ],
)
def test_a_bad_range_is_named(bad):
    with pytest.raises(BadRangeError, match="tensor 'conv'") as caught:
        Table.from_ranges({"conv": bad})
    assert caught.value.tensor == "conv"


def test_a_file_as_the_sample_has_it(tmp_path):
    """Lines of TensorRT's resnet50_per_tensor_dynamic_range.txt, the README's spaces, names with colons."""
    path = tmp_path / "ranges.txt"
    path.write_text("gpu_0/data_0: 1.00024\n(Unnamed Layer* 1) [Shuffle]_output : 2e1\nadd:0:5.5\r\n\n a::b :7")
    expected = {"gpu_0/data_0": 1.00024, "(Unnamed Layer* 1) [Shuffle]_output": 20.0, "add:0": 5.5, "a::b": 7.0}
    assert Table.from_ranges(path).rows == Table.from_ranges(expected).rows
    assert Table.from_ranges(str(path)) == read_table(path, "ranges")


@pytest.mark.parametrize(
    ("content", "line", "text", "message"),
    [
        ("a: 1\nb\n", 2, "b", "`tensor: greatest .value.` is needed"),
        ("a: \n", 1, "a: ", "is needed"),
        ("a: 1.0.0\n", 1, "a: 1.0.0", "is needed"),
        ("a: -1\n", 1, "a: -1", "tensor 'a': range -1.0 is not usable"),
        ("\na: nan\n", 2, "a: nan", "range nan"),
        ("a: inf\n", 1, "a: inf", "range inf"),
        ("a: 1e40\n", 1, "a: 1e40", r"range 1e\+40"),
        ("a: 1\nb: 2\na : 3\n", 3, "a : 3", "'a' already stands on line 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, line, text, message):
    path = tmp_path / "ranges.txt"
    path.write_text(content)
    with pytest.raises(BadTableLineError, match=message) as caught:
        Table.from_ranges(path)
    assert (caught.value.path, caught.value.line, caught.value.text) == (str(path), line, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(NotATableError, match="No such file"):
        Table.from_ranges(tmp_path / "none")


def test_text_and_what_the_sample_would_miss(tmp_path):
    table = Table({"a": Row(float(np.float32(0.1))), "b:0": Row(1.0)})
    assert ranges_text.to_text(table) == "a: 12.7\nb:0: 127.0\n"
    cautions = write_table(table, tmp_path / "r", format="ranges")
    assert [(caution.kind, caution.tensor) for caution in cautions] == [("cut", "b:0")]


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n")).filter(lambda name: name == name.strip())


@given(st.dictionaries(NAMES, st.integers(0, 0x7B000000)))
def test_any_table_comes_back_but_for_the_scales_that_are_named(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("ranges") / "t"
    scales = {name: float32_from_bits(bits) for name, bits in rows.items()}
    cautions = write_table(Table({name: Row(scale) for name, scale in scales.items()}), path, format="ranges")
    again = read_table(path, "ranges")
    assert list(again) == list(rows)
    assert {name: row.scale for name, row in again.items()} == {name: through_range(x) for name, x in scales.items()}
    changed = {caution.tensor for caution in cautions if caution.kind == "range"}
    assert changed == {name for name in rows if again[name].scale != scales[name]}


@pytest.mark.parametrize(
    ("name", "scale", "error"),
    [(" a", 1.0, RowNotWritableError), ("a\nb", 1.0, RowNotWritableError), ("a", -1.0, BadScaleError)],
)
def test_a_row_that_no_line_holds_is_refused(tmp_path, name, scale, error):
    with pytest.raises(error):
        write_table(Table({name: Row(scale)}), tmp_path / "r", format="ranges")
    assert not list(tmp_path.iterdir())
