"""What a reader of calibration tables misreads, drops or misses in one, by line.

The truth is what TensorRT wrote: `name: bits`, split at the last `: `. Each line is given to the reader's own rule
(readers.py), and what comes out is compared. With a network, so are the names. NVDLA's JSON is in lint_nvdla.py.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from int8sim.formats.findings import ERROR, NOTE, WARNING, Finding, by_line, scale_problem
from int8sim.formats.lint_nvdla import layer_names, lint_json
from int8sim.formats.readers import READERS, Entry, Reader, Stopped
from int8sim.formats.tensorrt_cache import VALUE
from int8sim.formats.tensorrt_header import EXAMPLES, Header
from int8sim.formats.text import read_text
from int8sim.graph.ir import Graph
from int8sim.graph.sharing import row_origins
from int8sim.model.errors import BadTableLineError, NotATableError, UnknownNameError
from int8sim.spec.float32 import float32_bits, float32_from_bits


@dataclass(frozen=True)
class Line:
    """A line of a cache: its number, its text without the line end, and what it says; None for a malformed one."""

    number: int
    text: str
    truth: Entry | None


def lint(path: str | os.PathLike[str], reader: str, graph: Graph | None = None) -> tuple[Finding, ...]:
    """Everything that is wrong with a table for one reader, by line; nothing if the reader gets what is written.

    path: a TensorRT cache, or for the reader "nvdla" its JSON table too. reader: a name in READERS. graph: the float
    network, whose tensors (NVDLA: inputs and layers) need rows. Raises NotATableError, UnknownNameError.
    """
    if reader not in READERS:
        raise UnknownNameError("reader", reader, READERS)
    text = read_text(path)
    if text.lstrip().startswith("{"):
        if reader != "nvdla":
            raise NotATableError(path, f"it is JSON; {READERS[reader].title} reads a TensorRT calibration cache")
        return by_line(lint_json(path, text, graph))
    return by_line(_lint_cache(path, text, READERS[reader], graph))


def _lint_cache(path: str | os.PathLike[str], text: str, reader: Reader, graph: Graph | None) -> Iterator[Finding]:
    first, *rest = text.removesuffix("\n").split("\n")
    header = Header.parse(first)
    if header is None:
        raise BadTableLineError(path, 1, first, f"a header such as {', '.join(EXAMPLES)} is needed")
    lines = [Line(number, line, _truth(line)) for number, line in enumerate(rest, 2)]
    yield from _at_header(reader, first)
    yield from _repeated(lines)
    got: dict[str, Entry] = {}
    for line in lines:
        try:
            entry = reader.row(line.text)
        except Stopped as problem:
            yield _stopped(reader, line.number, line.text, str(problem))
            continue
        if entry is not None:
            got[entry.name] = entry
        yield from _compared(reader, line, entry)
    if graph is not None:
        yield from _named(reader, lines, got, graph)
        yield from _unequal(lines, row_origins(graph, pools=header.method != "legacy"))


def _truth(line: str) -> Entry | None:
    name, separator, bits = line.rstrip().rpartition(": ")
    return Entry(name, float32_from_bits(int(bits, 16))) if separator and VALUE.fullmatch(bits) else None


def _at_header(reader: Reader, header: str) -> Iterator[Finding]:
    try:
        reader.header(header)
    except Stopped as problem:
        yield _stopped(reader, 1, header, str(problem))


def _stopped(reader: Reader, number: int, text: str, problem: str) -> Finding:
    name = text.rpartition(": ")[0]
    remedy = "write `name: ` and 8 hex digits, 00000000 for 0"
    if number == 1:
        remedy = "write the header as TensorRT 5 and later do"
    elif ": " in name:
        remedy = "rename the tensor in the network, without `: `"
    return Finding(
        number, text, ERROR, "stops", name, f"{reader.title} gives the whole file up here: {problem}", remedy
    )


def _repeated(lines: Iterable[Line]) -> Iterator[Finding]:
    places: dict[str, int] = {}
    for line in lines:
        name = line.truth.name if line.truth else None
        if name in places:
            what = f"tensor {name!r} stands on line {places[name]} too; the later row counts"
            yield Finding(line.number, line.text, WARNING, "repeated", name, what, "keep one of the two")
        if name is not None:
            places[name] = line.number


def _compared(reader: Reader, line: Line, entry: Entry | None) -> Iterator[Finding]:
    """What the reader makes of one line, against what it says."""
    truth = line.truth
    if truth is None:
        yield from _malformed(reader, line, entry)
    elif entry is None:
        what = f"{reader.title} passes over the line: it has another colon"
        yield Finding(line.number, line.text, ERROR, "dropped", truth.name, what, "rename the tensor, without colons")
    elif entry.name != truth.name:
        what = f"{reader.title} reads tensor {entry.name!r}, scale {entry.scale:.9g}"
        yield Finding(line.number, line.text, ERROR, "misnamed", truth.name, what, "rename the tensor, without colons")
    elif float32_bits(entry.scale) != float32_bits(truth.scale):
        what = f"{reader.title} reads scale {entry.scale:.9g} in place of {truth.scale:.9g}"
        remedy = "leave the row out: the tensor has no usable scale"
        yield Finding(line.number, line.text, WARNING, "misread", truth.name, what, remedy)
    else:
        yield from scale_problem(line.number, line.text, truth.name, truth.scale)


def _malformed(reader: Reader, line: Line, entry: Entry | None) -> Iterator[Finding]:
    """A line that is no row; a blank one that the reader passes over is none of its business."""
    blank = not line.text.strip()
    if blank and entry is None:
        return
    what = "a blank line" if blank else "no `name: scale as up to 8 hex digits`"
    became = "passes over it" if entry is None else f"reads tensor {entry.name!r}, scale {entry.scale:.9g}"
    severity = WARNING if blank else ERROR
    yield Finding(line.number, line.text, severity, "malformed", "", f"{what}; {reader.title} {became}", "remove it")


def _named(reader: Reader, lines: Iterable[Line], got: Mapping[str, Entry], graph: Graph) -> Iterator[Finding]:
    """Rows that the reader looks for and has not got, and rows that it has no use for."""
    wanted = dict.fromkeys(layer_names(graph) if reader.name == "nvdla" else graph.table_rows())
    said = {line.truth.name: line for line in lines if line.truth}
    for name in wanted:
        if name not in got:
            line = said.get(name, Line(0, "", None))
            what = f"no row reaches {reader.title}: {reader.missing}"
            yield Finding(
                line.number, line.text, ERROR, "missing", name, what, "calibrate this network, or mend its row"
            )
    for name, line in said.items():
        if name not in wanted:
            what = "the network has no such tensor; the row is not used"
            yield Finding(line.number, line.text, NOTE, "extra", name, what, "none is needed")


def _unequal(lines: Iterable[Line], origins: Mapping[str, str]) -> Iterator[Finding]:
    """Rows that TensorRT writes equal, since one tensor only moves the other's values."""
    said = {line.truth.name: (line, line.truth.scale) for line in lines if line.truth}
    for name, origin in origins.items():
        if name in said and origin in said and float32_bits(said[name][1]) != float32_bits(said[origin][1]):
            line, _ = said[name]
            what = f"it only moves the values of {origin!r}, whose scale is {said[origin][1]:.9g}; both need one scale"
            yield Finding(line.number, line.text, WARNING, "unequal", name, what, f"give it the row of {origin!r}")
