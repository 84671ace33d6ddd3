"""Two matrices whose product, at one place, has a wanted accumulator: one side is drawn, the other solved for."""

from __future__ import annotations

import numpy as np

from int8sim.golden.mutations.matrices import Matrices
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.pool import drawn
from int8sim.golden.vectors.solve import solved
from int8sim.model.step import Array


class MatrixSolver:
    """One layer, a batch of one. A sample is an array [1, ...] for each free tensor; a may be b, or one a constant."""

    def __init__(self, subject: Subject, sums: Matrices, rng: np.random.Generator) -> None:
        self.subject, self.sums, self.rng = subject, sums, rng
        self.free = [side for side in range(2) if side not in subject.constants]
        self.zeros = [kind.quantized.tensor_zero_point for kind in sums.types]
        *_, self.rows, columns = subject.shape(1)
        self.places = [self._row(channel) * columns + channel for channel in range(columns)]

    def vector(self, channel: int, wanted: int) -> list[Array] | None:
        """A sample with the wanted accumulator at the channel's place; None where none is found."""
        return self._solved(self._drawn(), channel, wanted, np.ones(self.sums.depth, bool))

    def extreme(self, channel: int, share: float, sign: int) -> list[Array]:
        """A sample whose products grow as far as they can over the first share of K, and shrink behind."""
        sample, depth = self._drawn(), self.sums.depth
        self._grow(sample, channel, np.where(np.arange(depth) < depth * share, sign, -sign))
        return sample

    def pair(self, channel: int, sign: int) -> list[Array]:
        """A sample with one pair of neighbouring products as great as it can be, and nothing else."""
        sample = [
            np.full((1, *kind.shape[1:]), kind.quantized.tensor_zero_point, kind.dtype) for kind in self.subject.free
        ]
        self._paired(sample, channel, sign)
        return sample

    def pair_within(self, channel: int, sign: int, wanted: int) -> list[Array] | None:
        """The same, with other products that bring the accumulator to the wanted one; None where none are found."""
        sample = self._drawn()
        return self._solved(sample, channel, wanted, self._paired(sample, channel, sign))

    def _paired(self, sample: list[Array], channel: int, sign: int) -> Array:
        """The greatest pair into a sample; bool [K], where it is not."""
        whole = [each.copy() for each in sample]
        self._grow(whole, channel, np.full(self.sums.depth, sign))
        lines = self._lines(whole, channel)
        products = np.prod([self._real(lines, side) for side in range(2)], axis=0) * sign
        first = 2 * int(np.add.reduceat(products, np.arange(0, len(products), 2)).argmax())
        for side in self.free:
            self._lines(sample, channel)[side][first : first + 2] = lines[side][first : first + 2]
        others = np.ones(len(products), bool)
        others[first : first + 2] = False
        return others

    def _solved(self, sample: list[Array], channel: int, wanted: int, changed: Array) -> list[Array] | None:
        """The sample with other codes on the side that is solved for, where they may change."""
        side, lines = self.free[0], self._lines(sample, channel)
        if len(self.subject.free) < len(self.free):
            changed[channel] = False  # of a row that crosses the column
        weights, mine = self._real(lines, 1 - side), self._real(lines, side)
        kind, zero = self.sums.types[side].quantized, self.zeros[side]
        rest = wanted - int((weights * mine)[~changed].sum())
        found = solved(weights[changed], rest, (kind.low - zero, kind.high - zero), self.rng)
        if found is None:
            return None
        lines[side][changed] = found + zero
        return sample

    def _grow(self, sample: list[Array], channel: int, signs: Array) -> None:
        """Products as great as they can be where the sign is 1, as small where it is -1, into a sample."""
        ends = [np.array([kind.quantized.low, kind.quantized.high]) for kind in self.sums.types]
        corners = np.outer(*(each - zero for each, zero in zip(ends, self.zeros, strict=True)))
        best = [np.unravel_index(corners.argmax(), (2, 2)), np.unravel_index(corners.argmin(), (2, 2))]
        lines = self._lines(sample, channel)
        if len(self.free) > 1:
            lines[1][:] = np.where(signs > 0, *(ends[1][at[1]] for at in best))
        side = self.free[0]
        upwards = self._real(lines, 1 - side) * signs > 0
        lines[side][:] = np.where(upwards, ends[side][1], ends[side][0])

    def _lines(self, sample: list[Array], channel: int) -> tuple[Array, Array]:
        """The row of a and the column of b behind a channel's place, [K] each: views of the sample."""
        a, b = self.subject.inputs(self.subject.activations(sample))
        first = a.reshape(-1, *a.shape[-2:])[0], b.reshape(-1, *b.shape[-2:])[0]
        return first[0][self._row(channel)], first[1][:, channel]

    def _real(self, lines: tuple[Array, Array], side: int) -> Array:
        return lines[side].astype(np.int64) - self.zeros[side]

    def _row(self, channel: int) -> int:
        return (channel + 1) % self.rows

    def _drawn(self) -> list[Array]:
        return [drawn(kind, self.rng) for kind in self.subject.free]
