"""Full batches of samples, as TensorRT's calibrators are fed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from int8sim.calibration.streams.samples import Samples
from int8sim.model.errors import ParameterError, TooFewImagesError
from int8sim.model.step import Array


class BatchStream:
    """Batches float32 [batch_size, ...] of samples, in order; can be iterated again. len() is how many batches.

    A last short batch is dropped, since every batch of TensorRT's calibrator has the size it was told at first
    (IInt8Calibrator::getBatchSize). dropped: how many samples that leaves out.
    """

    def __init__(
        self,
        samples: Samples,
        batch_size: int,
        batches: int | None = None,
        skip: int = 0,
        subset: str | int | None = None,
    ) -> None:
        """batches: None for all full ones. skip: samples left out at the start.

        subset: a number of samples, or a percentage ("10%", rounded down), of those that `skip` leaves, evenly spaced:
        of n, the i-th of m is number skip + floor(i * n / m).
        Raises ParameterError, TooFewImagesError.
        """
        _check("batch_size", batch_size, 1)
        _check("batches", 1 if batches is None else batches, 1)
        _check("skip", skip, 0)
        self.batch_size = batch_size
        self._samples, self._skip, self._left = samples, skip, max(len(samples) - skip, 0)
        self._chosen = _count(subset, self._left)
        if self._chosen > self._left:
            raise TooFewImagesError(self._left, self._chosen, f" after the first {skip}" if skip else "")
        if self._chosen < (asked := batch_size * (batches or 1)):
            raise TooFewImagesError(self._chosen, asked, _choice(skip, subset))
        self._batches = batches or self._chosen // batch_size
        self.dropped = 0 if batches else self._chosen % batch_size

    def __len__(self) -> int:
        return self._batches

    def __iter__(self) -> Iterator[Array]:
        return (self._batch(number * self.batch_size) for number in range(len(self)))

    def _batch(self, first: int) -> Array:
        """One call of `read` for each run of neighbours."""
        places = [self._skip + i * self._left // self._chosen for i in range(first, first + self.batch_size)]
        runs = np.split(places, np.flatnonzero(np.diff(places) != 1) + 1)
        parts = [self._samples.read(int(run[0]), int(run[-1]) + 1) for run in runs]
        with np.errstate(over="ignore"):  # whoever computes with them names infinities
            return np.ascontiguousarray(np.concatenate(parts), np.float32)


def _check(option: str, value: int, least: int) -> None:
    if value < least:
        raise ParameterError(option, value, f"at least {least}")


def _count(subset: str | int | None, left: int) -> int:
    """How many of `left` samples a subset asks for. Raises ParameterError."""
    if subset is None:
        return left
    percentage, number = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)%", str(subset)), re.fullmatch("[0-9]+", str(subset))
    if percentage and 0 < (share := Fraction(percentage[1])) <= 100:
        return int(left * share / 100)
    if number and (count := int(number[0])) > 0:
        return count
    raise ParameterError("subset", subset, "a number of samples, at least 1, or a percentage above 0 to 100, as 10%")


def _choice(skip: int, subset: str | int | None) -> str:
    words = [f"skip {skip}"] * bool(skip) + [f"subset {subset}"] * (subset is not None)
    return f" after {' and '.join(words)}" if words else ""
