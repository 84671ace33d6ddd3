"""NVDLA's memory as text: records that come back, other writers' spellings, damage."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.nvdla_dat import PAYLOAD, dat_text, read_dat, write_dat
from int8sim.model.errors import NotATraceError, TraceTextError

BENCH = """{
{offset:0x0, size:4, payload:0x00 0x10 0x20 0x30},
{offset:0x20, size:4, payload:0xfa 0x6 0x4f 0xb8},
}
"""
"""As NVIDIA's guide prints it, and with a byte of one digit."""

DUMPED = """{
  {offset:0x00000040, size:0x2, payload:0xd9 0xAA } , // a comment
# another

  { offset: 68, size: 1, payload: 0x01 }
}"""

RECORDS = st.lists(st.tuples(st.integers(0, 2**40), st.binary(min_size=1, max_size=40)), max_size=8)


def memory(records):
    """Address -> byte; later records win."""
    return {offset + place: byte for offset, payload in records for place, byte in enumerate(payload)}


@pytest.fixture
def read(tmp_path):
    def from_text(text):
        (tmp_path / "m.dat").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_dat(tmp_path / "m.dat")

    return from_text


def test_the_form_of_the_guide(read):
    assert read(BENCH) == ((0, b"\x00\x10\x20\x30"), (0x20, b"\xfa\x06\x4f\xb8"))


def test_other_spellings(read):
    assert read(DUMPED) == ((0x40, b"\xd9\xaa"), (68, b"\x01"))


def test_what_is_written(tmp_path):
    write_dat(tmp_path / "m.dat", [(0x20, bytes(range(18)))])
    lines = (tmp_path / "m.dat").read_text().splitlines()
    assert lines[0] == "{"
    assert lines[1].startswith("{offset:0x20, size:16, payload:0x00 0x01 ")
    assert lines[1].endswith(" 0x0f} ,")
    assert lines[2:] == ["{offset:0x30, size:2, payload:0x10 0x11}", "}"]


@given(records=RECORDS)
def test_records_come_back(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("dat") / "m.dat"
    write_dat(path, records)
    again = read_dat(path)
    assert memory(again) == memory(records)
    assert all(1 <= len(payload) <= PAYLOAD for _, payload in again)
    assert dat_text(again) == path.read_text()


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("{\n{offset:0x0, size:2, payload:0x00}\n}\n", 2, "payload has 1 bytes"),
        ("{\n{offset:0x0, size:1, payload:0x100}\n}\n", 2, "a record is"),
        ("{\n{offset:0x0, size:1}\n}\n", 2, "a record is"),
        ("{\n{offset:-4, size:1, payload:0x1}\n}\n", 2, "a record is"),
        ("{\n{offset:0x0, size:0, payload:}\n}\n", 2, "a record is"),
        ("{offset:0x0, size:1, payload:0x1}\n}\n", 1, "between one line"),
        ("{\n}\n{offset:0x0, size:1, payload:0x1}\n", 3, "between one line"),
        ("{\n\n{\n}\n", 3, "a record is"),
        ("{\n}\n}\n", 3, "between one line"),
    ],
)
def test_a_bad_line_is_named(read, text, line, what):
    with pytest.raises(TraceTextError, match=what) as caught:
        read(text)
    assert caught.value.line == line
    assert f"line {line}" in str(caught.value)


@pytest.mark.parametrize("text", ["", "{\n", BENCH[:60], "{\n{offset:0x0, size:1, payload:0x1},\n"])
def test_a_file_that_is_cut_off(read, text):
    with pytest.raises(NotATraceError, match=r"cut off|a record is"):
        read(text)


def test_what_is_no_text(read):
    with pytest.raises(NotATraceError, match="it is not text"):
        read(b"\xff\xfe{\n}")


def test_a_missing_file(tmp_path):
    with pytest.raises(NotATraceError, match="No such file"):
        read_dat(tmp_path / "none.dat")
