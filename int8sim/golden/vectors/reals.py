"""Vectors of a layer that quantizes: real values at every tie and at every code, and the float32 values beside them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.pool import killing, prints
from int8sim.model.step import Array
from int8sim.ops.pointwise import Pointwise

BESIDE = 2
"""Float32 values on both sides."""
POWERS = 8, 31
"""Of two, of the integers far from the codes."""


def is_real(subject: Subject) -> bool:
    """Whether a layer computes each code of one real value."""
    kinds = [(kind.quant is None, kind.dtype) for kind in subject.free]
    plain = isinstance(subject.op, Pointwise) and subject.output.quant is not None and not subject.constants
    return plain and kinds == [(True, "float32")]


def chosen_reals(
    subject: Subject, mutants: Sequence[Mutant], rng: np.random.Generator, most: int, told_apart: bool
) -> list[Array]:
    """Few samples that kill what the values at ties and codes kill. told_apart: as `chosen_samples`."""
    values, size = _values(subject), int(np.prod(subject.shape(1)))
    rng.shuffle(values)
    count = -(-len(values) // size)
    samples = drawn_reals(subject, rng, count)
    samples.reshape(-1)[: len(values)] = values
    table = prints(subject, mutants, [samples])
    chosen = cover(killing(table), most) or [0]
    return [samples[apart(table, chosen, most) if told_apart else chosen]]


def _values(subject: Subject) -> Array:
    """float32: of two codes more on both sides, so that saturation shows, and of integers up to 31 bits."""
    quant = subject.output.quantized
    halves = np.arange(2 * (quant.low - 2), 2 * (quant.high + 3)) / 2 - quant.tensor_zero_point
    found = [(halves * np.float32(quant.tensor_scale)).astype(np.float32)]
    for end in (np.inf, -np.inf):
        found += [beside := found[0]]
        for _ in range(BESIDE):
            found.append(beside := np.nextafter(beside, np.float32(end)))
    far = (1.5 * 2.0 ** np.arange(*POWERS) * quant.tensor_scale).astype(np.float32)
    return np.unique(np.concatenate([*found, far, -far]))


def drawn_reals(subject: Subject, rng: np.random.Generator, count: int) -> Array:
    """Random samples, uniform over what the codes mean."""
    quant = subject.output.quantized
    low, high = ((end - quant.tensor_zero_point) * quant.tensor_scale for end in (quant.low, quant.high))
    return rng.uniform(low, high, subject.shape(count)).astype(np.float32)
