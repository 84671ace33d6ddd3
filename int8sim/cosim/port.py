"""The signals of one stream: clock, valid, ready where it has one, and the fields that travel with them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from int8sim.cosim.words import field, pack
from int8sim.model.errors import UnknownNameError
from int8sim.spec.integers import wrap

Beat = Mapping[str, int | Sequence[int]]
"""What is on a stream's fields in one cycle, by name; a sequence holds a field's lanes, the lowest bits first."""
Seen = Mapping[str, int | str]
"""The same as a monitor sees it, lanes as acc[0], acc[1]; one with an unknown bit is the string of its bits, "0x1z"."""


class Port:
    """A stream, input or output.

    clock, valid, ready: handles of one bit; ready None: a beat passes whenever valid is 1. fields: name -> handle.
    lanes: name -> how many values of equal width lie in that field, for those that hold more than one. signed: the
    fields that are two's complement when they are read; any value that fits is driven. Raises UnknownNameError.
    """

    def __init__(
        self,
        clock: Any,
        valid: Any,
        fields: Mapping[str, Any],
        *,
        ready: Any = None,
        lanes: Mapping[str, int] | None = None,
        signed: Collection[str] = (),
    ) -> None:
        self.clock, self.valid, self.ready, self.fields = clock, valid, ready, dict(fields)
        self.lanes, self.signed = dict(lanes or {}), frozenset(signed)
        self._require_known([*self.lanes, *self.signed])
        widths = {name: len(handle) // self.lanes.get(name, 1) for name, handle in self.fields.items()}
        self.bits = {each: widths[name] for name in self.fields for each in self._names(name)}

    def drive(self, beat: Beat) -> None:
        """Put a beat on the fields; those that it leaves out become 0. Raises WordValueError, UnknownNameError."""
        self._require_known(beat)
        for name, handle in self.fields.items():
            handle.value = _word(beat.get(name, 0), len(handle), name)

    def sample(self) -> Seen:
        """What is on the fields now."""
        return {each: value for name in self.fields for each, value in self._values(name)}

    def _values(self, name: str) -> Iterator[tuple[str, int | str]]:
        pattern = str(self.fields[name].value).lower()
        for place, each in enumerate(self._names(name)):
            bits = self.bits[each]
            own = pattern[len(pattern) - bits * (place + 1) : len(pattern) - bits * place]
            yield each, (_number(own, name in self.signed) if set(own) <= {"0", "1"} else own)

    def _names(self, name: str) -> list[str]:
        return [f"{name}[{place}]" for place in range(self.lanes[name])] if name in self.lanes else [name]

    def passes(self) -> bool:
        """Whether a beat passes at this edge: valid, and ready where there is one, are 1 (an unknown one is not)."""
        return bool(self.valid.value == 1 and self.accepts())

    def accepts(self) -> bool:
        """Whether the receiving side takes a beat at this edge."""
        return self.ready is None or bool(self.ready.value == 1)

    def _require_known(self, names: Collection[str]) -> None:
        for name in names:
            if name not in self.fields:
                raise UnknownNameError("field", name, tuple(self.fields))


def by_lane(beat: Beat) -> dict[str, int]:
    """With a field's lanes as acc[0], acc[1]."""
    lanes: dict[str, int] = {}
    for name, value in beat.items():
        if isinstance(value, Sequence):
            lanes |= {f"{name}[{place}]": int(each) for place, each in enumerate(value)}
        else:
            lanes[name] = int(value)
    return lanes


def _word(value: int | Sequence[int], bits: int, name: str) -> int:
    if isinstance(value, Sequence):
        return pack(value, bits // len(value))
    return field(int(value), bits, f"field {name}")


def _number(pattern: str, signed: bool) -> int:
    return wrap(int(pattern, 2), len(pattern)) if signed else int(pattern, 2)
