"""A data set by its path."""

from __future__ import annotations

import os
from pathlib import Path

from int8sim.calibration.streams.arrays import open_npy
from int8sim.calibration.streams.batch_files import BatchFiles, find_prefix
from int8sim.calibration.streams.hdf5 import Hdf5Samples
from int8sim.calibration.streams.idx import first_bytes, is_idx, open_idx
from int8sim.calibration.streams.images import ImageFolder
from int8sim.calibration.streams.network_input import NetworkInput, one_input
from int8sim.calibration.streams.npz import open_npz
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.samples import Samples
from int8sim.graph.ir import Graph
from int8sim.model.errors import NotADataSetError, ParameterError
from int8sim.model.tensor import TensorType

ALLOWED = (
    "data must be FILE.npy, FILE.npz:NAME, FILE.h5:DATASET, an IDX file (MNIST's, .gz too), a folder of images, "
    "or the folder or prefix of TensorRT batch files (PREFIX0.batch, batch0)"
)
PLAIN = Preprocessing()


def open_samples(
    where: str | os.PathLike[str], graph: Graph | None = None, preprocessing: Preprocessing = PLAIN
) -> Samples:
    """A data set: FILE.npy, FILE.npz[:NAME], FILE.h5:DATASET, an IDX file, a folder of images, or TensorRT batch files.

    IDX files are known by their magic number, plain or gzipped; batch files are named by their folder or their prefix.
    graph: its one input gives layout and shape; None: as stored (images: uint8 [height, width, channels]).
    Raises NotADataSetError (missing, foreign, truncated), EmptyDataSetError, InputMismatchError, ParameterError,
    MissingPackageError.
    """
    tensor, kind = one_input(graph) if graph else ("data", None)
    stored = _stored(os.fspath(where), preprocessing, tensor, kind)
    own = TensorType((1, *stored.shape), layout=stored.layout)
    return NetworkInput(stored, tensor, kind or own, preprocessing)


def _stored(where: str, preprocessing: Preprocessing, tensor: str, kind: TensorType | None) -> Samples:
    path, name = _split(where)
    prefix = None if path.is_file() else find_prefix(path)
    if path.is_dir() and not prefix:
        gray = kind is not None and kind.shape[kind.channel_axis] == 1
        channels = preprocessing.channels or ("gray" if gray else "rgb")
        return ImageFolder(path, tensor, preprocessing.resize, preprocessing.crop, channels)
    _check_no_pictures(where, preprocessing)
    return BatchFiles(*prefix) if prefix else _from_file(path, name)


def _from_file(path: Path, name: str) -> Samples:
    if not path.is_file():
        raise NotADataSetError(path, "no such file, folder or prefix of batch files")
    if path.suffix == ".npy":
        return open_npy(path)
    if path.suffix == ".npz":
        return open_npz(path, name)
    if path.suffix in {".h5", ".hdf5"}:
        return Hdf5Samples(path, name)
    head = first_bytes(path)
    if not is_idx(head):
        raise NotADataSetError(path, f"starts with {head.hex(' ') or 'nothing'}, no IDX file; {ALLOWED}")
    return open_idx(path)


def _split(where: str) -> tuple[Path, str]:
    for ending in (".npz", ".npy", ".h5", ".hdf5"):
        head, found, name = where.partition(f"{ending}:")
        if found:
            return Path(head + ending), name
    return Path(where), ""


def _check_no_pictures(where: str, preprocessing: Preprocessing) -> None:
    for option in ("resize", "crop", "channels"):
        if value := getattr(preprocessing, option):
            raise ParameterError(option, value, f"with a folder of images only, and {where} is none")
