"""Hashes of a golden file's content, computed a few megabytes at a time, and the words for what does not match them.

Every data set has an attribute `sha256`: of its values in C order, little endian. The file's `digest` is the SHA-256 of
the attributes and of every data set's name, type, shape and hash. Files of schema 1 have the digest alone, over values.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

import h5py
import numpy as np

from int8sim.model.errors import DamagedDataSetError
from int8sim.model.step import Array

BLOCK = 1 << 22
"""Bytes of a data set that are in memory at once; one row may have more."""
SEALS = frozenset({"digest", "sha256"})
"""Attributes that hold hashes, and are not hashed."""


def rows_of(shape: tuple[int, ...], itemsize: int, limit: int = BLOCK) -> int:
    """How many rows fit `limit` bytes; at least 1."""
    return max(1, limit // max(1, int(np.prod(shape[1:], dtype=np.int64)) * itemsize))


def items(file: h5py.File) -> dict[str, h5py.HLObject]:
    """Every group and data set by its name, in order of names."""
    found: dict[str, h5py.HLObject] = {}
    file.visititems(lambda name, item: found.update({name: item}))
    return dict(sorted(found.items()))


def data_sets(held: Mapping[str, h5py.HLObject]) -> dict[str, h5py.Dataset]:
    """Those of a file's items that are data sets."""
    return {name: item for name, item in held.items() if isinstance(item, h5py.Dataset)}


def blocks(data_set: h5py.Dataset) -> Iterator[Array]:
    """Its values, some whole chunks of rows at a time. Raises DamagedDataSetError."""
    chunk = data_set.chunks[0] if data_set.chunks else 1
    step = -(-rows_of(data_set.shape, data_set.dtype.itemsize) // chunk) * chunk
    try:
        if data_set.ndim == 0:
            yield data_set[()]
        for start in range(0, len(data_set) if data_set.ndim else 0, step):
            yield data_set[start : start + step]
    except OSError as problem:
        raise DamagedDataSetError(data_set.file.filename, data_set.name, f"it cannot be read: {problem}") from None


def little_endian(values: Array) -> Array:
    """C-contiguous, little endian."""
    return np.ascontiguousarray(values, np.asarray(values).dtype.newbyteorder("<"))


def content_hash(parts: Iterable[Array]) -> str:
    """SHA-256 of values in C order, little endian, that come in parts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(little_endian(part).data)
    return found.hexdigest()


def hashes(held: Mapping[str, h5py.HLObject], believed: tuple[str, ...] = ()) -> dict[str, str]:
    """The hash of every data set as it is now; of one whose name begins with a `believed` word, as its attribute says.

    held: a file's items. Raises DamagedDataSetError.
    """
    return {
        name: str(data_set.attrs.get("sha256")) if name.startswith(believed) else content_hash(blocks(data_set))
        for name, data_set in data_sets(held).items()
    }


def digest_of(file: h5py.File, held: Mapping[str, h5py.HLObject], found: Mapping[str, str]) -> str:
    """The file's digest, from its items and the hashes of its data sets."""
    digest = hashlib.sha256(_described("", file).encode())
    for name, item in held.items():
        digest.update(_described(name, item).encode())
    for name, own in found.items():
        digest.update(f"{name} {held[name].dtype.str} {held[name].shape} {own}".encode())
    return digest.hexdigest()


def _described(name: str, item: h5py.HLObject) -> str:
    """A group's or data set's name and attributes, as one text."""
    values = {key: np.asarray(value).tolist() for key, value in sorted(item.attrs.items()) if key not in SEALS}
    return f"{name} {values!r}\n"


def digest_of_schema_1(file: h5py.File) -> str:
    """SHA-256 over the graph's JSON and every data set's name, type, shape and values."""
    digest = hashlib.sha256(bytes(file.attrs["graph"]))
    for name, data_set in data_sets(items(file)).items():
        digest.update(f"{name} {data_set.dtype.str} {data_set.shape}".encode())
        for block in blocks(data_set):
            digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()


def wrong_data_set(
    path: object, held: Mapping[str, h5py.HLObject], found: Mapping[str, str]
) -> DamagedDataSetError | None:
    """For the first data set that is not what its own hash says; None if there is none. path: of the file."""
    for name, own in found.items():
        if held[name].attrs.get("sha256") != own:
            return DamagedDataSetError(path, f"/{name}", "its values do not match its SHA-256")
    return None
