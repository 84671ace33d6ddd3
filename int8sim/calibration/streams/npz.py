"""FILE.npz:NAME, one array of an archive, unpacked as it is read."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from int8sim.calibration.streams.arrays import ArraySamples
from int8sim.calibration.streams.records import Records
from int8sim.calibration.streams.samples import Samples, check_array, choose, reading
from int8sim.model.errors import NotADataSetError

HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""Version of the .npy format -> reader; version 3 exists for field names outside Latin-1 only."""


def open_npz(path: Path, name: str = "") -> Samples:
    """The named array, or the only one; an array in Fortran order is read whole. Raises NotADataSetError."""
    with reading(path), zipfile.ZipFile(path) as archive:
        names = [member.removesuffix(".npy") for member in archive.namelist() if member.endswith(".npy")]
        member = f"{choose(path, name, names)}.npy"
        stream, held = archive.open(member), archive.getinfo(member).file_size
    with reading(path):
        shape, fortran, dtype = _header(stream)
        expected = stream.tell() + dtype.itemsize * math.prod(shape)
    check_array(path, dtype, shape)
    if held != expected:
        raise NotADataSetError(path, f"{member} holds {held:,} bytes; {dtype} {list(shape)} needs {expected:,}")
    return _whole(path, stream) if fortran else Records(path, stream, dtype, shape)


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        msg = f"version {version} of the .npy format; allowed: 1.0 and 2.0"
        raise ValueError(msg)
    shape, fortran, dtype = HEADERS[version](stream)
    return shape, fortran, dtype


def _whole(path: Path, stream: IO[bytes]) -> Samples:
    with reading(path), stream:
        stream.seek(0)
        return ArraySamples(np.lib.format.read_array(stream, allow_pickle=False), str(path))
