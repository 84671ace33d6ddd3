"""MNIST's IDX files, plain or gzipped: images, labels, any element type.

00 00, type, number of dimensions; each dimension as a big-endian 32-bit word; the values, big-endian, in C order
(LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "The IDX file format").
"""

from __future__ import annotations

import gzip
import math
import os
import struct
from functools import partial
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from int8sim.calibration.streams.arrays import ArraySamples
from int8sim.calibration.streams.records import Records
from int8sim.calibration.streams.samples import Samples, check_array, reading
from int8sim.model.errors import NotADataSetError

DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The third byte -> element type."""
GZIP = b"\x1f\x8b"


def first_bytes(path: Path) -> bytes:
    """The first four bytes of a file, unpacked where it is gzipped. Raises NotADataSetError."""
    with reading(path), _unpacked(path) as file:
        return file.read(4)


def is_idx(head: bytes) -> bool:
    """Whether a file that starts with these four bytes is an IDX file."""
    return len(head) == 4 and head[:2] == b"\0\0" and head[2] in DTYPES and head[3] > 0


def open_idx(path: Path) -> Samples:
    """A file that `is_idx`: a plain one is mapped into memory, a gzipped one unpacked as it is read.

    Raises NotADataSetError where magic, dimensions and size do not agree, EmptyDataSetError.
    """
    with reading(path), _unpacked(path) as file:
        dtype, dims = _header(path, file)
        offset = file.tell()
    check_array(path, dtype, dims)
    expected = offset + dtype.itemsize * math.prod(dims)
    with reading(path):
        packed = _is_gzip(path)
        found = _inflated_size(path, expected) if packed else path.stat().st_size
        if found != expected:
            raise NotADataSetError(path, f"its header says {list(dims)}, {expected:,} bytes; the file has {found:,}")
        if not packed:
            return ArraySamples(np.memmap(path, dtype, "r", offset, dims), str(path))
        stream = _unpacked(path)
        stream.seek(offset)
        return Records(path, stream, dtype, dims)


def _is_gzip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP


def _unpacked(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path) if _is_gzip(path) else path.open("rb"))


def _header(path: Path, file: IO[bytes]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    head = file.read(4)
    words = file.read(4 * head[3])
    if len(words) != 4 * head[3]:
        raise NotADataSetError(path, f"truncated: its header of {head[3]} dimensions ends after {4 + len(words)} bytes")
    return np.dtype(DTYPES[head[2]]), struct.unpack(f">{head[3]}I", words)


def _inflated_size(path: Path, expected: int) -> int:
    """Bytes in a gzip file: `expected` where the trailer's word says so (RFC 1952, ISIZE), else counted."""
    with path.open("rb") as file:
        file.seek(-4, os.SEEK_END)
        if int.from_bytes(file.read(4), "little") == expected % 2**32:
            return expected
    with gzip.open(path) as stream:
        return sum(map(len, iter(partial(stream.read, 1 << 20), b"")))
