"""What a calibration table says about how it was made: its input, its softmax, which rows fit together, which cannot.

A table made from other data or weights than claimed often shows it: an input row of another scaling of pixels, a pool
whose row is not its input's, a row out of reach of the weights, sums and ReLUs without a common range.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from int8sim.calibration.explanation.candidates import limits_between
from int8sim.calibration.explanation.readings import (
    ENTROPY,
    MAXIMUM,
    InputReadings,
    Reading,
    input_readings,
    probability_readings,
    short_constant,
)
from int8sim.calibration.explanation.together import (
    Contradiction,
    Pair,
    contradictions,
    is_probability,
    origins,
    sums,
    usable,
)
from int8sim.graph.ir import Graph
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Table
from int8sim.spec.calibration import INT8_MAX
from int8sim.spec.float32 import float32_bits

INPUT_NAME = re.compile(r"(data|inputs?|images?|img|x|sample)([._:]?(\d+|image))*|0", re.IGNORECASE)
SURE, LIKELY = 0.01, 0.2
"""A reading of the input with a chance below the first is stated, below the second offered."""


@dataclass(frozen=True)
class RowExplanation:
    """One row.

    bits: of the scale. least, greatest: the ranges that give it, at bin 2048 and at bin 128; by the rule "maximum" both
    are max |x|. readings: what it can mean, the best first. repeats: the tensor whose row it must be, by the network.
    equals: the first row above it with the same bits. remark: why it has no range.
    """

    tensor: str
    scale: float
    bits: int
    least: float = 0.0
    greatest: float = 0.0
    readings: tuple[Reading, ...] = ()
    repeats: str = ""
    equals: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Explanation:
    """rule: readings.ENTROPY or MAXIMUM. inputs: by tensor. pairs: sums and ReLUs whose rows differ.

    missing: tensors of the network without a row; extra: rows without a tensor. verdict: one sentence each.
    """

    rule: str
    rows: tuple[RowExplanation, ...]
    inputs: Mapping[str, InputReadings]
    pairs: tuple[Pair, ...]
    contradictions: tuple[Contradiction, ...]
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()


def explain(table: Table, graph: Graph | None = None, inputs: Sequence[str] = ()) -> Explanation:
    """Everything that the rows prove. graph: the float network, by which rows repeat, sum and reach.

    inputs: rows of network inputs; by default the graph's, without one the first row of a usual name, else the first
    row. A legacy table is read as one of maxima, as with its usual quantile of 0.999999. Raises UnknownNameError for an
    input without a row.
    """
    table = _by_tensor(table, graph)
    rule = MAXIMUM if table.provenance.method in {"minmax", "legacy"} else ENTROPY
    read = {name: input_readings(table[name].scale, rule) for name in _inputs(table, graph, inputs)}
    known = {name: found.readings[0].limit for name, found in read.items() if found.readings and found.chance < SURE}
    wanted = tuple(table) if graph is None else graph.table_rows()
    found = Explanation(
        rule,
        tuple(_rows(table, graph, rule, read)),
        read,
        tuple(sums(table, graph)) if rule == ENTROPY else (),
        tuple(contradictions(table, graph, rule, known)),
        tuple(name for name in wanted if name not in table),
        tuple(name for name in table if name not in wanted),
    )
    return replace(found, verdict=tuple(_verdict(table, found)))


def _by_tensor(table: Table, graph: Graph | None) -> Table:
    """An NVDLA table by the tensors' names, where the network tells which layer computes which."""
    if graph is None or table.provenance.producer != "NVDLA JSON":
        return table
    tensors = {layer.name: layer.output for layer in graph.layers}
    return replace(table, rows={tensors.get(name, name): row for name, row in table.items()})


def _inputs(table: Table, graph: Graph | None, inputs: Sequence[str]) -> list[str]:
    """The rows of network inputs that have a range."""
    for name in inputs:
        if name not in table:
            raise UnknownNameError("row of the table", name, table)
    usual = [name for name in table if INPUT_NAME.fullmatch(name)] or list(table)
    chosen = inputs or (usual[:1] if graph is None else graph.inputs)
    return [name for name in chosen if name in table and usable(table[name].scale)]


def _rows(
    table: Table, graph: Graph | None, rule: str, inputs: Mapping[str, InputReadings]
) -> Iterator[RowExplanation]:
    repeated, first = origins(table, graph), dict[int, str]()
    for name, row in table.items():
        bits, repeats = float32_bits(row.scale), repeated.get(name, "")
        equals = first.setdefault(bits, name)
        if not usable(row.scale):
            remark = "always 0 in calibration" if row.scale == 0.0 else "no scale, the data were not finite"
            yield RowExplanation(name, row.scale, bits, repeats=repeats, remark=remark)
            continue
        ranges = limits_between(row.scale) if rule == ENTROPY else (row.scale * INT8_MAX,) * 2
        readings = () if repeats else _readings(name, row.scale, graph, rule, inputs)
        yield RowExplanation(name, row.scale, bits, *ranges, readings, repeats, equals if equals != name else "")


def _readings(
    name: str, scale: float, graph: Graph | None, rule: str, inputs: Mapping[str, InputReadings]
) -> tuple[Reading, ...]:
    if name in inputs:
        return inputs[name].readings
    if is_probability(name, graph):
        return probability_readings(scale, rule)
    constant = short_constant(scale, rule)
    return (constant,) if constant else ()


def _verdict(table: Table, found: Explanation) -> Iterator[str]:
    for remark in dict.fromkeys(row.remark for row in found.rows if row.remark):
        names = [row.tensor for row in found.rows if row.remark == remark]
        yield f"{remark}: {len(names)} of {len(table)} rows, {names[0]} first"
    for name, read in found.inputs.items():
        yield f"{name}: {_of_input(read, found.rule)}"
    if found.pairs:
        yield _of_pairs(found.pairs)
    if found.missing or found.extra:
        yield f"{len(found.missing)} tensors of the network have no row, {len(found.extra)} rows have no tensor"
    if found.contradictions:
        yield f"contradicted {len(found.contradictions)}x: no one calibration of this network made this table"
    else:
        yield f"nothing contradicts one {table.provenance.method or 'TensorRT'} calibration"


def _of_input(read: InputReadings, rule: str) -> str:
    if not read.readings:
        return "none of the usual scalings of pixels"
    best = read.readings[0]
    same = [each.meaning for each in read.readings if (each.limit, each.off) == (best.limit, best.off)]
    sure = "" if read.chance < SURE else "perhaps " if read.chance < LIKELY else "undecided, as likely by chance: "
    odds = f"1 in {1.0 / read.chance:,.0f} by chance" if rule == ENTROPY else "hardly by chance"
    return f"{sure}{' or '.join(dict.fromkeys(same))} ({best.place()}, {'1 ulp off' if best.off else 'exact'}, {odds})"


def _of_pairs(pairs: Sequence[Pair]) -> str:
    fits = sum(pair.doublings is not None for pair in pairs)
    chance = sum(pair.chance for pair in pairs)
    alone = ": they were not calibrated together" if fits < len(pairs) / 2 else ""
    return (
        f"{fits} of {len(pairs)} unequal pairs of a sum and its ReLU have a common range, {chance:.1f} by chance{alone}"
    )
