"""What a device under test left: HDF5, NPZ, or files .npy, .hex, .bin, .h, NVDLA's .dat and .dimg, one for each tensor.

A file is named by its tensor as in the store, a file of one sample as <tensor>.<sample>.<ending>; a folder holds any of
them, and the tensors may be a part of the golden file's. An index.json beside them, of the export that the device was
fed with, says how words are packed and which samples they are; else the caller does.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib import format as npy

from int8sim.formats.words import Words
from int8sim.golden.dump_readers import READERS, Expected
from int8sim.golden.recorded import Recorded, recorded_tensors
from int8sim.golden.store import Golden
from int8sim.model.errors import NotADumpError
from int8sim.model.step import Array
from int8sim.nvdla_trace.hardware import HARDWARE, Hardware, hardware

HDF5 = (".h5", ".hdf5")
INDEX, ARCHIVE = "index.json", "tensors.npz"
NAME = re.compile(r"(?P<key>[^.]+)(?:\.(?P<sample>\d+))?")


@dataclass(frozen=True)
class Packing:
    """How a dump's files are packed, where no index says it.

    samples: the first, and the one behind the last; they count before those of an index.
    """

    words: Words = field(default_factory=Words)
    hardware: Hardware = HARDWARE["nv_small"]
    samples: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class Piece:
    """Some samples of one tensor. start: the first one's number. values: [n, ...], or what slices like it.

    unseen: how many values the dump does not tell; the golden file's own stand there.
    """

    tensor: Recorded
    start: int
    values: Any
    source: str
    unseen: int = 0


def pieces(golden: Golden, path: Path, packing: Packing | None = None) -> Iterator[Piece]:
    """The dump's tensors in topological order, checked for shape, dtype and number of samples; read one by one.

    Raises NotADumpError; DumpTextError with the line; NotATraceError, NotADimgError of NVDLA's files.
    """
    path = path / ARCHIVE if (path / ARCHIVE).is_file() else path
    dump = _Dump(golden, path, packing or Packing())
    if path.suffix.lower() in HDF5:
        found = _from_hdf5(dump)
    elif path.suffix.lower() == ".npz":
        found = _from_npz(dump)
    else:
        found = _from_files(dump)
    empty = True
    for piece in found:
        empty = False
        yield piece
    if empty:
        known = ", ".join(list(dump.known)[:12])
        raise NotADumpError(path, f"it holds no tensor of the golden file; those are {known}, one file each")


class _Dump:
    """A dump's path, the tensors that it may hold, and how its files are packed."""

    def __init__(self, golden: Golden, path: Path, packing: Packing) -> None:
        self.path, self.packing, self.count = path, packing, golden.count
        self.known = recorded_tensors(golden)
        self.keys = {each.key: each for each in self.known.values()} | self.known
        self.order = list(self.known)

    def tensor(self, source: object, name: str) -> Recorded:
        """By name or by key. Raises NotADumpError."""
        if name not in self.keys:
            near = ", ".join(self.order[:12])
            raise NotADumpError(source, f"tensor {name!r} is not in the golden file; its tensors are {near}")
        return self.keys[name]

    def expected(self, tensor: Recorded, entry: Mapping[str, Any], sample: str | None = None) -> Expected:
        """What a file must hold. entry: of the index. sample: the number in the file's name."""
        start, stop = self.packing.samples or tuple(entry.get("samples", ())) or (0, None)
        start, stop = (int(sample), int(sample) + 1) if sample else (start, stop)
        words, target = self.packing.words, self.packing.hardware
        if "word_bits" in entry:
            words = Words(entry["word_bits"], entry["byte_order"], entry["depth"], entry["pad_value"])
        if "hardware" in entry:
            target = hardware(entry["hardware"])
        most = max(0, (tensor.count if tensor.role == "accumulator" else self.count) - start)
        count = None if stop is None else stop - start
        return Expected(tensor.name, tensor.shape, tensor.dtype, tensor.kind.layout, start, count, most, words, target)

    def piece(self, tensor: Recorded, expected: Expected, values: Any, source: str) -> Piece:
        """Checked. Raises NotADumpError."""
        expected.check(source, values)
        if not isinstance(values, np.ma.MaskedArray):
            return Piece(tensor, expected.start, values, source)
        recorded = tensor.rows(expected.start, expected.start + len(values))
        if len(recorded) < len(values):
            reason = f"it tells a part of sample {expected.start}, which is recorded by its hash alone"
            raise NotADumpError(source, f"{reason}; record it in full, or dump the whole tensor")
        told = np.where(values.mask, recorded, values.data)
        return Piece(tensor, expected.start, told, source, int(values.mask.sum()))


