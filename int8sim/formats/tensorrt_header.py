"""The first line of a TensorRT calibration cache: which calibrator wrote it, in which release.

`TRT-<number>-<algorithm>` since TensorRT 5: 5100 for 5.1.0 up to 8602, 100300 for 10.3.0 (major * 10000 from 10 on).
Before, the number of the algorithm in nvinfer1::CalibrationAlgoType alone, `1`; the legacy calibrator's `0` is followed
by regression cutoff and quantile, each as the 16 hex digits of a double. How a newer header would carry these two has
not been seen. Source: 24 real files, TensorRT 5.1 to 10.3 and older; NvInfer.h.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from int8sim.model.errors import UnknownNameError

ALGORITHMS = {
    "legacy": "LegacyCalibration",
    "entropy": "EntropyCalibration",
    "entropy2": "EntropyCalibration2",
    "minmax": "MinMaxCalibration",
}
"""Calibrator -> TensorRT's name, in the order of nvinfer1::CalibrationAlgoType."""

EXAMPLES = ("TRT-8601-EntropyCalibration2", "1", "03ff00000000000003feffffde7210be9")

_RELEASED = re.compile(r"TRT-(\d+)-(\w+)", re.ASCII)
_OLD = re.compile(r"[0-3]", re.ASCII)
_LEGACY = re.compile(r"0([0-9a-f]{16})([0-9a-f]{16})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """method: entropy2, entropy, minmax or legacy. version: TensorRT's number, "" in the oldest form.

    cutoff, quantile: the legacy calibrator's, float64, where the header has them.
    """

    method: str
    version: str = ""
    cutoff: float | None = None
    quantile: float | None = None

    @classmethod
    def parse(cls, line: str) -> Header | None:
        """The header in a line without its end; None if it is none. Spaces around it are not looked at."""
        line = line.strip()
        methods = {name: method for method, name in ALGORITHMS.items()}
        if (released := _RELEASED.fullmatch(line)) and released[2] in methods:
            return cls(methods[released[2]], released[1])
        if _OLD.fullmatch(line):
            return cls(list(ALGORITHMS)[int(line)])
        if legacy := _LEGACY.fullmatch(line):
            return cls("legacy", "", *(struct.unpack(">d", bytes.fromhex(word))[0] for word in legacy.groups()))
        return None

    def text(self) -> str:
        """The line, without its end."""
        if self.version:
            return f"TRT-{self.version}-{ALGORITHMS[self.method]}"
        if self.cutoff is not None and self.quantile is not None:
            return f"0{struct.pack('>2d', self.cutoff, self.quantile).hex()}"
        return str(list(ALGORITHMS).index(self.method))

    @property
    def parameters(self) -> dict[str, float]:
        """The calibrator's numbers by name."""
        numbers = {"quantile": self.quantile, "cutoff": self.cutoff}
        return {name: value for name, value in numbers.items() if value is not None}


def method_named(algorithm: str) -> str:
    """The calibrator of a name, ours ("entropy2") or TensorRT's ("EntropyCalibration2"). Raises UnknownNameError."""
    for method, name in ALGORITHMS.items():
        if algorithm in (method, name):
            return method
    raise UnknownNameError("TensorRT calibration algorithm", algorithm, [*ALGORITHMS, *ALGORITHMS.values()])


def checked_version(version: str) -> str:
    """The version number. Raises UnknownNameError for anything but digits, or nothing for the oldest form."""
    if version and not (version.isascii() and version.isdigit()):
        raise UnknownNameError("TensorRT version number", version, ("7202", "8601", "100300"))
    return version
