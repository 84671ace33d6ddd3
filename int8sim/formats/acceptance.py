"""Whether TensorRT reuses a calibration cache or calibrates again.

Documented, not measured: no TensorRT has been run to confirm it.
- The builder calibrates again only if the cache is missing, or incompatible with the TensorRT version or the calibrator
  variant it was made with: NVIDIA/TensorRT release/5.1:samples/opensource/sampleINT8/README.md, "Calibrator interface".
- What else than the same version is compatible is written nowhere. Asked about 7.2.1 and 7.2.3, the maintainers answer:
  try it, TensorRT skips the file if it is incompatible (NVIDIA/TensorRT issue #1378). Here another version is another.
- A cache whose regression cutoff and quantile are not the legacy calibrator's is not used: documentation of
  IInt8LegacyCalibrator and of IInt8Calibrator::readCalibrationCache.
- TensorRT 11 has no calibrator: its headers hold no such class.
A changed network or data set is the application's business, as the same documentation says: nothing here looks at them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from int8sim.formats.tensorrt_header import ALGORITHMS, Header, checked_version, method_named
from int8sim.model.table import Table

LAST_MAJOR = 10
"""The last TensorRT that calibrates."""


@dataclass(frozen=True)
class Acceptance:
    """Truthy if TensorRT reuses the cache. reason: one sentence, either way."""

    accepted: bool
    reason: str

    def __bool__(self) -> bool:
        return self.accepted


def accepts(
    table: Table, version: str, algorithm: str = "entropy2", parameters: Mapping[str, float] | None = None
) -> Acceptance:
    """Whether a TensorRT of this version reuses the cache that `table` was read from, by its documentation.

    version: its number, 8601 for 8.6.1, 100300 for 10.3. algorithm: that of its calibrator, entropy2, entropy, minmax,
    legacy, or TensorRT's name for it. parameters: the legacy calibrator's quantile and cutoff, where they are known.
    The rule is documented, not measured; its sources stand at the head of this module. Raises UnknownNameError.
    """
    method, number = method_named(algorithm), checked_version(version)
    header = Header.parse(table.provenance.header)
    if header is None:
        return Acceptance(False, "the table was not read from a TensorRT cache: there is no header to compare")
    reason = _refusal(header, number, method, parameters or {})
    same = f"version {number or 'unknown'} and {ALGORITHMS[method]} are those of the cache"
    return Acceptance(not reason, reason or f"{same}: TensorRT takes its scales and does not calibrate")


def _refusal(header: Header, version: str, method: str, parameters: Mapping[str, float]) -> str:
    """Why the cache is not used; "" if it is."""
    if version and _major(version) > LAST_MAJOR:
        return f"TensorRT {_major(version)} has no calibrator and reads no cache; quantize the network explicitly"
    if header.method != method:
        return f"the cache is of {ALGORITHMS[header.method]}, the calibrator is {ALGORITHMS[method]}: calibrated again"
    if header.version != version:
        written = f"version {header.version}" if header.version else "an old release that does not name itself"
        return (
            f"the cache was written by {written}, not by {version or 'such a release'}: no document promises that it "
            "is compatible. TensorRT skips it and calibrates again if it is not (NVIDIA/TensorRT issue 1378)"
        )
    for name, value in header.parameters.items():
        if parameters.get(name, value) != value:
            return f"the cache's {name} is {value!r}, the calibrator's {parameters[name]!r}: calibrated again"
    return ""


def _major(version: str) -> int:
    """The number is major * 1000 + minor * 100 + patch up to TensorRT 9, and major * 10000 + ... from 10 on."""
    number = int(version)
    return number // 10000 if number >= 100000 else number // 1000
