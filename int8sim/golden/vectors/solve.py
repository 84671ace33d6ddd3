"""Inputs whose accumulator, at one place of a weighted layer's output, is a wanted one.

The weights are the layer's, so the codes must be found: sum of (x - zero) * w = wanted - bias is solved by random
starts, steps toward the sum on one product at a time, and at last on two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.golden.mutations.products import Products, as_it_is
from int8sim.model.step import Array

STARTS = 12
PASSES = 6
NEAR = 64
"""Steps of one code that are tried in pairs."""


class Solver:
    """One layer, a batch of one. A sample is [codes], as a pool takes it."""

    def __init__(self, products: Products, rng: np.random.Generator) -> None:
        self.products, self.kind, self.rng = products, products.kind, rng
        kind = products.kind
        self.shape = (1, *kind.shape[1:])
        self.ends = kind.quantized.low, kind.quantized.high
        self.places = self._places()

    @property
    def sums(self) -> Products:
        """Of the layer."""
        return self.products

    def vector(self, channel: int, wanted: int) -> list[Array] | None:
        """Codes [1, ...] whose accumulator is the wanted one at the channel's best place; None where none is found."""
        cells, weights = self._window(channel)
        inside = cells >= 0
        outside = (self.products.padding - self.products.zero) * weights[~inside].sum()
        found = self._solve(weights[inside], wanted - int(self.products.added[channel] + outside))
        if found is None:
            return None
        values = np.zeros(len(cells), np.int64)
        values[inside] = found
        return self._filled(cells, values, self.drawn())

    def extreme(self, channel: int, share: float, sign: int) -> list[Array]:
        """Codes [1, ...] whose products grow as far as they can over the first share of a window, and shrink behind."""
        cells, weights = self._window(channel)
        signs = np.where(np.arange(len(cells)) < len(cells) * share, sign, -sign)
        return self._filled(cells, np.where(weights * signs > 0, self.ends[1], self.ends[0]), self.drawn())

    def pair(self, channel: int, sign: int) -> list[Array]:
        """Codes [1, ...] with one pair of neighbouring products as great as it can be, and nothing else."""
        cells, values, _ = self._pair(channel, sign)
        return self._filled(cells, values, np.full(self.shape, self.kind.quantized.tensor_zero_point, self.kind.dtype))

    def pair_within(self, channel: int, sign: int, wanted: int) -> list[Array] | None:
        """The same, with other products that bring the accumulator to the wanted one; None where none are found."""
        cells, values, first = self._pair(channel, sign)
        weights, others = self._window(channel)[1], cells >= 0
        others[first : first + 2] = False
        rest = int(((np.where(cells < 0, self.products.padding, values) - self.products.zero) * weights)[~others].sum())
        found = self._solve(weights[others], wanted - int(self.products.added[channel]) - rest)
        if found is None:
            return None
        values[others] = found
        return self._filled(cells, values, self.drawn())

    def _pair(self, channel: int, sign: int) -> tuple[Array, Array, int]:
        """The cells, their codes, and where the pair is."""
        cells, weights = self._window(channel)
        reals = np.where(weights * sign > 0, *self.ends[::-1]) - self.products.zero
        products = weights * reals * sign
        first = 2 * int(np.add.reduceat(products, np.arange(0, len(products), 2)).argmax())
        values = np.full(len(cells), self.kind.quantized.tensor_zero_point, np.int64)
        values[first : first + 2] = reals[first : first + 2] + self.products.zero
        return cells, values, first

    def _window(self, channel: int) -> tuple[Array, Array]:
        """The flat index of each cell and its weight, at the channel's best place."""
        place = self.places[channel]
        return self._cells(place), np.array(self.products.taps(np.zeros(self.shape, self.kind.dtype), place)[1])

    def _filled(self, cells: Array, values: Array, sample: Array) -> list[Array]:
        codes = sample.reshape(-1)
        codes[cells[cells >= 0]] = values[cells >= 0]
        return [codes.reshape(self.shape)]

    def drawn(self) -> Array:
        """A random sample."""
        return self.rng.integers(self.ends[0], self.ends[1] + 1, self.shape).astype(self.kind.dtype)

    def _places(self) -> list[int]:
        """By channel, the flat index of the output place with most cells inside the input."""
        blank = np.zeros(self.shape, self.kind.dtype)
        count = int(np.prod(self.products.shape(blank)))
        every = np.arange(count)
        _, channels = self.products.accumulators(blank, every)
        inside = (self._index().codes(self._numbers(), every) >= 0).sum(axis=1)
        outputs = range(len(self.products.weights))
        return [int(every[channels == o][np.argmax(inside[channels == o])]) for o in outputs]

    def _cells(self, place: int) -> Array:
        """The flat index into the input of each product's code; -1 for padding."""
        found: Array = self._index().codes(self._numbers(), np.array([place]))[0]
        return found

    def _index(self) -> Products:
        return replace(self.products, read=as_it_is, padding=-1)

    def _numbers(self) -> Array:
        return np.arange(np.prod(self.shape)).reshape(self.shape)

    def _solve(self, weights: Array, wanted: int) -> Array | None:
        low, high = (end - self.products.zero for end in self.ends)
        found = solved(weights, wanted, (low, high), self.rng)
        return None if found is None else found + self.products.zero


def solved(weights: Array, wanted: int, ends: tuple[int, int], rng: np.random.Generator) -> Array | None:
    """x within its ends, int64 [K], with sum(x * weights) = wanted; None where none is found."""
    for _ in range(STARTS):
        x = rng.integers(ends[0], ends[1] + 1, len(weights))
        rest = _approach(x, weights, wanted, ends, rng)
        if not rest or _pair(x, weights, rest, ends):
            return x
    return None


def _approach(x: Array, weights: Array, wanted: int, ends: tuple[int, int], rng: np.random.Generator) -> int:
    """x changed in place, one product after the other; what is left."""
    rest = wanted - int((x * weights).sum())
    for _ in range(PASSES):
        for k in rng.permutation(len(x)).tolist():
            if weights[k] and rest:
                new = int(np.clip(x[k] + round(rest / weights[k]), *ends))
                rest -= (new - int(x[k])) * int(weights[k])
                x[k] = new
    return rest


def _pair(x: Array, weights: Array, rest: int, ends: tuple[int, int]) -> bool:
    """x changed in two places so that nothing is left, if there are such."""
    steps = np.arange(-NEAR, NEAR + 1)
    legal = (x[:, None] + steps >= ends[0]) & (x[:, None] + steps <= ends[1])
    gains = np.where(legal, weights[:, None] * steps, 0)
    moves = np.where(legal, steps, 0)
    for k in range(1, len(x)):
        hits = np.flatnonzero(np.isin(rest - gains[k], gains[:k]))
        if len(hits):
            j, step = np.argwhere(gains[:k] == rest - gains[k, hits[0]])[0]
            x[k] += moves[k, hits[0]]
            x[j] += moves[j, step]
            return True
    return False
