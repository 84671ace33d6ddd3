"""A device's tensors beside a golden file's: what its dump holds of the activations, by sample."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from int8sim.golden.dumps import Packing, pieces
from int8sim.golden.store import Golden
from int8sim.model.step import Array


class Held(NamedTuple):
    """samples: int64 [n], their numbers in the golden file, in rising order. values: [n, ...].

    unseen: how many of them the dump does not tell; the golden file's own stand there.
    """

    samples: Array
    values: Array
    unseen: int = 0

    def at(self, samples: Array) -> Array:
        """The values of some of the samples."""
        return self.values[np.searchsorted(self.samples, samples)]


def device_tensors(golden: Golden, path: Path, packing: Packing | None = None) -> dict[str, Held]:
    """By name in topological order: the dump's samples whose values the golden file holds. Raises as `pieces`."""
    found: dict[str, Held] = {}
    for piece in pieces(golden, path, packing):
        name, values = piece.tensor.name, np.asarray(piece.values)
        if piece.tensor.role != "accumulator":
            own = np.arange(piece.start, min(piece.start + len(values), piece.tensor.count))
            given = Held(own, values[: len(own)].astype(piece.tensor.dtype, copy=False), piece.unseen)
            found[name] = _joined(found[name], given) if name in found else given
    return found


def _joined(one: Held, other: Held) -> Held:
    samples, values = (np.concatenate(both) for both in zip(one[:2], other[:2], strict=True))
    return Held(samples, values, one.unseen + other.unseen)


def golden_values(golden: Golden, name: str, samples: Array) -> Array:
    """The recorded values of some samples of an activation, [n, ...]."""
    if not len(samples):
        return golden.rows(name, 0, 0)
    first, last = int(samples[0]), int(samples[-1])
    values: Array = golden.rows(name, first, last + 1)[samples - first]
    return values
