"""Arrays in memory and .npy files, which are mapped into memory and never read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from int8sim.calibration.streams.samples import Samples, check_array, reading
from int8sim.model.step import Array


class ArraySamples:
    """An array [N, ...], in memory or mapped, as Samples."""

    layout = ""

    def __init__(self, array: Array, source: str) -> None:
        self.source, self.shape = source, array.shape[1:]
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def read(self, start: int, stop: int) -> Array:
        """A copy, in the machine's byte order."""
        part = self._array[start:stop]
        return np.array(part, part.dtype.newbyteorder("="))


def open_npy(path: Path) -> Samples:
    """FILE.npy. Raises NotADataSetError, EmptyDataSetError."""
    with reading(path):
        array = np.lib.format.open_memmap(path, mode="r")
    check_array(path, array.dtype, array.shape)
    return ArraySamples(array, str(path))
