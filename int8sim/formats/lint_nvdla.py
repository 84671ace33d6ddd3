"""What NVDLA's compiler misses in its JSON table, which Python's reader does not show.

parseTensorScales of nvdla/sw:umd/apps/compiler/ParseTest.cpp, with rapidjson: of equal keys the first counts; `scale`
hides `min` and `max`; `offset` is never read; an entry of the network that is missing aborts on an assertion; Infinity
and NaN are no JSON. Keys are the network's inputs and its layers by name, never tensors by name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any

from int8sim.formats.dynamic_range import through_range
from int8sim.formats.findings import ERROR, NOTE, WARNING, Finding, scale_problem
from int8sim.graph.ir import Graph
from int8sim.model.errors import NotATableError
from int8sim.spec.float32 import float32

LARGEST = 10**308
"""Beyond it rapidjson refuses a number, `Number too big to be stored in double`, as it refuses Infinity and NaN."""

Pairs = tuple[tuple[str, Any], ...]


def layer_names(graph: Graph) -> list[str]:
    """What the compiler looks up: inputs, and the layers that a table has a row for, by name."""
    listed = set(graph.table_rows())
    return [*graph.inputs, *(layer.name for layer in graph.layers if layer.output in listed)]


def lint_json(path: str | os.PathLike[str], text: str, graph: Graph | None) -> Iterator[Finding]:
    """The findings, in no order. Raises NotATableError for what is no JSON object."""
    entries = _entries(path, text)
    lines = text.split("\n")
    place = 0
    seen: dict[str, int] = {}
    for name, entry in entries:
        place = _place(lines, name, place)
        line = lines[place].strip()
        if name in seen:
            what = f"key {name!r} stands on line {seen[name]} too: the compiler takes that one, other readers this one"
            yield Finding(place + 1, line, ERROR, "repeated", name, what, "keep one of the two")
        seen.setdefault(name, place + 1)
        yield from _entry(place + 1, line, name, dict(entry) if isinstance(entry, tuple) else entry)
        place += 1
    if graph is not None:
        yield from _named(seen, graph)


def _entries(path: str | os.PathLike[str], text: str) -> Pairs:
    """The object's entries in order, equal keys and all; inner objects as tuples of pairs too."""
    try:
        entries = json.loads(text, object_pairs_hook=tuple)
    except json.JSONDecodeError as problem:
        raise NotATableError(path, f"line {problem.lineno}: {problem.msg}") from None
    except (ValueError, RecursionError) as problem:
        raise NotATableError(path, f"not a table: {problem}") from None
    found: Pairs = entries
    return found


def _place(lines: list[str], name: str, start: int) -> int:
    """The index of the first line from `start` on that holds the key, or of `start`'s last line."""
    spellings = [f"{json.dumps(name, ensure_ascii=ascii_only)}:" for ascii_only in (True, False)]
    for index in range(start, len(lines)):
        if any(spelling in lines[index].replace('" :', '":') for spelling in spellings):
            return index
    return min(start, len(lines) - 1)


def _entry(number: int, line: str, name: str, entry: Any) -> Iterator[Finding]:
    """One entry: what the compiler takes from it."""
    if not isinstance(entry, dict):
        what = f"the entry is {entry!r}; the compiler aborts on it"
        yield Finding(number, line, ERROR, "stops", name, what, "give an object with scale, or min and max")
        return
    numbers = {key: entry[key] for key in ("scale", "min", "max", "offset") if key in entry}
    for key, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
            what = f"{key} is {str(value)[:40]}, which is no number in JSON: the compiler refuses the table"
            yield Finding(number, line, ERROR, "stops", name, what, "give a finite number")
            return
    yield from _range(number, line, name, numbers)
    if numbers.get("offset", 0) != 0:
        what = f"offset {numbers['offset']} is never read: the compiler's tables are symmetric"
        yield Finding(number, line, WARNING, "offset", name, what, "give the symmetric scale and offset 0")


def _range(number: int, line: str, name: str, numbers: Mapping[str, float]) -> Iterator[Finding]:
    if "scale" in numbers:
        if numbers.get("min", 0) != 0 or numbers.get("max", 0) != 0:
            what = f"min {numbers.get('min', 0)} and max {numbers.get('max', 0)} are not read where scale is given"
            yield Finding(number, line, WARNING, "both", name, what, "leave out scale, or write 0 for min and max")
        yield from _scale(number, line, name, float32(numbers["scale"]))
    elif "min" in numbers and "max" in numbers:
        amax = max(abs(float32(numbers["min"])), abs(float32(numbers["max"])))
        yield from scale_problem(number, line, name, float32(amax / 127))
    else:
        what = "neither scale nor both min and max: the compiler stops, `Atleast 1 of scale or min-max`"
        yield Finding(number, line, ERROR, "stops", name, what, "give scale")


def _scale(number: int, line: str, name: str, scale: float) -> Iterator[Finding]:
    yield from scale_problem(number, line, name, scale)
    if through_range(scale) != scale:
        what = f"the compiler makes scale {through_range(scale)!r} of {scale!r}: no float32 range gives this one"
        yield Finding(number, line, NOTE, "range", name, what, "none is needed")


def _named(seen: Mapping[str, int], graph: Graph) -> Iterator[Finding]:
    wanted = layer_names(graph)
    for name in dict.fromkeys(wanted):
        if name not in seen:
            what = "the network's input or layer has no entry: the compiler aborts on an assertion"
            yield Finding(0, "", ERROR, "missing", name, what, "add it, under the layer's name and not the tensor's")
    for name, line in seen.items():
        if name not in wanted:
            what = "the network has no such input or layer; the entry is not used"
            yield Finding(line, "", NOTE, "extra", name, what, "none is needed")
