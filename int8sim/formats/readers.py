"""How other programs read a calibration table, line by line: what each gets, skips, or stops at.

Each rule is the program's own, read in its source, with its mistakes: that is what a table is linted against.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from int8sim.formats.nvdla_json import PYTHON2_SPACE
from int8sim.spec.float32 import float32, float32_from_bits

C_HEX = re.compile(r"[ \t\n\r\v\f]*([+-]?)(?:0[xX](?=[0-9a-fA-F]))?([0-9a-fA-F]+)")
"""What strtoul, strtol and std::stoi take at base 16: a prefix of the text."""
INT_MAX = 2**31 - 1


class Stopped(Exception):  # noqa: N818 (what a reader does, not an error of this one)
    """The reader gives the whole file up at this line. The text says how."""


@dataclass(frozen=True)
class Entry:
    """A row as a reader gets it. scale: exactly float32."""

    name: str
    scale: float


@dataclass(frozen=True)
class Reader:
    """A program that reads TensorRT's calibration cache.

    title: for people. source: where its rule stands. header: the first line. row: another line, without its LF -> an
    entry, or None where the program passes over it silently. Both raise Stopped. missing: what becomes of a tensor
    without a row.
    """

    name: str
    title: str
    source: str
    header: Callable[[str], None]
    row: Callable[[str], Entry | None]
    missing: str


def trtexec_row(line: str) -> Entry | None:
    """The last colon ends the name; 8 characters from the second one behind it, as std::stoi reads them at base 16."""
    colon = line.rfind(":")
    if colon < 0:
        return None
    if colon + 2 > len(line):
        raise Stopped("std::string::substr throws std::out_of_range: nothing stands behind the colon")
    found = C_HEX.match(line[colon + 2 : colon + 10])
    if not found:
        raise Stopped("std::stoi throws std::invalid_argument: no hex digits")
    bits = int(found[1] + found[2], 16)
    if not -INT_MAX - 1 <= bits <= INT_MAX:
        raise Stopped("std::stoi throws std::out_of_range: bits above 7fffffff are a negative scale")
    return Entry(line[:colon], float32_from_bits(bits & 0xFFFFFFFF))


def onnxruntime_header(line: str) -> None:
    """The text up to the first colon must hold `TRT-`."""
    if "TRT-" not in line.partition(":")[0]:
        raise Stopped("the session fails: `This is not a TensorRT generated calibration table`")


def onnxruntime_row(line: str) -> Entry:
    """The FIRST colon ends the name, the second the value; strtoul reads it, 0 where there are no digits."""
    name, colon, rest = line.partition(":")
    found = C_HEX.match(rest.partition(":")[0] if colon else name)
    return Entry(name, onnxruntime_float((int(found[1] + found[2], 16) if found else 0) & 0xFFFFFFFFFFFFFFFF))


def onnxruntime_float(bits: int) -> float:
    """ConvertSinglePrecisionIEEE754ToFloat: always an implicit leading 1, so 0 is 2**-127 and NaN is infinite."""
    significand = 1.0 + (bits & 0x7FFFFF) * 2.0**-23
    sign = -1.0 if bits >> 31 & 1 else 1.0
    return float32(sign * 2.0 ** ((bits >> 23 & 0xFF) - 127) * significand)


def nvdla_row(line: str) -> Entry | None:
    """Exactly two fields at every colon, or the line is passed over; Python 2's str.decode("hex"), big-endian float."""
    fields = line.strip(PYTHON2_SPACE).split(":")
    if len(fields) != 2:
        return None
    name, digits = (field.strip(PYTHON2_SPACE) for field in fields)
    if len(digits) % 2 or re.search(r"[^0-9a-fA-F]", digits):
        raise Stopped("str.decode('hex') raises TypeError: an even number of hex digits is needed")
    if len(digits) != 8:
        raise Stopped("struct.unpack('>f') raises struct.error: 8 hex digits are needed")
    return Entry(name, float32_from_bits(int(digits, 16)))


def modelopt_row(line: str) -> Entry:
    """Split at every `: ` into exactly two; bytes.fromhex, a big-endian float. `_scale` is appended to the name."""
    fields = line.removesuffix("\r").split(": ")
    if len(fields) != 2:
        raise Stopped(f"ValueError: split at ': ' gives {len(fields)} fields, 2 are unpacked")
    try:
        (scale,) = struct.unpack("!f", bytes.fromhex(fields[1]))
    except (ValueError, struct.error):
        raise Stopped("ValueError, `Scale value for tensor ... was not found!`: 8 hex digits are needed") from None
    return Entry(fields[0], scale)


def any_header(line: str) -> None:
    """The first line is not looked at, or has no colon and is passed over."""
    del line


READERS: Mapping[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader(
            "tensorrt",
            "TensorRT",
            "readScalesFromCalibrationCache in NVIDIA/TensorRT release/8.6:samples/common/sampleEngines.cpp (trtexec; "
            "the reader inside TensorRT is not public)",
            any_header,
            trtexec_row,
            "TensorRT warns of a missing scale and zero-point, and layers at it fall back to float",
        ),
        Reader(
            "onnxruntime",
            "ONNX Runtime's TensorRT provider",
            "ReadDynamicRange in microsoft/onnxruntime:onnxruntime/core/providers/tensorrt/"
            "tensorrt_execution_provider_utils.h",
            onnxruntime_header,
            onnxruntime_row,
            "the tensor gets no dynamic range, and layers at it fall back to float",
        ),
        Reader(
            "nvdla",
            "NVDLA",
            "nvdla/sw:umd/utils/calibdata/calib_txt_to_json.py and umd/apps/compiler/ParseTest.cpp",
            any_header,
            nvdla_row,
            "NVDLA's compiler looks the name up and aborts on an assertion",
        ),
        Reader(
            "modelopt",
            "nvidia-modelopt",
            "import_scales_from_calib_cache in modelopt/onnx/quantization/calib_utils.py and replace_scale_values in "
            "qdq_utils.py, 0.47",
            any_header,
            modelopt_row,
            "if modelopt quantizes it, it stops: `Weight tensor ... not found in graph initializers`",
        ),
    )
}
"""By the name that the command line spells."""
