"""Two tables as one: the union of their rows."""

from __future__ import annotations

from dataclasses import fields

from int8sim.model.errors import TableConflictError
from int8sim.model.table import Caution, Provenance, Row, Table
from int8sim.spec.float32 import float32_bits


def merge_tables(first: Table, second: Table) -> Table:
    """The rows of both, those of `first` first. A tensor in both must have one scale, bit for bit.

    Of two such rows the one that knows its range stays. The provenance keeps what both agree on; a caution "network"
    says that they are of different networks, where both are known. Raises TableConflictError.
    """
    conflicts = [name for name in first if name in second and _bits(first[name]) != _bits(second[name])]
    if conflicts:
        rows = first[conflicts[0]], second[conflicts[0]]
        scales, bits = (rows[0].scale, rows[1].scale), (_bits(rows[0]), _bits(rows[1]))
        raise TableConflictError(conflicts[0], scales, bits, len(conflicts) - 1)
    known = {name: row for name, row in second.items() if name not in first or first[name].low is None}
    cautions = dict.fromkeys((*first.cautions, *second.cautions, *_networks(first.provenance, second.provenance)))
    return Table({**first, **known}, _common(first.provenance, second.provenance), tuple(cautions))


def _bits(row: Row) -> int:
    return float32_bits(row.scale)


def _networks(first: Provenance, second: Provenance) -> tuple[Caution, ...]:
    if not first.network or not second.network or first.network == second.network:
        return ()
    return (Caution("network", "", f"merged of two networks, {first.network[:16]} and {second.network[:16]}"),)


def _common(first: Provenance, second: Provenance) -> Provenance:
    """The fields that are equal; the others as unknown."""
    names = [field.name for field in fields(Provenance)]
    equal = {name: getattr(first, name) for name in names if getattr(first, name) == getattr(second, name)}
    return Provenance(**equal)
