"""ONNX Runtime's calibration table: bytes equal to those its own writer writes, and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import onnxruntime_table
from int8sim.formats.dynamic_range import through_range
from int8sim.formats.registry import read_table, write_table
from int8sim.model.errors import BadScaleError, BadTableLineError, RowNotWritableError
from int8sim.model.table import Row, Table
from int8sim.spec.float32 import float32_from_bits


def test_text_is_sorted_and_has_no_header():
    table = Table({"z": Row(1.0), "a b:0": Row(0.5), "é": Row(0.0)})
    assert onnxruntime_table.to_text(table) == "a b:0 63.5\nz 127.0\né 0.0\n"


@pytest.mark.engine
def test_the_bytes_are_those_of_onnxruntime(tmp_path, compared):
    """Its write_calibration_table, given the range of each scale, low and high, for 1,000 tensors."""
    calibrate = pytest.importorskip("onnxruntime.quantization.calibrate")
    from onnxruntime.quantization.quant_utils import write_calibration_table

    scales = np.exp(np.random.default_rng(0).normal(0, 8, 1000)).astype(np.float32)
    table = Table({f"layer/{i}: (x) {i * i}:0": Row(float(scale)) for i, scale in enumerate(scales)})
    ranges = dict(zip(table, scales * np.float32(127), strict=True))
    data = {name: calibrate.TensorData(lowest=-np.array(amax), highest=np.array(amax)) for name, amax in ranges.items()}
    write_calibration_table(calibrate.TensorsData(calibrate.CalibrationMethod.MinMax, data), str(tmp_path))
    expected = (tmp_path / "calibration.cache").read_bytes()
    write_table(table, tmp_path / "ours", format="onnxruntime")
    assert (tmp_path / "ours").read_bytes() == expected
    again = read_table(tmp_path / "calibration.cache", "onnxruntime")
    assert {name: np.float32(row.scale) for name, row in again.items()} == {
        name: amax / np.float32(127) for name, amax in ranges.items()
    }
    compared(len(table), least=1000)


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\n"))


@given(st.dictionaries(NAMES, st.integers(0, 0x7B000000)))
def test_any_table_comes_back_but_for_the_scales_that_are_named(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("ort") / "t"
    scales = {name: float32_from_bits(bits) for name, bits in rows.items()}
    cautions = write_table(Table({name: Row(scale) for name, scale in scales.items()}), path, format="onnxruntime")
    again = read_table(path, "onnxruntime")
    assert list(again) == sorted(rows)
    assert {name: row.scale for name, row in again.items()} == {name: through_range(x) for name, x in scales.items()}
    assert {name for name in rows if again[name].scale != scales[name]} == {caution.tensor for caution in cautions}


@pytest.mark.parametrize("scale", [-1.0, float("inf"), float("nan"), 3e38])
def test_a_scale_without_a_range_is_refused(tmp_path, scale):
    with pytest.raises(BadScaleError, match="tensor 'a'"):
        write_table(Table({"a": Row(scale)}), tmp_path / "t", format="onnxruntime")
    assert not list(tmp_path.iterdir())


def test_a_name_with_a_line_break_is_refused(tmp_path):
    with pytest.raises(RowNotWritableError, match="line break"):
        write_table(Table({"a\nb": Row(1.0)}), tmp_path / "t", format="onnxruntime")


@pytest.mark.parametrize(
    ("content", "line", "message"),
    [
        ("a 1.0\nb\n", 2, "greatest .value.. is needed"),
        ("a 1.0\nb x\n", 2, "greatest .value.. is needed"),
        ("a -1.0\n", 1, "range -1.0 is not usable"),
        ("a nan\n", 1, "range nan is not usable"),
        ("a 1e39\n", 1, r"range 1e\+39 is not usable"),
        ("a 1.0\n\na 1.0\n", 3, "'a' already stands on line 1"),
    ],
)
def test_a_bad_line_is_named(tmp_path, content, line, message):
    path = tmp_path / "t"
    path.write_text(content)
    with pytest.raises(BadTableLineError, match=message) as caught:
        read_table(path, "onnxruntime")
    assert (caught.value.path, caught.value.line) == (str(path), line)
