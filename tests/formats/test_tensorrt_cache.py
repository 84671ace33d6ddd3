"""TensorRT caches: every header form, exact text, round trips, real files byte for byte, bad lines by number."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import tensorrt_cache
from int8sim.formats.registry import read_table, write_table
from int8sim.formats.tensorrt_header import Header
from int8sim.model.errors import BadTableLineError, RowNotWritableError, UnknownNameError
from int8sim.model.table import Provenance, Row, Table
from int8sim.spec.float32 import float32_bits, float32_from_bits

HEADERS = {
    "TRT-5100-EntropyCalibration2": Header("entropy2", "5100"),
    "TRT-7202-EntropyCalibration": Header("entropy", "7202"),
    "TRT-8400-MinMaxCalibration": Header("minmax", "8400"),
    "TRT-8601-LegacyCalibration": Header("legacy", "8601"),
    "TRT-101000-EntropyCalibration2": Header("entropy2", "101000"),
    "0": Header("legacy"),
    "1": Header("entropy"),
    "2": Header("entropy2"),
    "3": Header("minmax"),
    "03ff00000000000003feffffde7210be9": Header("legacy", "", 1.0, 0.999999),
}

TABLE = Table(
    {"data": Row(0.007845180109143257), "(Unnamed Layer* 4) [Fully Connected]_output": Row(0.0), "a:0": Row(1.0)},
    Provenance("entropy2"),
)
ROWS = "data: 3c008912\n(Unnamed Layer* 4) [Fully Connected]_output: 0\na:0: 3f800000\n"


@pytest.mark.parametrize(("line", "header"), HEADERS.items())
def test_every_header_form_both_ways(line, header):
    assert Header.parse(line) == header
    assert header.text() == line


@given(
    st.sampled_from(["legacy", "entropy", "entropy2", "minmax"]),
    st.integers(1, 999999).map(str) | st.just(""),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False),
)
def test_any_header_comes_back(method, version, cutoff, quantile):
    oldest = method == "legacy" and not version
    header = Header(method, version, *((cutoff, quantile) if oldest else ()))
    assert Header.parse(header.text()) == header


@pytest.mark.parametrize(
    "line",
    [
        *("", "4", "00", "03ff0000000000000", "13ff00000000000003feffffde7210be9", "data: 3c008912"),
        *("TRT-8601-", "TRT--EntropyCalibration2", "TRT-8.6.1-EntropyCalibration2", "TRT-8601-Percentile"),
        "trt-8601-EntropyCalibration2",
    ],
)
def test_what_is_no_header(line):
    assert Header.parse(line) is None


def test_text():
    assert tensorrt_cache.to_text(TABLE, "7202") == f"TRT-7202-EntropyCalibration2\n{ROWS}"
    assert tensorrt_cache.to_text(Table({}, Provenance("minmax")), "8400") == "TRT-8400-MinMaxCalibration\n"


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, "TRT-8601-EntropyCalibration2"),
        ({"version": "100300"}, "TRT-100300-EntropyCalibration2"),
        ({"algorithm": "minmax"}, "TRT-8601-MinMaxCalibration"),
        ({"algorithm": "LegacyCalibration", "version": "8400"}, "TRT-8400-LegacyCalibration"),
        ({"version": ""}, "2"),
        ({"version": "", "algorithm": "entropy"}, "1"),
        ({"version": "", "algorithm": "legacy"}, "0"),
        ({"header": "03ff00000000000003feffffde7210be9", "version": "7202"}, "03ff00000000000003feffffde7210be9"),
    ],
)
def test_the_header_is_chosen(tmp_path, options, first):
    write_table(TABLE, tmp_path / "c", **options)
    assert (tmp_path / "c").read_bytes() == f"{first}\n{ROWS}".encode()


def test_a_legacy_table_keeps_its_numbers_in_the_oldest_form():
    legacy = Table({}, Provenance("legacy", parameters={"quantile": 0.999999, "cutoff": 1.0}))
    assert tensorrt_cache.to_text(legacy, "") == "03ff00000000000003feffffde7210be9\n"


def test_a_calibrator_that_tensorrt_has_not_is_written_as_entropy2():
    assert tensorrt_cache.to_text(Table({}, Provenance("percentile"))) == "TRT-8601-EntropyCalibration2\n"


@pytest.mark.parametrize(
    "options", [{"version": "8.6.1"}, {"version": "²"}, {"algorithm": "kl"}, {"header": "x"}, {"header": "1\na: 0"}]
)
def test_a_header_that_no_reader_knows_is_refused(tmp_path, options):
    with pytest.raises(UnknownNameError):
        write_table(TABLE, tmp_path / "c", **options)
    assert not list(tmp_path.iterdir())


def test_padded_rows_have_eight_digits(tmp_path):
    write_table(TABLE, tmp_path / "c", padded=True)
    assert (tmp_path / "c").read_text().splitlines()[2].endswith("_output: 00000000")
    again = read_table(tmp_path / "c")
    assert again.rows == TABLE.rows
    assert again.cautions == ()


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n"))


@given(st.dictionaries(NAMES, st.integers(0, 2**32 - 1), max_size=8), st.booleans())
def test_any_table_comes_back(tmp_path_factory, rows, padded):
    """Names of any text without a line break, scales of any bits (a signalling NaN becomes quiet), in order."""
    scales = {name: Row(float32_from_bits(bits)) for name, bits in rows.items()}
    path = tmp_path_factory.mktemp("cache") / "c"
    write_table(Table(scales, Provenance("entropy2")), path, padded=padded)
    again = read_table(path)
    assert list(again) == list(rows)
    assert [float32_bits(again[name].scale) for name in rows] == [float32_bits(row.scale) for row in scales.values()]


@pytest.mark.parametrize("name", ["a\nb", "half \ud800"])
def test_a_name_that_no_line_holds_is_refused(tmp_path, name):
    with pytest.raises(RowNotWritableError, match="the name"):
        write_table(Table({name: Row(1.0)}), tmp_path / "c")
    assert not list(tmp_path.iterdir())


HEAD = "TRT-8601-EntropyCalibration2\n"


@pytest.mark.parametrize(
    ("content", "line", "text", "message"),
    [
        ("", 1, "", "a header such as"),
        ("hello\n", 1, "hello", "a header such as"),
        ("data: 3c008912\n", 1, "data: 3c008912", "a header such as"),
        (HEAD + "data 3c008912\n", 2, "data 3c008912", "up to 8 hex digits"),
        (HEAD + "data:3c008912\n", 2, "data:3c008912", "up to 8 hex digits"),
        (HEAD + "a: 0\n\ndata: 3c00891g\n", 4, "data: 3c00891g", "up to 8 hex digits"),
        (HEAD + "data: 03c008912\n", 2, "data: 03c008912", "up to 8 hex digits"),
        (HEAD + "data: \n", 2, "data: ", "up to 8 hex digits"),
        (HEAD + "data: \u0663c\n", 2, "data: \u0663c", "up to 8 hex digits"),
        (HEAD + "a: 0\nb: 0\na: 0\n", 4, "a: 0", "'a' already stands on line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, line, text, message):
    path = tmp_path / "bad.cache"
    path.write_text(content)
    with pytest.raises(BadTableLineError, match=message) as caught:
        read_table(path)
    assert (caught.value.path, caught.value.line, caught.value.text) == (str(path), line, text)
    assert f"{path}: line {line} is {text!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"TRT-8601-EntropyCalibration2\r\na: 3f800000\r\nb:1: 0\r\n", "CRLF line ends"),
        (b"TRT-8601-EntropyCalibration2\n\na: 3f800000\n  \nb:1: 0\n", "blank lines"),
        (b"TRT-8601-EntropyCalibration2\na: 3f800000\nb:1: 0", "no newline at the end"),
        (b"TRT-8601-EntropyCalibration2\na: 3F800000\nb:1: 0\n", "case of the digits"),
        (b"TRT-8601-EntropyCalibration2\na: 3f800000  \nb:1: 000\n", "padding"),
    ],
)
def test_another_form_is_read_and_named(tmp_path, content, named):
    path = tmp_path / "c"
    path.write_bytes(content)
    table = read_table(path)
    assert {name: row.scale for name, row in table.items()} == {"a": 1.0, "b:1": 0.0}
    (caution,) = table.cautions
    assert caution.kind == "form"
    assert named in caution.message
    write_table(table, path, header=table.provenance.header)
    assert path.read_bytes() == b"TRT-8601-EntropyCalibration2\na: 3f800000\nb:1: 0\n"
    assert read_table(path).cautions == ()


@pytest.mark.parametrize("bits", ["7f800000", "ff800000", "7fc00000", "bf800000"])
def test_a_scale_that_is_none_is_read_and_named(tmp_path, bits):
    (tmp_path / "c").write_text(f"1\ngood: 3f800000\nbad: {bits}\n")
    table = read_table(tmp_path / "c")
    assert [(caution.kind, caution.tensor) for caution in table.cautions] == [("scale", "bad")]
    assert bits in table.cautions[0].message
    write_table(table, tmp_path / "c", header=table.provenance.header)
    assert (tmp_path / "c").read_text() == f"1\ngood: 3f800000\nbad: {bits}\n"


@pytest.mark.witness
def test_real_caches_survive(oracle_folder, tmp_path, compared):
    """15 caches, TensorRT 5.1 to 10.3 and older: read, and written back byte for byte."""
    rows = size = files = 0
    for path in sorted((oracle_folder / "tensorrt" / "caches").iterdir()):
        content, table = path.read_bytes(), read_table(path)
        assert table.provenance.header == content.split(b"\n")[0].decode()
        assert table.provenance.method in {"entropy2", "entropy", "minmax", "legacy"}
        assert {caution.kind for caution in table.cautions} <= {"scale"}
        write_table(table, tmp_path / "again", header=table.provenance.header)
        assert (tmp_path / "again").read_bytes() == content
        rows, size, files = rows + len(table), size + len(content), files + 1
    compared(rows, least=2813, what="rows")
    compared(size, least=120_000, what="bytes")
    assert files == 15
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


@pytest.mark.witness
def test_the_real_legacy_and_digit_headers(oracle_folder):
    caches = oracle_folder / "tensorrt" / "caches"
    legacy = read_table(caches / "vkaser_tensorrt_data_mnist_LegacyCalibrationTable").provenance
    assert (legacy.method, legacy.parameters) == ("legacy", {"quantile": 0.999999, "cutoff": 1.0})
    oldest = read_table(caches / "modricwang_Pytorch-Model-to-TensorRT_calibration_cache.bin_9751a04").provenance
    assert (oldest.method, oldest.header, oldest.parameters) == ("entropy", "1", {})


def test_the_doubles_of_a_legacy_header_are_exact():
    header = Header.parse("0" + struct.pack(">2d", 0.1, 0.2).hex())
    assert (header.cutoff, header.quantile) == (0.1, 0.2)
