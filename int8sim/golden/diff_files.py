"""A dump laid beside a golden file: counts for each tensor, and the first wrong layer diagnosed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from int8sim.golden.device import device_tensors, golden_tensor
from int8sim.golden.diagnosis import Diagnosis
from int8sim.golden.diff import bits, diagnose
from int8sim.golden.heat import counts
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.store import Golden, read
from int8sim.model.errors import NotAGoldenFileError
from int8sim.model.step import Array

LOOKED_AT = 4096


@dataclass(frozen=True)
class Row:
    """One tensor. layer: that computes it, "" for an input. samples, compared, different: counts.

    own: of the values that differ, the first LOOKED_AT, how many the layer does not give from the device's own inputs
    to it; 0 says that they follow from what came before. None where the dump does not hold those, or nothing differs.
    """

    tensor: str
    layer: str
    samples: int
    compared: int
    different: int
    own: int | None = None


@dataclass(frozen=True, eq=False)
class Difference:
    """The whole comparison; truthy if every value that was compared is equal.

    absent: tensors of the golden file that the dump does not hold. first: the first tensor that differs, in topological
    order; diagnosis: of its layer, None for an input; heat: of its mismatches, int64 [channels, rows, columns].
    """

    rows: tuple[Row, ...]
    absent: tuple[str, ...]
    first: str = ""
    diagnosis: Diagnosis | None = None
    heat: Array | None = None

    def __bool__(self) -> bool:
        return not any(row.different for row in self.rows)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        heat = None if self.heat is None else self.heat.reshape(len(self.heat), -1).sum(axis=1).tolist()
        return {
            "matched": bool(self),
            "compared": sum(row.compared for row in self.rows),
            "different": sum(row.different for row in self.rows),
            "tensors": [vars(row) for row in self.rows],
            "absent": list(self.absent),
            "first": self.first,
            "by_channel": heat,
            "diagnosis": None if self.diagnosis is None else self.diagnosis.as_dict(),
        }


def diff(golden_file: Path, dump: Path) -> Difference:
    """Compare what a dump holds with the golden file's recorded values, and diagnose the first tensor that differs.

    The layer is judged on the golden file's inputs to it: what earlier layers did wrong does not matter to it.
    Raises NotAGoldenFileError, FileProblemError.
    """
    golden = read(golden_file)
    if golden.count == 0:
        raise NotAGoldenFileError(golden_file, "it holds a graph but no samples; record some")
    device = device_tensors(golden, dump)
    pairs = {name: _both(golden, name, values) for name, values in device.items()}
    rows = tuple(replace(_row(golden, name, *pair), own=_own(golden, name, pairs)) for name, pair in pairs.items())
    absent = tuple(name for name in golden.graph.activations() if name not in device)
    first = next((row.tensor for row in rows if row.different), "")
    if not first:
        return Difference(rows, absent)
    expected, actual = pairs[first]
    heat = counts(bits(expected) != bits(actual), golden.graph.tensors[first])
    return Difference(rows, absent, first, _diagnosis(golden, first, expected, actual), heat)


def _both(golden: Golden, name: str, values: Array) -> tuple[Array, Array]:
    recorded = golden_tensor(golden, name)
    count = min(len(recorded), len(values))
    return recorded[:count], values[:count]


def _row(golden: Golden, name: str, expected: Array, actual: Array) -> Row:
    layer = golden.graph.producer(name)
    different = int((bits(expected) != bits(actual)).sum()) if len(expected) else 0
    return Row(name, layer.name if layer else "", len(expected), expected.size, different)


def _own(golden: Golden, name: str, pairs: Mapping[str, tuple[Array, Array]]) -> int | None:
    layer, (expected, actual) = golden.graph.producer(name), pairs[name]
    if layer is None or not layer.arithmetic or not len(expected):
        return None
    names = [each for each in layer.inputs if each not in golden.graph.constants]
    given = [pairs[each][1] for each in names if each in pairs]
    count = min([len(actual), *map(len, given)])
    places = np.flatnonzero(bits(expected[:count]).reshape(-1) != bits(actual[:count]).reshape(-1))[:LOOKED_AT]
    if len(given) < len(names) or not len(places):
        return None
    found = Subject.of(golden.graph, layer).values([each[:count] for each in given], places)
    return int((bits(found) != bits(actual[:count].reshape(-1)[places])).sum())


def _diagnosis(golden: Golden, tensor: str, expected: Array, actual: Array) -> Diagnosis | None:
    layer = golden.graph.producer(tensor)
    if layer is None:
        return None
    names = [name for name in layer.inputs if name not in golden.graph.constants]
    inputs: Mapping[str, Array] = {name: golden_tensor(golden, name) for name in names}
    count = min([len(expected), *map(len, inputs.values())])
    if not np.any(bits(expected[:count]) != bits(actual[:count])):
        return None
    some = {name: values[:count] for name, values in inputs.items()}
    return diagnose(golden.graph, tensor, some, expected[:count], actual[:count])
