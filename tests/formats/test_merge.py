"""Two tables as one: rows, order, conflicts with both values, what both agree on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.merge import merge_tables
from int8sim.model.errors import TableConflictError, UnmergeableError
from int8sim.model.table import Caution, Provenance, Row, Table


def test_the_union_in_order_with_what_is_known():
    first = Table({"b": Row(0.5), "a": Row(1.0, -1.0, 2.0)})
    second = Table({"a": Row(1.0), "b": Row(0.5, 0.0, 3.0), "c": Row(2.0)})
    merged = merge_tables(first, second)
    assert list(merged.items()) == [("b", Row(0.5, 0.0, 3.0)), ("a", Row(1.0, -1.0, 2.0)), ("c", Row(2.0))]


def test_a_conflict_names_both_values_and_bits():
    first = Table({"a": Row(1.0), "b": Row(0.5), "c": Row(0.0)})
    second = Table({"c": Row(-0.0), "b": Row(0.25), "a": Row(1.0)})
    with pytest.raises(
        TableConflictError, match=r"'b' has scale 0.5 \(3f000000\).*0.25 \(3e800000\).*1 more"
    ) as caught:
        merge_tables(first, second)
    problem = caught.value
    assert isinstance(problem, UnmergeableError)
    assert (problem.tensor, problem.scales, problem.bits) == ("b", (0.5, 0.25), (0x3F000000, 0x3E800000))
    assert problem.more == 1


def test_not_a_number_is_itself():
    table = Table({"a": Row(float("nan"))})
    assert list(merge_tables(table, table)) == ["a"]


def test_the_provenance_is_what_both_agree_on():
    first = Provenance("entropy2", "int8sim", "aa", "bb", 10, 50, "tensorrt", "TRT-7202-EntropyCalibration2")
    second = Provenance("entropy2", "int8sim", "aa", "cc", 20, 50, "tensorrt", "TRT-8601-EntropyCalibration2")
    merged = merge_tables(Table({}, first), Table({}, second))
    assert merged.provenance == Provenance("entropy2", "int8sim", "aa", "", 0, 50, "tensorrt", "")
    assert merged.cautions == ()


def test_two_networks_are_a_caution_and_cautions_are_joined():
    shared = Caution("x", "a", "m")
    first = Table({"a": Row(1.0)}, Provenance(network="aa"), (shared,))
    second = Table({"b": Row(1.0)}, Provenance(network="bb"), (shared,))
    merged = merge_tables(first, second)
    assert [caution.kind for caution in merged.cautions] == ["x", "network"]
    assert merged.provenance.network == ""


SCALES = st.dictionaries(st.text("abc", max_size=2), st.sampled_from([0.5, 1.0]))


@given(SCALES, SCALES)
def test_merging_is_the_union_or_an_error(first, second):
    tables = [Table({name: Row(scale) for name, scale in rows.items()}) for rows in (first, second)]
    if any(first[name] != second[name] for name in first.keys() & second.keys()):
        with pytest.raises(TableConflictError):
            merge_tables(*tables)
    else:
        assert {name: row.scale for name, row in merge_tables(*tables).items()} == first | second
        assert dict(merge_tables(*tables)) == dict(merge_tables(*reversed(tables)))
