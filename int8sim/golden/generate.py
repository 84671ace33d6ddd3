"""Inputs that tell one layer's arithmetic from every mutation of the catalogue, and what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant, catalogue
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.layers import chosen_samples
from int8sim.golden.vectors.pairs import Cells, chosen_cells, packed
from int8sim.golden.vectors.pool import drawn, kills
from int8sim.golden.vectors.reals import chosen_reals, drawn_reals, is_real
from int8sim.golden.vectors.score import Judged, Score
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import LayerError
from int8sim.model.step import Array
from int8sim.model.tensor import BITS
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.pointwise import Pointwise

VECTORS = 200
MANY = 8
"""Bits of an input above which not all of them are tried."""


@dataclass(frozen=True, eq=False)
class Generated:
    """inputs: by tensor name, [vectors, ...], of what the layer reads; score: what they are worth."""

    inputs: Mapping[str, Array]
    score: Score


def generate(
    graph: Graph, layer: Layer, *, vectors: int = VECTORS, seed: int = 0, told_apart: bool = False
) -> Generated:
    """Search for at most so many samples that kill every mutation of a layer; the others are proved or survive.

    Every kill that is counted was seen: both arithmetics run on the samples that are returned. told_apart: more samples
    than that takes, on which mutations differ from each other, so that a diagnosis names few.
    Raises LayerError for a layer without integer arithmetic, or of real inputs that it does more than quantize.
    """
    subject, rng = Subject.of(graph, layer), np.random.default_rng(seed)
    mutants = catalogue(subject)
    if layer.arithmetic is None or not mutants:
        raise LayerError(layer.name, f"{layer.op.name} has no integer arithmetic here; nothing can be wrong with it")
    real = [str(kind) for kind in subject.free if kind.quant is None]
    if real and not is_real(subject):
        raise LayerError(layer.name, f"its input is {real[0]}, not quantized; vectors are searched among codes")
    names = dict.fromkeys(name for name in layer.inputs if name not in graph.constants)
    batch, aims, proved = _found(subject, mutants, rng, vectors, told_apart)
    return Generated(dict(zip(names, batch, strict=True)), _score(layer, subject, mutants, batch, aims, proved, rng))


def _found(
    subject: Subject, mutants: Sequence[Mutant], rng: np.random.Generator, vectors: int, told_apart: bool
) -> tuple[list[Array], list[int], list[Judged]]:
    if is_real(subject):
        return chosen_reals(subject, mutants, rng, vectors, told_apart), [], []
    if not _alone(subject):
        return chosen_samples(subject, mutants, rng, vectors, told_apart)
    cells = Cells(subject, rng)
    chosen, proved = chosen_cells(cells, mutants, told_apart)
    return [each[-vectors:] for each in packed(cells, chosen)], [], proved


def _alone(subject: Subject) -> bool:
    """Whether each output element comes of one element of each input, and all of these can be tried."""
    small = all(kind.quant is not None and BITS[kind.dtype] <= MANY for kind in subject.types)
    shapes = {kind.shape for kind in subject.types}
    plain = isinstance(subject.op, Elementwise | Pointwise) and len(subject.arithmetic) == 1
    return plain and small and len(shapes) == 1 and not subject.constants


def _random(subject: Subject, count: int, rng: np.random.Generator) -> list[Array]:
    if is_real(subject):
        return [drawn_reals(subject, rng, count)]
    return [np.concatenate([drawn(kind, rng) for _ in range(count)]) for kind in subject.free]


def _score(
    layer: Layer,
    subject: Subject,
    mutants: Sequence[Mutant],
    batch: list[Array],
    aims: Sequence[int],
    proved: Sequence[Judged],
    rng: np.random.Generator,
) -> Score:
    count = len(batch[0])
    killed = set(np.flatnonzero(kills(subject, mutants, batch, aims).any(axis=1)).tolist())
    random = _random(subject, count, rng)
    equal = {each.key for each in proved}
    alive = [each for place, each in enumerate(mutants) if place not in killed and each.key not in equal]
    return Score(
        layer=layer.name,
        op=layer.op.name,
        vectors=count,
        mutations=len(mutants),
        killed=len(killed),
        proved=tuple(proved),
        survivors=tuple(Judged(each.key, str(each)) for each in alive),
        random=int(kills(subject, mutants, random, aims).any(axis=1).sum()),
    )
