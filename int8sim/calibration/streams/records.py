"""Samples in a stream that is unpacked as it is read: gzip, or a member of a zip file."""

from __future__ import annotations

import math
import weakref
from pathlib import Path
from typing import IO, Any

import numpy as np

from int8sim.calibration.streams.samples import reading
from int8sim.model.errors import NotADataSetError
from int8sim.model.step import Array


class Records:
    """Values of one dtype, C order, shape [N, ...], from an offset of a stream; to read backward unpacks it again."""

    layout = ""

    def __init__(self, path: Path, stream: IO[bytes], dtype: np.dtype[Any], dims: tuple[int, ...]) -> None:
        """stream: at the first value; closed with this object."""
        self.source, self.shape = str(path), dims[1:]
        self._count, self._dtype, self._size = dims[0], dtype, dtype.itemsize * math.prod(dims[1:])
        self._stream, self._offset = stream, stream.tell()
        weakref.finalize(self, stream.close)

    def __len__(self) -> int:
        return self._count

    def read(self, start: int, stop: int) -> Array:
        """Unpacks what lies before `start` if it has not been read yet."""
        wanted = (stop - start) * self._size
        with reading(self.source):
            self._stream.seek(self._offset + start * self._size)
            content = self._stream.read(wanted)
        if len(content) != wanted:
            raise NotADataSetError(self.source, f"truncated: it ends within samples {start} to {stop - 1}")
        values = np.frombuffer(content, self._dtype).reshape(stop - start, *self.shape)
        return values.astype(self._dtype.newbyteorder("="))
