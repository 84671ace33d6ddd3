"""NVDLA's memory layouts: feature cubes in atoms of channels, weights in groups of kernels, SDP's operands.

A feature cube lies in surfaces of `atom` channels; a surface in lines, a line in atoms of one column. The last atom is
filled up; the hardware computes on its padding lanes and writes them. atom: the memory atom, 8 bytes in nv_small, 32 in
nv_large; atom_c, atom_k: channels and kernels that the MAC array takes at once. Sources: nvdla/doc:doc/hw/format.rst;
the order of weights and the operand pairs as nvdla/hw's RTL reads them (csc, NV_NVDLA_SDP_RDMA_eg.v).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from int8sim.model.errors import ParameterError
from int8sim.model.step import Array

WEIGHT_ALIGNMENT = 128
"""Bytes that a whole set of weights is filled up to."""


@dataclass(frozen=True)
class Surface:
    """Where a cube of [channels, height, width] lies. element: bytes of one channel's value; strides, base in bytes."""

    channels: int
    height: int
    width: int
    atom: int
    line_stride: int
    surface_stride: int
    base: int = 0
    element: int = 1

    @classmethod
    def packed(cls, channels: int, height: int, width: int, atom: int, base: int = 0) -> Surface:
        """Without gaps."""
        return cls(channels, height, width, atom, width * atom, height * width * atom, base)

    @property
    def surfaces(self) -> int:
        """How many atoms hold the channels."""
        return -(-self.channels // self.atom)

    @property
    def line_bytes(self) -> int:
        """What one line holds, without the gap behind it."""
        return self.width * self.atom * self.element

    @property
    def size(self) -> int:
        """Bytes from the base to the end of the last line."""
        return (self.surfaces - 1) * self.surface_stride + (self.height - 1) * self.line_stride + self.line_bytes

    def lines(self) -> Iterator[tuple[int, int, int]]:
        """(surface, y, address) of each line, in the hardware's order."""
        for surface in range(self.surfaces):
            for y in range(self.height):
                yield surface, y, self.base + surface * self.surface_stride + y * self.line_stride

    def address(self, c: int, y: int, x: int) -> int:
        """Of one element; c may be a padding lane."""
        surface, lane = divmod(c, self.atom)
        line = self.base + surface * self.surface_stride + y * self.line_stride
        return line + (x * self.atom + lane) * self.element

    def place(self, address: int) -> tuple[int, int, int] | None:
        """(c, y, x) of the byte at an address, None for a gap; of overlapping lines the one written last."""
        found = None
        for surface, y, line in self.lines():
            if line <= address < line + self.line_bytes:
                x, lane = divmod((address - line) // self.element, self.atom)
                found = surface * self.atom + lane, y, x
        return found


def pack_feature(cube: Array, surface: Surface) -> bytes:
    """int8 [C, H, W] as memory from surface.base on: surface.size bytes, 0 in padding lanes and gaps.

    Raises ParameterError for another shape or dtype, and for strides that lines overlap at.
    """
    expected = (surface.channels, surface.height, surface.width)
    if cube.shape != expected or cube.dtype != np.int8:
        raise ParameterError("cube", f"{cube.dtype}{list(cube.shape)}", f"int8{list(expected)}, as the surface says")
    _check_strides(surface)
    out = np.zeros(surface.size, np.int8)
    atoms = cube_to_atoms(cube.transpose(1, 2, 0), surface.atom)
    for s, y, address in surface.lines():
        out[address - surface.base :][: surface.line_bytes] = atoms[s, y].reshape(-1)
    return out.tobytes()


def unpack_feature(data: bytes, surface: Surface) -> Array:
    """int8 [C, H, W] of memory that begins at surface.base. Raises ParameterError if it is too short."""
    _check_length(data, surface.size)
    _check_strides(surface)
    flat = np.frombuffer(data, np.int8)
    lines = [flat[address - surface.base :][: surface.line_bytes] for _, _, address in surface.lines()]
    atoms = np.stack(lines).reshape(surface.surfaces, surface.height, surface.width, surface.atom)
    return np.ascontiguousarray(atoms_to_cube(atoms)[:, :, : surface.channels].transpose(2, 0, 1))


def cube_to_atoms(cube: Array, atom: int) -> Array:
    """[H, W, C] to [surfaces, H, W, atom], the last atom filled up with 0."""
    height, width, channels = cube.shape
    filled = np.pad(cube, ((0, 0), (0, 0), (0, -channels % atom)))
    return filled.reshape(height, width, -1, atom).transpose(2, 0, 1, 3)


def atoms_to_cube(atoms: Array) -> Array:
    """[surfaces, H, W, atom] to [H, W, C], padding lanes and all."""
    surfaces, height, width, atom = atoms.shape
    return atoms.transpose(1, 2, 0, 3).reshape(height, width, surfaces * atom)


def pack_weights(weights: Array, atom_c: int, atom_k: int) -> bytes:
    """int8 [K, C, R, S] as direct convolution reads it, filled up to WEIGHT_ALIGNMENT with 0.

    Groups of atom_k kernels; in a group blocks of atom_c channels; in a block rows, columns, kernels, channels. The
    last group and the last block are short, not filled up. Raises ParameterError for another rank or dtype.
    """
    if weights.ndim != 4 or weights.dtype != np.int8:
        raise ParameterError("weights", f"{weights.dtype}{list(weights.shape)}", "int8[K, C, R, S]")
    flat = np.ascontiguousarray(weights).reshape(-1)[_weight_order(weights.shape, atom_c, atom_k)]
    return flat.tobytes() + bytes(-flat.size % WEIGHT_ALIGNMENT)


def unpack_weights(data: bytes, shape: tuple[int, int, int, int], atom_c: int, atom_k: int) -> Array:
    """int8 [K, C, R, S] of that memory. Raises ParameterError if it is too short."""
    order = _weight_order(shape, atom_c, atom_k)
    _check_length(data, order.size)
    weights = np.empty(order.size, np.int8)
    weights[order] = np.frombuffer(data, np.int8, order.size)
    return weights.reshape(shape)


def pack_operands(values: Array, element: int) -> bytes:
    """Integers [n, parts] as SDP reads them: n pairs (ALU, MUL), or n single ones, of `element` bytes, 1 or 2.

    Raises ParameterError for a value that they cannot hold.
    """
    kind = np.dtype(f"<i{element}")
    if values.min(initial=0) < np.iinfo(kind).min or values.max(initial=0) > np.iinfo(kind).max:
        raise ParameterError("operand", f"{values.min()} .. {values.max()}", f"{kind.name}, of {element} byte(s)")
    return values.astype(kind).tobytes()


def unpack_operands(data: bytes, element: int, parts: int) -> Array:
    """int64 [n, parts] of that memory; parts: 2 for (ALU, MUL), else 1."""
    return np.frombuffer(data, np.dtype(f"<i{element}")).astype(np.int64).reshape(-1, parts)


def _weight_order(shape: tuple[int, ...], atom_c: int, atom_k: int) -> Array:
    """For each byte of memory its place in a C-ordered [K, C, R, S]."""
    kernels, channels, rows, columns = shape
    places = np.arange(kernels * channels * rows * columns).reshape(shape)
    blocks = [
        places[k : k + atom_k, c : c + atom_c].transpose(2, 3, 0, 1).reshape(-1)
        for k in range(0, kernels, atom_k)
        for c in range(0, channels, atom_c)
    ]
    return np.concatenate(blocks)


def _check_strides(surface: Surface) -> None:
    least = surface.line_bytes
    if surface.height > 1 and surface.line_stride < least:
        raise ParameterError("line_stride", surface.line_stride, f"at least {least}, or lines overlap")
    least += (surface.height - 1) * surface.line_stride
    if surface.surfaces > 1 and surface.surface_stride < least:
        raise ParameterError("surface_stride", surface.surface_stride, f"at least {least}, or surfaces overlap")


def _check_length(data: bytes, needed: int) -> None:
    if len(data) < needed:
        raise ParameterError("length of the memory", len(data), f"at least {needed}")
