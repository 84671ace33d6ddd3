"""Raw batch files of TensorRT's samples: PREFIX0, PREFIX1 ... or PREFIX0.batch, PREFIX1.batch ...

Each is int32 N, C, H, W, then N * C * H * W float32, then N float32 labels or none, little-endian, the same N, C, H, W
in every file (NVIDIA/TensorRT:samples/common/BatchStream.h, release/6.0; older samples read batches/batch0 ...).
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path

import numpy as np

from int8sim.calibration.streams.samples import check_array, reading
from int8sim.model.errors import NotADataSetError
from int8sim.model.step import Array

HEADER = struct.Struct("<4i")
NUMBER = "(?:0|[1-9][0-9]*)"
NAMED = re.compile(rf"(.*[^0-9])??{NUMBER}(\.batch)|(batch){NUMBER}")
"""What a folder of them holds: PREFIX and ending, or the PREFIX of old samples."""


class BatchFiles:
    """The files of one prefix, as one data set; only the part asked for is read. Labels are left alone."""

    layout = "NCHW"

    def __init__(self, folder: Path, prefix: str, ending: str) -> None:
        """Raises NotADataSetError for a file that is missing, truncated or unlike the first, EmptyDataSetError."""
        self._paths = _numbered(folder, prefix, ending)
        self.source = str(self._paths[0])
        dims = _dims(self._paths[0])
        for path in self._paths:
            _check(path, dims)
        self._per_file, self.shape = dims[0], dims[1:]

    def __len__(self) -> int:
        return self._per_file * len(self._paths)

    def read(self, start: int, stop: int) -> Array:
        """float32 [stop - start, C, H, W], from as many files as it takes."""
        parts = []
        for number in range(start // self._per_file, -(-stop // self._per_file)):
            first = number * self._per_file
            parts.append(self._part(number, max(start - first, 0), min(stop - first, self._per_file)))
        return np.concatenate(parts)

    def _part(self, number: int, start: int, stop: int) -> Array:
        dims = (stop - start, *self.shape)
        with reading(self._paths[number]):
            offset = HEADER.size + 4 * start * math.prod(self.shape)
            values = np.fromfile(self._paths[number], "<f4", math.prod(dims), offset=offset)
            return values.reshape(dims).astype(np.float32, copy=False)


def find_prefix(where: Path) -> tuple[Path, str, str] | None:
    """Folder, prefix and ending of the batch files in a folder, or at a prefix; None where there are none.

    In a folder: `batch0`, or `NAME0.batch`. Raises NotADataSetError for a folder with more than one prefix.
    """
    if not where.is_dir():
        endings = (ending for ending in (".batch", "") if Path(f"{where}0{ending}").is_file())
        return next(((where.parent, where.name, ending) for ending in endings), None)
    with reading(where):
        names = (NAMED.fullmatch(path.name) for path in where.iterdir() if path.is_file())
        found = {(name[1] or name[3] or "", name[2] or "") for name in names if name}
    if len(found) > 1:
        known = ", ".join(sorted(f"{where / prefix}" for prefix, _ in found))
        raise NotADataSetError(where, f"holds batch files of several prefixes; name one: {known}")
    return next(((where, prefix, ending) for prefix, ending in found), None)


def _numbered(folder: Path, prefix: str, ending: str) -> list[Path]:
    """PREFIX0ENDING, PREFIX1ENDING ... Raises NotADataSetError for a gap."""
    pattern = re.compile(f"{re.escape(prefix)}({NUMBER}){re.escape(ending)}")
    with reading(folder):
        names = (pattern.fullmatch(path.name) for path in folder.iterdir())
        found = sorted(int(name[1]) for name in names if name)
    gap = next((place for place, number in enumerate(found) if number != place), None)
    if gap is not None:
        missing = folder / f"{prefix}{gap}{ending}"
        raise NotADataSetError(missing, f"no such file; the batch files beside it are numbered up to {found[-1]}")
    return [folder / f"{prefix}{number}{ending}" for number in found]


def _dims(path: Path) -> tuple[int, ...]:
    with reading(path), path.open("rb") as file:
        words = file.read(HEADER.size)
    if len(words) < HEADER.size:
        raise NotADataSetError(path, f"truncated: {len(words)} bytes; a batch file starts with N, C, H, W, 16 bytes")
    dims = HEADER.unpack(words)
    if min(dims) < 0:
        raise NotADataSetError(path, f"no batch file of TensorRT's samples: N, C, H, W are {list(dims)}")
    check_array(path, np.dtype(np.float32), dims)
    return dims


def _check(path: Path, dims: tuple[int, ...]) -> None:
    if (found := _dims(path)) != dims:
        raise NotADataSetError(path, f"N, C, H, W are {list(found)}; those of batch 0 are {list(dims)}")
    bare = HEADER.size + 4 * math.prod(dims)
    size, labelled = path.stat().st_size, bare + 4 * dims[0]
    if size not in {bare, labelled}:
        needed = f"N, C, H, W = {list(dims)} needs {bare:,}, or {labelled:,} with labels"
        raise NotADataSetError(path, f"{size:,} bytes; {needed}")
