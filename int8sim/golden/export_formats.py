"""The files of an export, one class for each form; each writes some rows at a time."""

from __future__ import annotations

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.lib import format as npy

from int8sim.formats.c_header import header_text, identifier
from int8sim.formats.nvdla_dat import Record, dat_parts
from int8sim.formats.nvdla_packing import pack_weights
from int8sim.formats.readmemh import words_text
from int8sim.formats.words import Words
from int8sim.golden.cubes import cube_obstacle, pack_sample, surface
from int8sim.golden.digests import little_endian
from int8sim.golden.export_item import Item
from int8sim.model.errors import ParameterError
from int8sim.model.step import Array
from int8sim.nvdla_trace.hardware import Hardware


class Exporter(ABC):
    """Writes items below a folder."""

    form: ClassVar[str]
    ending: ClassVar[str]

    def __init__(self, folder: Path, words: Words, hardware: Hardware) -> None:
        self.folder, self.words, self.hardware = folder, words, hardware

    def obstacle(self, item: Item) -> str:
        """Why the form cannot hold an item; "" if it can."""
        del item
        return ""

    def write(self, item: Item) -> dict[str, Any]:
        """Write an item's file; what the index says of it. Raises ParameterError."""
        path = self.folder / f"{item.key}{self.ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            entry = self.fill(file, item)
        return {"file": path.relative_to(self.folder).as_posix(), **entry}

    @abstractmethod
    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        """The file's content."""

    def close(self) -> None:
        """Finish what was begun with the first item."""
        return


class Readmemh(Exporter):
    """Hexadecimal words for $readmemh."""

    form, ending = "readmemh", ".hex"

    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        words, size = self.words, self.words.bytes
        needed = words.count(int(np.prod(item.shape)), item.dtype)
        depth = words.depth or needed
        if depth < needed:
            raise ParameterError("depth", depth, f"at least {needed}, the words of {item.about['tensor']!r}")
        self.words.padding(item.dtype)
        for values, last in _by_words(item, size):
            file.write(words_text(words.pack(values, depth - needed if last else 0)))
        lanes = max(1, size // item.dtype.itemsize)
        packed = {"word_bits": words.bits, "lanes": lanes, "byte_order": words.byte_order}
        return {**packed, "words": needed, "depth": depth, "pad_value": words.pad}


def _by_words(item: Item, size: int) -> Iterator[tuple[Array, bool]]:
    """Flat values that fill whole words, and those that are left, which are the last."""
    lanes, left = max(1, size // item.dtype.itemsize), np.empty(0, item.dtype)
    for block in item.blocks():
        flat = np.concatenate([left, block.reshape(-1)]) if left.size else block.reshape(-1)
        whole = flat.size // lanes * lanes
        left = flat[whole:]
        yield flat[:whole], False
    yield left, True


class Raw(Exporter):
    """Values in C order, little endian, nothing else."""

    form, ending = "raw", ".bin"

    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        for block in item.blocks():
            file.write(little_endian(block).data)
        return {"byte_order": "little"}


class Header(Exporter):
    """An array in C."""

    form, ending = "c-header", ".h"

    def __init__(self, folder: Path, words: Words, hardware: Hardware) -> None:
        super().__init__(folder, words, hardware)
        self._taken: set[str] = set()

    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        name = self._name(item.key if item.about["role"] == "parameter" else item.about["tensor"])
        for part in header_text(item.about["tensor"], name, item.shape, item.dtype.name, item.blocks()):
            file.write(part)
        return {"array": name}

    def _name(self, tensor: str) -> str:
        """An identifier that no other array has."""
        own, number = identifier(tensor), 1
        while own in self._taken:
            number += 1
            own = f"{identifier(tensor)}_{number}"
        self._taken.add(own)
        return own


class Npz(Exporter):
    """All arrays in one archive of NumPy's."""

    form, ending = "npz", ".npz"
    archive: zipfile.ZipFile | None = None

    def write(self, item: Item) -> dict[str, Any]:
        if self.archive is None:
            self.archive = zipfile.ZipFile(self.folder / "tensors.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        member = zipfile.ZipInfo(f"{item.key}.npy")
        member.compress_type = zipfile.ZIP_DEFLATED
        with self.archive.open(member, "w", force_zip64=True) as file:
            self.fill(file, item)  # type: ignore[arg-type]
        return {"file": "tensors.npz", "member": item.key}

    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        kind = npy.dtype_to_descr(item.dtype.newbyteorder("<"))
        npy.write_array_header_1_0(file, {"descr": kind, "fortran_order": False, "shape": item.shape})
        for block in item.blocks():
            file.write(little_endian(block).data)
        return {}

    def close(self) -> None:
        if self.archive:
            self.archive.close()


class NvdlaDat(Exporter):
    """NVDLA's memory as text: feature cubes in the target's atoms, sample behind sample; weights as it reads them."""

    form, ending = "nvdla-dat", ".dat"

    def obstacle(self, item: Item) -> str:
        return "" if _is_plain(item) else cube_obstacle(item.shape, item.layout, item.dtype)

    def fill(self, file: BinaryIO, item: Item) -> dict[str, Any]:
        crcs: list[int] = []
        for part in dat_parts(_records(self._memory(item), crcs)):
            file.write(part.encode())
        *parts, whole, size = crcs
        window = {"hardware": self.hardware.name, "bytes": size, "crc32": f"{whole:#010x}"}
        if _is_plain(item):
            return window
        own = surface(item.shape[1:], item.layout, self.hardware.atom)
        atom = {"atom": own.atom, "padding_lanes": -own.channels % own.atom, "sample_bytes": own.size}
        return {**window, **atom, "sample_crc32": [f"{crc:#010x}" for crc in parts]}

    def _memory(self, item: Item) -> Iterator[bytes]:
        """The samples' surfaces, or the one constant."""
        for block in item.blocks():
            if not _is_plain(item):
                yield from (pack_sample(sample, item.layout, self.hardware.atom) for sample in block)
            elif block.dtype == np.int8 and block.ndim == 4:
                yield pack_weights(block, self.hardware.atom_c, self.hardware.atom_k)
            else:
                yield little_endian(block).tobytes()


def _is_plain(item: Item) -> bool:
    """Whether an item is no feature cube but a constant, or a parameter."""
    return item.about["role"] in {"constant", "parameter"}


def _records(memory: Iterator[bytes], crcs: list[int]) -> Iterator[Record]:
    """One behind the other. crcs: takes the CRC-32 of each, of all together, and how many bytes those are."""
    offset = whole = 0
    for part in memory:
        crcs.append(zlib.crc32(part))
        whole = zlib.crc32(part, whole)
        yield offset, part
        offset += len(part)
    crcs += [whole, offset]


EXPORTERS: dict[str, type[Exporter]] = {each.form: each for each in (Readmemh, Raw, Npz, Header, NvdlaDat)}
"""By the name of the form."""
