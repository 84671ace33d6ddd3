"""One file of a dump as an array [n, ...] of its tensor's type, checked against what the golden file holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from int8sim.formats.c_header import read_header
from int8sim.formats.nvdla_dat import Record, read_dat
from int8sim.formats.nvdla_dimg import X32, Dimg, legacy_memory, read_dimg
from int8sim.formats.readmemh import read_words
from int8sim.formats.words import Words
from int8sim.golden.cubes import cube_obstacle, from_cube, surface, unpack_sample
from int8sim.model.errors import DumpTextError, NotADumpError, ParameterError
from int8sim.model.step import Array
from int8sim.nvdla_trace.hardware import Hardware


@dataclass(frozen=True, eq=False)
class Expected:
    """What a file must hold. shape: of one sample; start: the first one's number; most: how many there can be.

    count: how many there are, where that is known. words, hardware: how the file is packed.
    """

    tensor: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: str
    start: int
    count: int | None
    most: int
    words: Words
    hardware: Hardware

    @property
    def size(self) -> int:
        """Values of one sample."""
        return int(np.prod(self.shape))

    def check(self, source: object, values: Any) -> None:
        """Raise NotADumpError unless these are samples of the tensor, as many as there can be."""
        shape = ", ".join(map(str, ("n", *self.shape)))
        wrong_type = values.dtype.newbyteorder("=") != self.dtype
        if wrong_type or tuple(values.shape[1:]) != self.shape or values.ndim != len(self.shape) + 1:
            found = f"{values.dtype}{list(values.shape)}"
            raise NotADumpError(source, f"it is {found}; tensor {self.tensor!r} is {self.dtype}[{shape}]")
        count = len(values)
        if self.count is not None and count != self.count:
            raise NotADumpError(source, f"it holds {count} samples of tensor {self.tensor!r}, expected {self.count}")
        if not 0 < count <= self.most:
            there = f"the golden file has {self.most} from number {self.start} on"
            raise NotADumpError(source, f"it holds {count} samples of tensor {self.tensor!r}; {there}")

    def samples(self, path: Path, flat: Array) -> Array:
        """Flat values as whole samples. Raises NotADumpError."""
        count, rest = divmod(flat.size, self.size)
        if rest or (self.count is not None and count != self.count):
            per = f"a sample of tensor {self.tensor!r}, {self.dtype}{list(self.shape)}, has {self.size:,}"
            wanted = "" if self.count is None else f", and {self.count} samples are expected"
            raise NotADumpError(path, f"it has {flat.size:,} values; {per}{wanted}")
        return flat.reshape(count, *self.shape)


def _npy(path: Path, expected: Expected) -> Array:
    del expected
    try:
        values: Array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise NotADumpError(path, f"no .npy file, or a damaged one: {problem}") from None
    return values


def _hex(path: Path, expected: Expected) -> Array:
    """Padding is left out: the lanes behind the last value, and words up to the depth that is known."""
    packed = expected.words
    words = read_words(path, packed.bits)
    values = packed.unpack(words, expected.dtype)
    count = values.size // expected.size if expected.count is None else expected.count
    needed = packed.count(count * expected.size, expected.dtype)
    depth = needed if expected.count is None else packed.depth or needed
    if len(words) not in {needed, depth} or count == 0:
        raise _wrong_length(path, expected, len(words), needed)
    return values[: count * expected.size].reshape(count, *expected.shape)


def _wrong_length(path: Path, expected: Expected, words: int, needed: int) -> DumpTextError:
    """With the last line of the file."""
    lines = path.read_text("utf-8", "replace").rstrip().split("\n")
    one = expected.words.count(expected.size, expected.dtype)
    what = f"{words:,} words of {expected.words.bits} bits"
    sample = f"a sample of tensor {expected.tensor!r}, {expected.dtype}{list(expected.shape)}, takes {one:,}"
    if expected.count is None:
        return DumpTextError(
            path, len(lines), lines[-1], f"it is the last of {what}, no whole number of samples: {sample}"
        )
    few = "few" if words < needed else "many"
    reason = f"it is the last of {what}, too {few}: {expected.count} samples take {needed:,}, {sample}"
    return DumpTextError(path, len(lines), lines[-1], reason)


def _raw(path: Path, expected: Expected) -> Array:
    size = path.stat().st_size
    if size % expected.dtype.itemsize:
        raise NotADumpError(path, f"it has {size:,} bytes, no whole number of {expected.dtype} values")
    flat: Array = np.memmap(path, expected.dtype.newbyteorder("<"), "r") if size else np.empty(0, expected.dtype)
    return expected.samples(path, flat)


def _header(path: Path, expected: Expected) -> Array:
    flat = read_header(path)
    if expected.dtype == np.float32 and flat.dtype == np.uint32:
        flat = flat.view(np.float32)
    if flat.dtype != expected.dtype:
        raise NotADumpError(path, f"its array is of {flat.dtype}; tensor {expected.tensor!r} is {expected.dtype}")
    return expected.samples(path, flat)


def _dat(path: Path, expected: Expected) -> Array:
    _check_cube(path, expected)
    atom = expected.hardware.atom
    size = surface(expected.shape, expected.layout, atom).size
    memory = _memory(path, read_dat(path))
    count, rest = divmod(len(memory), size)
    if rest or (expected.count is not None and count != expected.count):
        per = f"a sample of tensor {expected.tensor!r} in atoms of {atom} has {size:,}"
        wanted = "" if expected.count is None else f", and {expected.count} samples are expected"
        raise NotADumpError(path, f"it has {len(memory):,} bytes; {per}{wanted}")
    samples = [memory[at * size : (at + 1) * size] for at in range(count)]
    return np.array([unpack_sample(each, expected.shape, expected.layout, atom) for each in samples])


def _memory(path: Path, records: tuple[Record, ...]) -> bytes:
    """Records laid side by side. Raises NotADumpError for a gap."""
    memory = bytearray()
    for offset, payload in sorted(records):
        if offset > len(memory):
            raise NotADumpError(path, f"bytes {len(memory):#x} .. {offset - 1:#x} are missing")
        memory[offset : offset + len(payload)] = payload
    return bytes(memory)


def _dimg(path: Path, expected: Expected) -> Array:
    _check_cube(path, expected)
    image = read_dimg(path)
    cube = image.cube
    if cube.size != expected.size:
        raise NotADumpError(
            path, f"it is {cube.dtype}{list(cube.shape)}; tensor {expected.tensor!r} is {expected.shape}"
        )
    packed = surface(expected.shape, expected.layout, X8_ATOM)
    if image.surface_format == X32 and (image.line_stride, image.size) == (packed.line_stride, packed.size):
        return _legacy(path, image, expected)
    return from_cube(cube, expected.shape, expected.layout)[None]


X8_ATOM = 8


def _legacy(path: Path, image: Dimg, expected: Expected) -> Array:
    """An x8 surface that was read with x32 addresses, as in NVIDIA's nv_small goldens; what it lacks is masked."""
    try:
        memory, known = legacy_memory(image)
    except ParameterError as problem:
        raise NotADumpError(path, f"format x32 over a surface of atoms of {X8_ATOM}: {problem}") from None
    values, seen = (
        unpack_sample(each.tobytes(), expected.shape, expected.layout, X8_ATOM)
        for each in (memory, known.astype(np.int8))
    )
    masked: Array = np.ma.masked_array(values, seen == 0)[None]
    return masked


def _check_cube(path: Path, expected: Expected) -> None:
    if reason := cube_obstacle((1, *expected.shape), expected.layout, expected.dtype):
        raise NotADumpError(path, f"tensor {expected.tensor!r} is {reason}")


READERS: dict[str, Callable[[Path, Expected], Array]] = {
    ".npy": _npy,
    ".hex": _hex,
    ".mem": _hex,
    ".bin": _raw,
    ".raw": _raw,
    ".h": _header,
    ".dat": _dat,
    ".dimg": _dimg,
}
"""By a file's ending."""
