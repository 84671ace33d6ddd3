"""What a diagnosis says: which known wrong arithmetic gives the values that were seen, and one element replayed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from int8sim.golden.replay import Replay

SHOWN = 5
"""Partial explanations on the screen."""


@dataclass(frozen=True)
class Explanation:
    """One mutation of the catalogue beside the values seen.

    key, words, where: as in the catalogue. explained: of `mismatches` values that differ and were looked at; kept: of
    `matches` values that do not. whole: whether every value of the tensor is the mutation's.
    """

    key: str
    words: str
    where: str
    explained: int
    mismatches: int
    kept: int
    matches: int
    whole: bool = False

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        if self.whole:
            return f"{self.words}{place}"
        counts = f"{self.explained} of {self.mismatches} mismatches, {self.kept} of {self.matches} matches kept"
        return f"{self.words}{place}: {counts}"


@dataclass(frozen=True)
class Diagnosis:
    """The judgement of one tensor, or of a function's calls.

    layer, op, tensor: "" for calls alone. index: of the first mismatch; expected, actual: there. compared, different:
    values. tried: mutations of the catalogue. explanations: those that give every value seen, else the best partial
    ones. reproduced: whether the right arithmetic gives the expected values, without which nothing is explained.
    """

    layer: str
    op: str
    tensor: str
    compared: int
    different: int
    index: tuple[int, ...]
    expected: int | float
    actual: int | float
    tried: int
    explanations: tuple[Explanation, ...]
    replay: Replay
    reproduced: bool = True

    @property
    def named(self) -> tuple[Explanation, ...]:
        """The mutations that explain every value; () where none does."""
        return tuple(each for each in self.explanations if each.whole)

    def __bool__(self) -> bool:
        return bool(self.named)

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        explained = [vars(each) for each in self.explanations]
        return {**vars(self), "explanations": explained, "replay": self.replay.as_dict(), "explained": bool(self)}

    def lines(self) -> list[str]:
        """For the screen."""
        gap = self.actual - self.expected
        where = f"layer {self.layer} ({self.op}), tensor {self.tensor}, " if self.layer else ""
        return [
            f"{where}index {list(self.index)}: expected {self.expected}, actual {self.actual} (difference {gap:+g})",
            *self.replay.lines(),
            *self.verdict(),
        ]

    def verdict(self) -> list[str]:
        """What is wrong, as far as the catalogue knows."""
        counted = f"{self.different:,} of {self.compared:,} values differ"
        if not self.different:
            return [f"{counted}: nothing to explain"]
        if not self.reproduced:
            return [f"{counted}; the layer does not give the expected values from these inputs, so none is judged"]
        if self.named:
            return [
                f"{counted}; all are explained, and every match is kept, by:",
                *(f"  {each}" for each in self.named),
            ]
        some = self.explanations[:SHOWN]
        text = [f"{counted}; none of the catalogue's {self.tried} mutations of this layer explains them"]
        return text + ["nearest:"] * bool(some) + [f"  {each}" for each in some]
