"""One group of a golden file as a mapping whose arrays are read when they are asked for, whole or some samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from int8sim.golden.graph_json import tensor_key
from int8sim.model.errors import DamagedDataSetError
from int8sim.model.step import Array


class DataSets(Mapping[str, Array]):
    """Tensor name -> array. The file is opened for every reading, and is not held between."""

    def __init__(self, path: Path, group: str, samples: Mapping[str, int]) -> None:
        """samples: how many each tensor has."""
        self.path, self.group, self.samples = path, group, dict(samples)

    def __getitem__(self, name: str) -> Array:
        return self.rows(name, 0, self.samples[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.samples)

    def __len__(self) -> int:
        return len(self.samples)

    def rows(self, name: str, start: int, stop: int) -> Array:
        """Samples start .. stop - 1, those of them that are recorded. Raises DamagedDataSetError."""
        key = f"/{self.group}/{tensor_key(name)}"
        try:
            with h5py.File(self.path, "r") as file:
                return np.asarray(file[key][start:stop])
        except (OSError, KeyError) as problem:
            raise DamagedDataSetError(self.path, key, f"it cannot be read: {problem}") from None
