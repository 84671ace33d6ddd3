"""A tensor's codes on a bus, word by word, and back. Plain ints; an array's `.flat` is a sequence of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from int8sim.model.errors import WordValueError
from int8sim.spec.integers import wrap


def pack(values: Sequence[int], bits: int = 8) -> int:
    """The fields of one word, the first in its lowest bits; each is signed or unsigned. Raises WordValueError."""
    word = 0
    for place, value in enumerate(values):
        word |= field(value, bits, f"lane {place}") << (bits * place)
    return word


def unpack(word: int, lanes: int, bits: int = 8, *, signed: bool = True) -> list[int]:
    """The fields of one word, that in its lowest bits first."""
    fields = [(word >> (bits * place)) & ((1 << bits) - 1) for place in range(lanes)]
    return [wrap(value, bits) for value in fields] if signed else fields


def to_words(
    values: Iterable[int], *, lanes: int, bits: int = 8, first_lane_low: bool = True, padding: int = 0
) -> list[int]:
    """Words of `lanes` fields of `bits` bits, in the order of the values; the last word is filled up with `padding`.

    first_lane_low: whether the first value of a word lies in its lowest bits (dp4a's lane 0), else in its highest.
    Raises WordValueError.
    """
    codes = [int(value) for value in values]
    codes += [padding] * (-len(codes) % lanes)
    groups = [codes[start : start + lanes] for start in range(0, len(codes), lanes)]
    return [pack(group if first_lane_low else group[::-1], bits) for group in groups]


def from_words(
    words: Iterable[int], count: int, *, lanes: int, bits: int = 8, signed: bool = True, first_lane_low: bool = True
) -> list[int]:
    """The first `count` values of the words: what `to_words` was given. Raises WordValueError if there are fewer."""
    groups = [unpack(word, lanes, bits, signed=signed) for word in words]
    values = [value for group in groups for value in (group if first_lane_low else group[::-1])]
    if len(values) < count:
        raise WordValueError("the words", f"{len(values)} values", f"{count} are asked for")
    return values[:count]


def field(value: int, bits: int, where: str) -> int:
    """The pattern of a signed or unsigned value in a field of so many bits. Raises WordValueError."""
    if not -(1 << (bits - 1)) <= value < 1 << bits:
        raise WordValueError(where, value, f"{bits} bits hold {-(1 << (bits - 1))} .. {(1 << bits) - 1}")
    return value & ((1 << bits) - 1)
