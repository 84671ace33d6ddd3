"""Writing a golden file's data sets: the constants whole, the tensors some samples at a time."""

from __future__ import annotations

import hashlib
from typing import Any

import h5py
import numpy as np

from int8sim.golden.digests import content_hash, little_endian, rows_of
from int8sim.model.step import Array

CHUNK = 1 << 16
"""Bytes of small samples that are compressed together; a larger sample is a chunk by itself."""
LEAST = 256
"""Values below which nothing is compressed."""


def put(file: h5py.File, key: str, values: Array) -> None:
    """A whole data set, with its hash."""
    data_set = file.create_dataset(key, data=values, track_times=False, **storage(values.shape, values.dtype))
    data_set.attrs["sha256"] = content_hash([values])


def storage(shape: tuple[int, ...], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Chunks of whole samples, and zlib's fastest level, which every reader of HDF5 has."""
    if not shape or np.prod(shape, dtype=np.int64) < LEAST:
        return {}
    rows = min(shape[0], rows_of(shape, dtype.itemsize, CHUNK))
    return {
        "chunks": (rows, *shape[1:]),
        "compression": "gzip",
        "compression_opts": 1,
        "shuffle": dtype.itemsize > 1,
    }


class Column:
    """A data set of a known number of samples that come one after the other."""

    def __init__(self, file: h5py.File, key: str, samples: int, like: Array) -> None:
        """like: an array of its dtype, whose axes behind the first are its own."""
        shape, dtype = (samples, *like.shape[1:]), like.dtype.newbyteorder("<")
        self.data_set = file.create_dataset(key, shape, dtype, track_times=False, **storage(shape, dtype))
        self._hash, self._filled = hashlib.sha256(), 0

    def append(self, values: Array) -> None:
        """The next samples; those beyond the number that was asked for are left out."""
        part = little_endian(values[: len(self.data_set) - self._filled])
        if len(part):
            self.data_set[self._filled : self._filled + len(part)] = part
        self._hash.update(part.data)
        self._filled += len(part)

    def close(self) -> None:
        """Write the hash of everything appended."""
        self.data_set.attrs["sha256"] = self._hash.hexdigest()
