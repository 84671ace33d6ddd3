"""Data named on the command line: FILE.npy, FILE.npz[:name], FILE.h5:dataset."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from int8sim.graph.ir import Graph
from int8sim.model.errors import FileProblemError, InputMismatchError
from int8sim.model.step import Array


def load_array(where: str) -> Array:
    """The named array. Raises FileProblemError, which says what the file holds."""
    path, name = _split(where)
    if not path.is_file():
        raise FileProblemError(path, "no such file")
    try:
        if path.suffix == ".npy":
            return np.asarray(np.load(path, allow_pickle=False))
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                return np.asarray(archive[_choose(path, name, list(archive))])
        if path.suffix in {".h5", ".hdf5"}:
            return _from_hdf5(path, name)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as problem:
        raise FileProblemError(path, f"cannot be read: {problem}") from None
    raise FileProblemError(path, "data must be .npy, .npz or .h5")


def _split(where: str) -> tuple[Path, str]:
    for ending in (".npz", ".npy", ".h5", ".hdf5"):
        head, found, name = where.partition(f"{ending}:")
        if found:
            return Path(head + ending), name
    return Path(where), ""


def _choose(path: Path, name: str, names: list[str]) -> str:
    if not name and len(names) == 1:
        return names[0]
    if name not in names:
        raise FileProblemError(path, f"name one of its arrays as {path.name}:NAME; it holds {', '.join(names)}")
    return name


def _from_hdf5(path: Path, name: str) -> Array:
    import h5py

    with h5py.File(path, "r") as file:
        names: list[str] = []
        file.visititems(lambda key, item: names.append(key) if isinstance(item, h5py.Dataset) else None)
        return np.asarray(file[_choose(path, name, names)][()])


def network_input(graph: Graph, array: Array, divide: float) -> Array:
    """The array as the network's one input: divided in float32, and given a channel axis of 1 where one is missing.

    Raises InputMismatchError.
    """
    if len(graph.inputs) != 1:
        raise InputMismatchError(graph.inputs[0], "one array", f"one for each of {list(graph.inputs)}")
    kind = graph.tensors[graph.inputs[0]]
    if array.ndim == len(kind.shape) - 1 and kind.layout and kind.shape[kind.channel_axis] == 1:
        array = np.expand_dims(array, kind.channel_axis)
    if divide != 1.0:
        array = (array / np.float32(divide)).astype(np.float32)
    return array