def _from_hdf5(dump: _Dump) -> Iterator[Piece]:
    """Of a golden file its tensors; of any other its data sets by their names."""
    try:
        file = h5py.File(dump.path, "r")
    except OSError as problem:
        raise NotADumpError(dump.path, f"not an HDF5 file, or a truncated one ({problem})") from None
    with file:
        groups = [group for group in ("inputs", "outputs", "tensors") if "int8sim_schema" in file.attrs]
        held: dict[str, h5py.Dataset] = {}
        for group in groups:
            held |= file.get(group, {})
        held |= {f"accumulators/{key}": each for key, each in file.get("accumulators", {}).items()}
        if not groups:
            held |= {key: each for key, each in file.items() if isinstance(each, h5py.Dataset)}
        yield from _by_name(dump, held)


def _from_npz(dump: _Dump) -> Iterator[Piece]:
    """Its arrays by name; those of constants are left out."""
    try:
        archive = zipfile.ZipFile(dump.path)
    except (OSError, zipfile.BadZipFile) as problem:
        raise NotADumpError(dump.path, f"no .npz archive, or a damaged one: {problem}") from None
    with archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        names = [name for name in names if not name.startswith(("constants/", "arithmetic/"))]
        yield from _by_name(dump, _Members(dump.path, archive, names), _index(dump.path.parent))


class _Members(dict[str, Any]):
    """An archive's arrays, read when they are asked for."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, names: list[str]) -> None:
        super().__init__(dict.fromkeys(names))
        self._path, self._archive = path, archive

    def __getitem__(self, name: str) -> Array:
        try:
            with self._archive.open(f"{name}.npy") as member:
                values: Array = npy.read_array(member, allow_pickle=False)
        except Exception as problem:  # zipfile, zlib and NumPy raise many types
            raise NotADumpError(self._path, f"array {name!r} cannot be read: {problem}") from None
        return values


def _by_name(
    dump: _Dump, held: Mapping[str, Any], index: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Piece]:
    tensors = {name: dump.tensor(dump.path, name) for name in held}
    for name in sorted(tensors, key=lambda each: dump.order.index(tensors[each].name)):
        entry = (index or {}).get(dump.path.name, {})
        expected = dump.expected(tensors[name], {"samples": entry["samples"]} if entry else {})
        yield dump.piece(tensors[name], expected, held[name], f"{dump.path}:{name}")


def _from_files(dump: _Dump) -> Iterator[Piece]:
    folder = dump.path if dump.path.is_dir() else dump.path.parent
    index = _index(folder)
    for file, tensor, sample in _files(dump):
        expected = dump.expected(tensor, index.get(f"{tensor.key}{file.suffix}", {}), sample)
        yield dump.piece(tensor, expected, READERS[file.suffix.lower()](file, expected), str(file))


def _files(dump: _Dump) -> list[tuple[Path, Recorded, str | None]]:
    """Each file with its tensor and its sample, in topological order. Raises NotADumpError."""
    if not dump.path.exists():
        raise NotADumpError(dump.path, "no such file or folder")
    found = []
    for file in _candidates(dump.path):
        name = NAME.fullmatch(file.stem)
        key = name["key"] if name else file.stem
        summed = dump.path.is_dir() and file.parent != dump.path
        found.append((file, dump.tensor(file, f"accumulators/{key}" if summed else key), name and name["sample"]))
    return sorted(found, key=lambda each: (dump.order.index(each[1].name), int(each[2] or 0)))


def _candidates(path: Path) -> list[Path]:
    """The file, or a folder's files of tensors and of accumulators."""
    if not path.is_dir():
        if path.suffix.lower() not in READERS:
            known = ", ".join([*HDF5, ".npz", *READERS])
            raise NotADumpError(path, f"the ending {path.suffix!r} is none of {known}; or give a folder")
        return [path]
    inside = [*path.iterdir(), *(path / "accumulators").glob("*")]
    return sorted(file for file in inside if file.is_file() and file.suffix.lower() in READERS)


def _index(folder: Path) -> dict[str, dict[str, Any]]:
    """What an export's index says of each file; {} where there is none. Raises NotADumpError."""
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text("utf-8"))
        return {entry["file"]: {**entry, "samples": content["samples"]} for entry in content["files"]}
    except (ValueError, KeyError, TypeError) as problem:
        raise NotADumpError(path, f"it is no index of an export: {problem!r}; remove it, or export again") from None
