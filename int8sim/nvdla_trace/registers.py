"""NVDLA's register file: two groups per block, written through the producer's pointer, read as fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from int8sim.model.errors import UncoveredRegistersError
from int8sim.nvdla_trace.register_map import FIELDS, HARMLESS, REGISTERS, RESETS, Field
from int8sim.spec.integers import sign_extend

KNOWN = {block: frozenset(names.split()) for block, names in REGISTERS.items()}


@dataclass(frozen=True)
class Block:
    """The registers of one block as they were when it was enabled: name -> value, resets where nothing was written."""

    name: str
    values: Mapping[str, int]

    def __getitem__(self, field: str) -> int:
        """A field as an unsigned number."""
        register, low, width = self._field(field)
        return self._value(register) >> low & ((1 << width) - 1)

    def signed(self, field: str) -> int:
        """A field in two's complement."""
        return sign_extend(self[field], self._field(field).width)

    def address(self, name: str) -> int:
        """<name>_BASE_ADDR_HIGH and _LOW."""
        return self[f"{name}_BASE_ADDR_HIGH"] << 32 | self[f"{name}_BASE_ADDR_LOW"]

    def registers(self, *fields: str) -> dict[str, int]:
        """The registers that hold these fields, by their full names, for an error."""
        names = [self._field(field).register for field in fields]
        return {f"{self.name}.{register}": self._value(register) for register in names}

    def require(self, reason: str, **fields: int) -> None:
        """Raise UncoveredRegistersError for a field that has another value."""
        for field, value in fields.items():
            if self[field] != value:
                raise UncoveredRegistersError(self.registers(field), reason)

    def _field(self, field: str) -> Field:
        return FIELDS[self.name][field]

    def _value(self, register: str) -> int:
        return self.values.get(register, RESETS.get((self.name, register), 0))


class RegisterFile:
    """What reg_write writes into."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, int], dict[str, int]] = {}
        self._pointers: dict[str, int] = {}

    def write(self, block: str, register: str, value: int) -> Block | None:
        """The block, if this write enables it. Raises UncoveredRegistersError for what is no register, or of no use.

        D_ registers go to the group that S_POINTER names.
        """
        if block in HARMLESS:
            return None
        if block not in KNOWN:
            known = ", ".join(name.removeprefix("NVDLA_") for name in KNOWN)
            raise UncoveredRegistersError({f"{block}.{register}": value}, f"the player has the blocks {known}")
        if register not in KNOWN[block]:
            raise UncoveredRegistersError({f"{block}.{register}": value}, "NVDLA's manual has no such register")
        if register == "S_POINTER":
            self._pointers[block] = value & 1
        group = self._groups.setdefault((block, self._pointers.get(block, 0)), {})
        group[register] = value
        return Block(block, dict(group)) if register == "D_OP_ENABLE" and value & 1 else None
