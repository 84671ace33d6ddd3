"""Which data a table was made from: one short hash per sample, one for all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np

from int8sim.model.step import Array

DIGITS = 16
"""Hex digits kept per sample."""


def sample_hashes(inputs: Mapping[str, Array]) -> list[str]:
    """One hash per sample of a batch, inputs in order of name, as the network takes them: float32, contiguous."""
    arrays = [np.ascontiguousarray(inputs[name], np.float32) for name in sorted(inputs)]
    return [
        hashlib.sha256(b"".join(array[i].tobytes() for array in arrays)).hexdigest()[:DIGITS]
        for i in range(len(arrays[0]))
    ]


def data_hash(samples: Iterable[str]) -> str:
    """SHA-256 in hex of the samples' hashes."""
    return hashlib.sha256("".join(samples).encode()).hexdigest()
