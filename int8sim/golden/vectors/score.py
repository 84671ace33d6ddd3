"""What a set of vectors is worth: mutations killed, proved equivalent, and left."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, NamedTuple


class Judged(NamedTuple):
    """A mutation that no vector kills. how: the proof that nothing can; "" for a survivor."""

    key: str
    words: str
    how: str = ""


@dataclass(frozen=True)
class Score:
    """Of one layer. vectors: samples. mutations: of the catalogue. killed: how many give another output somewhere.

    proved: those that are the right arithmetic for every input of this layer. survivors: the others. random: killed by
    as many random vectors.
    """

    layer: str
    op: str
    vectors: int
    mutations: int
    killed: int
    proved: tuple[Judged, ...]
    survivors: tuple[Judged, ...]
    random: int

    @property
    def percent(self) -> float:
        """Killed, of those that are not proved equivalent."""
        return _percent(self.killed, self.mutations - len(self.proved))

    @property
    def random_percent(self) -> float:
        """The same of random vectors."""
        return _percent(self.random, self.mutations - len(self.proved))

    def __bool__(self) -> bool:
        return not self.survivors

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {
            **asdict(self),
            "proved": [each._asdict() for each in self.proved],
            "survivors": [each._asdict() for each in self.survivors],
            "percent": self.percent,
            "random_percent": self.random_percent,
        }


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0
