"""The images of NVDLA's runtime, .dimg: a header of 36 bytes and a cube in the order channel, row, column, no gaps.

The header: "DIMG", version 0, then surfaceFormat, width, height, channel, lineStride, surfaceStride, size, each of
32 bits, little-endian; strides and size tell how the cube lay in memory. Codes of formats moved between versions: 41,
int8 in atoms of 8 today, stands for int16 in an older golden, and the payload's length tells which.

NVIDIA's nv_small goldens are packed by the wrong layout: an x8 surface read with x32 addresses (`legacy`), so that part
of the cube stands there more than once and the rest not at all. Sources: nvdla/sw:umd/apps/runtime/DlaImage.h and
DlaImage.cpp; regression/golden/*_small.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from int8sim.formats.nvdla_packing import Surface, pack_feature
from int8sim.model.errors import NotADimgError, ParameterError
from int8sim.model.files import write_bytes
from int8sim.model.step import Array

MAGIC = b"DIMG"
HEADER = struct.Struct("<4sI7I")
PLANAR, X32, X8, X16 = 37, 40, 41, 42
"""D_F8_CHW_I, D_F8_CxHWx_x32_I, D_F8_CxHWx_x8_I, D_F16_CxHWx_x16_I."""

DTYPES = {PLANAR: "<i1", 38: "<i2", 39: "<f2", X32: "<i1", X8: "<i1", X16: "<i2", 43: "<f2", 44: "<f4", 45: "<f4"}
"""Code of a data format -> values; codes below 37 are pixel formats."""

OLD_DTYPES = {X8: "<i2"}
ATOMS = {8: X8, 32: X32}


@dataclass(frozen=True)
class Dimg:
    """cube: [channels, height, width]; the rest as the header says."""

    cube: Array
    surface_format: int
    line_stride: int
    surface_stride: int
    size: int


def dimg(cube: Array, atom: int) -> Dimg:
    """int8 [C, H, W] as the runtime writes it that had it in packed atoms of 8 or 32. Raises ParameterError."""
    if atom not in ATOMS:
        raise ParameterError("atom", atom, "8 or 32")
    surface = _packed(cube, atom)
    return Dimg(cube, ATOMS[atom], surface.line_stride, surface.surface_stride, surface.size)


def legacy(cube: Array) -> Dimg:
    """int8 [C, H, W] as in the nv_small goldens: atoms of 8 in memory, read and labelled as atoms of 32.

    Raises ParameterError for a cube that x32 addresses leave.
    """
    surface = _packed(cube, 8)
    memory = np.frombuffer(pack_feature(cube, surface), np.int8)
    addresses = _legacy_addresses(cube.shape, surface.line_stride, surface.surface_stride)
    if addresses.max() >= memory.size:
        raise ParameterError("shape of the cube", cube.shape, f"one whose x32 addresses stay below {memory.size}")
    return Dimg(memory[addresses], X32, surface.line_stride, surface.surface_stride, surface.size)


def legacy_memory(image: Dimg) -> tuple[Array, Array]:
    """What such an image tells of memory: int8 [size] in atoms of 8, and bool [size], which bytes it tells.

    Raises ParameterError where two of its bytes contradict each other: then it is no such image.
    """
    addresses = _legacy_addresses(image.cube.shape, image.line_stride, image.surface_stride)
    if image.surface_format != X32 or addresses.max() >= image.size:
        raise ParameterError("image", f"format {image.surface_format}", "one of the nv_small goldens' packing")
    memory, known = np.zeros(image.size, np.int8), np.zeros(image.size, np.bool_)
    memory[addresses], known[addresses] = image.cube, True
    if not np.array_equal(memory[addresses], image.cube):
        raise ParameterError("image", "bytes that contradict each other", "one of the nv_small goldens' packing")
    return memory, known


def _packed(cube: Array, atom: int) -> Surface:
    channels, height, width = cube.shape
    return Surface.packed(channels, height, width, atom)


def _legacy_addresses(shape: tuple[int, ...], line_stride: int, surface_stride: int) -> Array:
    c, y, x = np.indices(shape)
    addresses: Array = c // 32 * surface_stride + y * line_stride + x * 32 + c % 32
    return addresses


def write_dimg(path: str | os.PathLike[str], image: Dimg) -> None:
    """Raises OutputNotWritableError; ParameterError for a format whose values are not those of the cube."""
    channels, height, width = image.cube.shape
    kind = DTYPES.get(image.surface_format)
    if kind is None or image.cube.dtype != np.dtype(kind):
        raise ParameterError("surface_format", image.surface_format, f"one for {image.cube.dtype}, of {sorted(DTYPES)}")
    shape = width, height, channels, image.line_stride, image.surface_stride, image.size
    write_bytes(path, HEADER.pack(MAGIC, 0, image.surface_format, *shape) + image.cube.tobytes())


def read_dimg(path: str | os.PathLike[str]) -> Dimg:
    """Raises NotADimgError for a missing, foreign or truncated file, and for pixel formats."""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise NotADimgError(path, problem.strerror or str(problem)) from None
    if len(content) < HEADER.size or not content.startswith(MAGIC):
        raise NotADimgError(path, f"it does not begin with a header of {HEADER.size} bytes that begins with DIMG")
    _, version, code, width, height, channels, line_stride, surface_stride, size = HEADER.unpack_from(content)
    if version != 0 or code not in DTYPES:
        raise NotADimgError(path, f"version {version}, format {code}; allowed: version 0, formats {sorted(DTYPES)}")
    kind = _dtype(path, code, channels * height * width, len(content) - HEADER.size)
    cube = np.frombuffer(content, kind, offset=HEADER.size).reshape(channels, height, width)
    return Dimg(cube, code, line_stride, surface_stride, size)


def _dtype(path: str | os.PathLike[str], code: int, values: int, length: int) -> np.dtype[np.generic]:
    for known in (DTYPES, OLD_DTYPES):
        kind = np.dtype(known.get(code, DTYPES[code]))
        if values and values * kind.itemsize == length:
            return kind
    needed = values * np.dtype(DTYPES[code]).itemsize
    raise NotADimgError(path, f"{length} bytes follow the header; {values} values of format {code} need {needed}")
