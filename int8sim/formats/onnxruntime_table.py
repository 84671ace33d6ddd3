"""ONNX Runtime's calibration table as text: `tensor value` a line, sorted by name, no header.

value is the dynamic range, not the scale: the greatest |value| of a symmetric calibration. It is the readable one of
three files that onnxruntime.quantization.quant_utils.write_calibration_table writes (calibration.cache), and shares its
name with TensorRT's cache, not its form. ORT writes max(highest, lowest): of a tensor calibrated without symmetry whose
low end is the greater, the range is lost; negative ones are refused here.

What ORT's TensorRT provider reads is not this text but its twin in flatbuffers, or a TensorRT cache where
trt_int8_use_native_calibration_table is set; either way it makes range = scale * 127 and calls setDynamicRange, and in
the cache the first colon ends a name (ReadDynamicRange in tensorrt_execution_provider_utils.h).
"""

from __future__ import annotations

import os

from int8sim.formats.dynamic_range import changed, usable_range
from int8sim.formats.text import check_names
from int8sim.formats.written import Written
from int8sim.model.ranges import read_ranges
from int8sim.model.table import Provenance, Table

OPTIONS = ()
"""What write_table may be asked beside the table."""


def to_text(table: Table) -> str:
    """The file as a string. Raises RowNotWritableError, BadScaleError."""
    check_names(table, "an ONNX Runtime table")
    return "".join(f"{name} {usable_range(name, table[name].scale)}\n" for name in sorted(table))


def written(table: Table) -> Written:
    """`to_text`, with a caution for each scale that no range gives. Raises RowNotWritableError, BadScaleError."""
    return Written(to_text(table), table, changed(table, "TensorRT"))


def read(path: str | os.PathLike[str]) -> Table:
    """The rows, scale = float32(range / 127). Raises BadTableLineError, NotATableError."""
    table = Table.from_ranges(read_ranges(path, " "))
    return Table(table.rows, Provenance(producer="ONNX Runtime"))
