"""What a lowered layer computes with: a spec function and the numbers it takes."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

VECTOR = 64
"""A multiple of the elements that any engine's vector loop takes at a time."""


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A parameter that is indexed by the spec function itself, not by the channel. values: int64 or float32 [n]."""

    values: Array


Number = int | np.float32 | np.float64 | Array | LookupTable
"""int; float32 or float64; one value per output channel (int64, float32 or float64 [C]); or a table."""


@dataclass(frozen=True, eq=False)
class Step:
    """function(*operands, *parameters).

    The operands are what the role names (`output(acc)`, `combine(a, b)` ...); the parameters follow them in the order
    of the function's signature, and are kept here by argument name. A function of `convert` or `combine` may take two
    more operands, `place` and `size`: the element's index in the stored tensor, channels last and batch included, and
    how many elements that has; where two operands broadcast, both count within a row (`row`). The place tells an
    engine's vector loop from the rest behind it: all elements but the last `size % VECTOR` are computed alike.
    """

    function: Callable[..., Any]
    parameters: Mapping[str, Number]

    def __call__(self, *operands: float, channel: int = 0) -> Any:
        """Interpreted, with plain numbers: the definition that every kernel is compared with."""
        return self.function(*operands, *self.at(channel))

    def at(self, channel: int) -> list[Any]:
        """The parameters as plain Python numbers, for one output channel."""
        return [_plain(value, channel) for value in self.parameters.values()]

    @property
    def placed(self) -> bool:
        """Whether the function asks where its element lies."""
        return "place" in inspect.signature(self.function).parameters

    @property
    def name(self) -> str:
        """The name under which a stored graph refers to the function."""
        return function_name(self.function)


def row(a: Sequence[int], b: Sequence[int]) -> int:
    """How many neighbours of two operands' result an engine's inner loop takes, by the operands' shapes as stored.

    It is their last axes that are equal; if these hold one element, the axes before them along which one repeats.
    """
    pairs = list(zip(a, b, strict=True))[::-1]
    same = list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    if len(same) == len(pairs) or (count := math.prod(size for size, _ in same)) > 1:
        return math.prod(size for size, _ in same)
    repeated = pairs[len(same)].index(1)
    along = itertools.takewhile(lambda pair: pair[repeated] == 1, pairs[len(same) :])
    return count * math.prod(pair[1 - repeated] for pair in along)


Arithmetic = Mapping[str, Step]
"""Role -> step."""


def function_name(function: Callable[..., Any]) -> str:
    """module:name, as golden files spell it."""
    return f"{function.__module__}:{function.__qualname__}"


def _plain(value: Number, channel: int) -> Any:
    if isinstance(value, LookupTable):
        return value.values.tolist()
    if isinstance(value, np.ndarray):
        return value[channel].item()
    return value.item() if isinstance(value, np.generic) else value
