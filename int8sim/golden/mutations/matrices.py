"""The accumulators of a product of two matrices at chosen places, in arrays, every part replaceable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from int8sim.golden.mutations.products import PRODUCTS, Read, Sum, as_it_is, exact_sum, in_steps_of, wrapped_32
from int8sim.kernels.bounds import accumulates_in_sequence
from int8sim.kernels.storage import flip, stored_zero
from int8sim.model.accumulation import accumulation, is_wide
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op
from int8sim.ops.matmul import spread


@dataclass(frozen=True, eq=False)
class Matrices:
    """a [..., M, K] by b [..., K, P] as arrays.

    types: of both. zeros: what is subtracted of their codes; reads: what is taken for their codes. share: the code that
    the zero point adds for each b to a sum of stored codes, taken off it. moved: b as it reaches the products. kept: of
    K, from and to. total: how products are summed; final: what the accumulator's register makes of the sum.
    """

    types: tuple[TensorType, TensorType]
    zeros: tuple[int, int]
    reads: tuple[Read, Read]
    share: int
    total: Sum
    final: Read
    moved: Read = as_it_is
    kept: tuple[int, int | None] = (0, None)

    @property
    def depth(self) -> int:
        """Products of one accumulator."""
        return self.types[0].shape[-1]

    @property
    def added(self) -> Array:
        """int64 [P]: nothing; a convolution's bias is its counterpart."""
        return np.zeros(self.types[1].shape[-1], np.int64)

    def telling(self, most: int) -> list[int]:
        """Some channels."""
        return [*range(min(most, len(self.added)))]

    def ends(self) -> tuple[Array, Array]:
        """The greatest and the least of each product, over all codes: int64 [P, K]."""
        a, b = (np.array([kind.quantized.low, kind.quantized.high]) - zero for kind, zero in self._sides())
        corners, shape = np.outer(a, b), (len(self.added), self.depth)
        return np.full(shape, corners.max(), np.int64), np.full(shape, corners.min(), np.int64)

    def _sides(self) -> list[tuple[TensorType, int]]:
        return [*zip(self.types, self.zeros, strict=True)]

    def accumulators(self, inputs: Sequence[Array], places: Array) -> tuple[Array, Array]:
        """(accumulators, channels), int64 [n], of places: flat indices in the output. inputs: a and b."""
        count = max(1, PRODUCTS // self.depth)
        a, b = spread([inputs[0], self.moved(inputs[1])])
        parts = [self._part(a, b, places[start : start + count]) for start in range(0, max(len(places), 1), count)]
        accumulators, channels = zip(*parts, strict=True)
        return np.concatenate(accumulators), np.concatenate(channels)

    def _part(self, a: Array, b: Array, places: Array) -> tuple[Array, Array]:
        *index, row, column = np.unravel_index(places, (*a.shape[:-1], b.shape[-1]))
        codes = a[*index, row], b.swapaxes(-1, -2)[*index, column]
        x, w = (
            read(each.astype(np.int64)) - zero for each, read, zero in zip(codes, self.reads, self.zeros, strict=True)
        )
        totals = self.total((x * w)[:, slice(*self.kept)]) - self.share * w.sum(axis=1)
        return self.final(totals), column.astype(np.int64)


def matrices_of(op: Op, types: Sequence[TensorType], arithmetic: Arithmetic) -> Matrices | None:
    """The layer as it is right; None for any other op."""
    if op.name != "matmul":
        return None
    a, b = types
    step = accumulation(arithmetic)
    in_steps = step is not None and accumulates_in_sequence(types, {}, arithmetic)
    stored = in_steps and step is not None and step.loop.unsigned
    return Matrices(
        types=(a, b),
        zeros=(-flip(a) if stored else a.quantized.tensor_zero_point, b.quantized.tensor_zero_point),
        reads=(as_it_is, as_it_is),
        share=stored_zero(a) if stored else 0,
        total=in_steps_of(step) if step is not None and in_steps else exact_sum,
        final=as_it_is if is_wide(a, b) or (step is not None and step.loop.bits is not None) else wrapped_32,
    )
