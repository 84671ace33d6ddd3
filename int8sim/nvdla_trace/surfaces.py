"""Feature cubes between registers and memory: checked surfaces, reads and writes in the hardware's order."""

from __future__ import annotations

import numpy as np

from int8sim.formats.nvdla_packing import Surface, atoms_to_cube, cube_to_atoms, unpack_operands
from int8sim.model.errors import UncoveredRegistersError
from int8sim.model.step import Array
from int8sim.nvdla_trace.hardware import Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.registers import Block

Shape = tuple[int, int, int]
"""Channels, height, width."""

LIMIT = 1 << 26
"""Elements of a cube, bytes of weights: past all that hardware is given, before a damaged register fills the memory."""


def surface(block: Block, name: str, shape: Shape, hardware: Hardware, *, pack_1x1: bool, element: int = 1) -> Surface:
    """The cube at <name>_BASE_ADDR with its two strides. Raises UncoveredRegistersError for what is not aligned.

    pack_1x1: the unit takes a cube of one column and one row as packed, whatever its surface stride says.
    element: bytes of a channel's value.
    """
    channels, height, width = shape
    line, stride = block[f"{name}_LINE_STRIDE"], block[f"{name}_SURFACE_STRIDE"]
    if pack_1x1 and height == width == 1:
        stride = hardware.atom * element
    found = Surface(channels, height, width, hardware.atom, line, stride, address(block, name, hardware), element)
    if line % hardware.atom or stride % hardware.atom:
        named = block.registers(f"{name}_LINE_STRIDE", f"{name}_SURFACE_STRIDE")
        raise UncoveredRegistersError(named, f"strides must be multiples of {hardware.atom} in {hardware.name}")
    limited(block, (f"{name}_BASE_ADDR_LOW",), found.surfaces * found.atom * height * width)
    return found


def limited(block: Block, fields: tuple[str, ...], elements: int) -> None:
    """Raise UncoveredRegistersError for more elements than are played."""
    if elements > LIMIT:
        raise UncoveredRegistersError(block.registers(*fields), f"{elements:,} elements; at most {LIMIT:,} are played")


def address(block: Block, name: str, hardware: Hardware) -> int:
    """<name>_BASE_ADDR. Raises UncoveredRegistersError if it is not aligned, or beyond the memory."""
    found = block.address(name)
    if found % hardware.atom or found >> hardware.address_bits:
        named = block.registers(f"{name}_BASE_ADDR_HIGH", f"{name}_BASE_ADDR_LOW")
        limit = f"{hardware.name} has addresses of {hardware.address_bits} bits, in multiples of {hardware.atom}"
        raise UncoveredRegistersError(named, limit)
    return found


def read_cube(memory: Memory, where: Surface) -> Array:
    """int8 [H, W, C], C with the padding lanes of the last atom."""
    lines = [memory.read(line, where.line_bytes) for _, _, line in where.lines()]
    atoms = np.stack(lines).view(np.int8).reshape(where.surfaces, where.height, where.width, where.atom)
    return atoms_to_cube(atoms)


def read_pairs(memory: Memory, where: Surface, parts: int) -> Array:
    """int64 [H, W, C, parts] of operands; where.element counts the bytes of all parts."""
    size = where.element // parts
    lines = [memory.read(line, where.line_bytes).tobytes() for _, _, line in where.lines()]
    values = unpack_operands(b"".join(lines), size, parts)
    atoms = values.reshape(where.surfaces, where.height, where.width, where.atom, parts)
    return np.stack([atoms_to_cube(atoms[..., part]) for part in range(parts)], axis=-1)


def write_cube(memory: Memory, where: Surface, cube: Array) -> None:
    """int8 [H, W, C], C with the padding lanes, which the hardware writes too."""
    atoms = cube_to_atoms(cube, where.atom)
    for s, y, line in where.lines():
        memory.write(line, np.ascontiguousarray(atoms[s, y]).view(np.uint8).reshape(-1))
