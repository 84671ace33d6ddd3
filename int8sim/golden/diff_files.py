"""A dump laid beside a golden file: counts for each tensor, and the first wrong layer diagnosed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from int8sim.golden.compare import bits
from int8sim.golden.device import Held, device_tensors, golden_values
from int8sim.golden.diagnosis import Diagnosis
from int8sim.golden.diff import diagnose
from int8sim.golden.dumps import Packing
from int8sim.golden.heat import counts
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.store import Golden, read
from int8sim.graph.ir import Layer
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


class _Pair(NamedTuple):
    """A tensor as the golden file has it and as the device gave it, sample for sample."""

    expected: Array
    device: Held

    @property
    def differs(self) -> Array:
        """Bool, of their shape."""
        return np.not_equal(bits(self.expected), bits(self.device.values))


def diff(golden_file: Path, dump: Path, packing: Packing | None = None) -> Difference:
    """Compare what a dump holds with the golden file's recorded values, and diagnose the first tensor that differs.

    The layer is judged on the golden file's inputs to it: what earlier layers did wrong does not matter to it.
    packing: of a dump's words, where no index beside it says it. Raises NotAGoldenFileError, and what `pieces` raises.
    """
    golden = read(golden_file)
    if golden.count == 0:
        raise NotAGoldenFileError(golden_file, "it holds a graph but no samples; record some")
    device = device_tensors(golden, dump, packing)
    pairs = {name: _Pair(golden_values(golden, name, held.samples), held) for name, held in device.items()}
    rows = tuple(_row(golden, name, pairs) for name in pairs)
    absent = tuple(name for name in golden.graph.activations() if name not in device)
    first = next((row.tensor for row in rows if row.different), "")
    if not first:
        return Difference(rows, absent)
    heat = counts(pairs[first].differs, golden.graph.tensors[first])
    return Difference(rows, absent, first, _diagnosis(golden, first, pairs[first]), heat)


def _row(golden: Golden, name: str, pairs: Mapping[str, _Pair]) -> Row:
    layer, (expected, _) = golden.graph.producer(name), pairs[name]
    different = int(pairs[name].differs.sum())
    own = _own(golden, layer, pairs) if layer and layer.arithmetic and different else None
    compared = expected.size - pairs[name].device.unseen
    return Row(name, layer.name if layer else "", len(expected), compared, different, own)


def _own(golden: Golden, layer: Layer, pairs: Mapping[str, _Pair]) -> int | None:
    names = [each for each in layer.inputs if each not in golden.graph.constants]
    if any(name not in pairs for name in names):
        return None
    every = [pairs[name].device for name in (*names, layer.output)]
    samples = reduce(np.intersect1d, (held.samples for held in every))
    *given, actual = (held.at(samples) for held in every)
    places = np.flatnonzero(bits(golden_values(golden, layer.output, samples)) != bits(actual))[:LOOKED_AT]
    if not len(places):
        return None
    found = Subject.of(golden.graph, layer).values(given, places)
    return int((bits(found) != bits(actual.reshape(-1)[places])).sum())


def _diagnosis(golden: Golden, tensor: str, pair: _Pair) -> Diagnosis | None:
    layer = golden.graph.producer(tensor)
    if layer is None:
        return None
    names = [name for name in layer.inputs if name not in golden.graph.constants]
    samples = pair.device.samples
    samples = samples[samples < min(golden.recorded(name) for name in (*names, tensor))]
    expected, actual = golden_values(golden, tensor, samples), pair.device.at(samples)
    if not np.any(bits(expected) != bits(actual)):
        return None
    inputs = {name: golden_values(golden, name, samples) for name in names}
    return diagnose(golden.graph, tensor, inputs, expected, actual)
