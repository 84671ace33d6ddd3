"""Which quantization every integer tensor gets: the table's, unless the engine forces another.

Tensors that an engine keeps at one scale (through pools, reshapes, concatenations) form a group. A group takes one row:
that of a concatenation's output, else that of its first tensor. Where the inputs of a sum must have one scale,
equal_inputs.py then overwrites rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from int8sim.graph.ir import Graph
from int8sim.graph.sharing import row_origins
from int8sim.lowering.equal_inputs import equalize
from int8sim.lowering.fold import Unit
from int8sim.model.errors import BadScaleError, MissingRangeError, UnknownNameError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Profile


@dataclass(frozen=True)
class Ranges:
    """quants: tensor -> quantization. notes: what the engine overrode, one sentence each."""

    quants: Mapping[str, QuantParams]
    notes: tuple[str, ...]


def ranges(
    graph: Graph, table: Table, profile: Profile, preset: str, integer: Sequence[Unit], order: Sequence[str]
) -> Ranges:
    """The quantization of every tensor that integer units read or write. Raises MissingRangeError, BadScaleError.

    order: all tensors as the network computes them.
    """
    groups = _groups(graph, profile, integer)
    positive = non_negative(graph, integer)
    rows = _rows(graph, table, profile, integer, groups)
    equal = profile.equal_inputs
    sums = [(unit.layer.name, data_inputs(graph, unit)) for unit in integer if unit.layer.op.name in equal]
    equalize(sums, order, {name: members[0] for members in groups for name in members}, rows)
    quants: dict[str, QuantParams] = {}
    notes: list[str] = []
    for members in groups:
        chosen, row = rows[members[0]]
        free = all(name in positive for name in members)
        asked = profile.activations[preset](row, free)
        quant = _forced(profile, integer, members, asked)
        quants |= dict.fromkeys(members, quant)
        notes += _overrides(table, members, chosen, row)
        if quant != asked:
            notes.append(f"{members[0]}: the engine forces scale {quant.scale} and zero point {quant.zero_point}")
    return Ranges(quants, tuple(notes))


def activation_dtype(profile: Profile, preset: str) -> str:
    """The dtype that a preset gives to activations. Raises UnknownNameError."""
    if preset not in profile.activations:
        raise UnknownNameError("preset", preset, profile.activations)
    return profile.activations[preset](Row(1.0), False).dtype


def data_inputs(graph: Graph, unit: Unit) -> list[str]:
    """The activations that a unit reads."""
    return [name for name in unit.layer.inputs if name not in graph.constants]


def _groups(graph: Graph, profile: Profile, integer: Sequence[Unit]) -> list[list[str]]:
    """Tensors that share a quantization, each group in topological order."""
    leader: dict[str, str] = {}

    def find(name: str) -> str:
        while leader.setdefault(name, name) != name:
            name = leader[name]
        return name

    for unit in integer:
        sources = data_inputs(graph, unit)
        joined = [*sources, unit.output]
        for name in joined:
            find(name)
        name = unit.layer.op.name
        if name in profile.same_scale:
            _join(leader, [find(each) for each in joined])
    members: dict[str, list[str]] = {}
    for name in graph.activations():
        if name in leader:
            members.setdefault(find(name), []).append(name)
    return list(members.values())


def _join(leader: dict[str, str], roots: list[str]) -> None:
    for root in roots[1:]:
        leader[root] = roots[0]


def _rows(
    graph: Graph, table: Table, profile: Profile, integer: Sequence[Unit], groups: Iterable[list[str]]
) -> dict[str, tuple[str, Row]]:
    """The tensor and row that speak for each group, by its first member. Raises if a group has no row at all.

    A tensor without a row that only reorders another's values, in float32, has the other's (a Caffe network's Flatten).
    """
    concatenated = {unit.output for unit in integer if unit.layer.op.name == "concat"}
    origins = row_origins(graph, pools=False)
    chosen, missing = {}, []
    forced = {unit.output for unit in integer if unit.layer.op.name in profile.forced}
    for members in groups:
        _check_rows(table, members)
        preferred = [name for name in members if name in concatenated] + members
        preferred += [origins[name] for name in members if name in origins]
        found = next((name for name in preferred if name in table), None)
        if found is not None:
            chosen[members[0]] = (found, table[found])
        elif members[0] in forced:
            chosen[members[0]] = (members[0], Row(1 / 127))
        else:
            missing.append(members[0])
    if missing:
        raise MissingRangeError(missing, table, f"the table for network {graph.name!r}")
    return chosen


def _check_rows(table: Table, members: Iterable[str]) -> None:
    """Raise BadScaleError for a row that cannot be a scale, also where another row overrides it."""
    for name in members:
        if name in table and not 0.0 <= table[name].scale < float("inf"):
            raise BadScaleError(name, table[name].scale, "finite and not negative")


def _forced(profile: Profile, integer: Sequence[Unit], members: list[str], quant: QuantParams) -> QuantParams:
    """The engine's own quantization of a group's output, in the dtype that the preset chose; else the table's."""
    for unit in integer:
        if unit.output in members and unit.layer.op.name in profile.forced:
            choices = profile.forced[unit.layer.op.name]
            return choices.get(quant.dtype, next(iter(choices.values())))
    return quant


def _overrides(table: Table, members: list[str], chosen: str, row: Row) -> list[str]:
    return [
        f"{name}: the table's scale {table[name].scale:.9g} gives way to {chosen}'s {row.scale:.9g}"
        for name in members
        if name in table and table[name].scale != row.scale
    ]


def non_negative(graph: Graph, integer: Sequence[Unit]) -> set[str]:
    """Tensors that cannot be below 0: behind a ReLU or a softmax, and where only such values move."""
    found: set[str] = set()
    for unit in integer:
        sources = data_inputs(graph, unit)
        clamped = any(low >= 0.0 for low, _ in unit.real_bounds) or unit.layer.op.name in {"relu", "softmax", "sigmoid"}
        moves = unit.layer.op.kind in {"move", "average_pool", "global_average_pool", "concat", "clamp"}
        if clamped or (moves and all(name in found for name in sources)):
            found.add(unit.output)
    return found
