"""FILE.h5:DATASET."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from int8sim.calibration.streams.samples import check_array, choose, reading
from int8sim.model.step import Array


class Hdf5Samples:
    """A dataset [N, ...]; the file is open only while it is read."""

    layout = ""

    def __init__(self, path: Path, name: str = "") -> None:
        """name: of the dataset; may be left out where there is only one. Raises NotADataSetError, EmptyDataSetError."""
        import h5py

        self.source = str(path)
        with reading(path), h5py.File(path, "r") as file:
            names: list[str] = []
            file.visititems(lambda key, item: names.append(key) if isinstance(item, h5py.Dataset) else None)
            self._name = choose(path, name, names)
            dtype, dims = file[self._name].dtype, file[self._name].shape
        check_array(path, dtype, dims)
        self._dims: tuple[int, ...] = dims
        self.shape = self._dims[1:]

    def __len__(self) -> int:
        return self._dims[0]

    def read(self, start: int, stop: int) -> Array:
        """In the machine's byte order."""
        import h5py

        with reading(self.source), h5py.File(self.source, "r") as file:
            values = file[self._name][start:stop]
            return np.asarray(values, values.dtype.newbyteorder("="))
