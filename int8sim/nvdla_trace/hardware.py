"""What differs in memory between NVDLA's configurations. Source: nvdla/hw:spec/defs/*.spec."""

from __future__ import annotations

import re
from dataclasses import dataclass

from int8sim.model.errors import UnknownNameError


@dataclass(frozen=True)
class Hardware:
    """atom_c, atom_k: channels and kernels that the MAC array takes at once; atom: the memory atom, bytes.

    line_buffer: columns of one of PDP's eight line buffers where that is known, else 0.
    """

    name: str
    atom_c: int
    atom_k: int
    atom: int
    address_bits: int = 32
    line_buffer: int = 0


HARDWARE = {
    each.name: each
    for each in (
        Hardware("nv_small", 8, 8, 8, line_buffer=16),
        Hardware("nv_small_256", 32, 8, 8),
        Hardware("nv_small_256_full", 32, 8, 32),
        Hardware("nv_medium_512", 32, 16, 32),
        Hardware("nv_medium_1024_full", 64, 16, 32, 64),
        Hardware("nv_large", 64, 32, 32, 64),
    )
}


OWN = re.compile(r"([1-9]\d*)/([1-9]\d*)/([1-9]\d*)")


def hardware(name: str) -> Hardware:
    """By its name, or by its atoms, as C/K/memory: 64/32/32. Raises UnknownNameError."""
    own = OWN.fullmatch(name)
    if own:
        atom_c, atom_k, atom = map(int, own.groups())
        return Hardware(name, atom_c, atom_k, atom, 64)
    if name not in HARDWARE:
        raise UnknownNameError("NVDLA configuration", name, (*HARDWARE, "its atoms as C/K/memory, such as 64/32/32"))
    return HARDWARE[name]
