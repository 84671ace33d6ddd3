"""One group of a golden file as a mapping whose arrays are read when they are asked for, whole or some samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from int8sim.golden.graph_json import tensor_key
from int8sim.model.errors import DamagedDataSetError
from int8sim.model.step import Array


class DataSets(Mapping[str, Array]):
    """Tensor name -> array. The file is opened for every reading, and is not held between."""

    def __init__(self, path: Path, group: str, data_sets: Mapping[str, h5py.Dataset]) -> None:
        """data_sets: of the open file, by tensor. samples, dtypes: how many samples each tensor has, of which type."""
        self.path, self.group = path, group
        self.samples = {name: len(each) for name, each in data_sets.items()}
        self.dtypes: dict[str, np.dtype[Any]] = {name: np.dtype(each.dtype) for name, each in data_sets.items()}

    def __getitem__(self, name: str) -> Array:
        return self.rows(name, 0, self.samples[name])

    def __contains__(self, name: object) -> bool:
        return name in self.samples

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
