"""Values as the words of a memory, and back: lanes, byte order, padding.

little: lane 0, the first value, in a word's low bits; big: in its high bits. A value wider than a word takes several,
the low part first in little, last in big.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from int8sim.model.errors import ParameterError, UnknownNameError
from int8sim.model.step import Array

BYTE_ORDERS: dict[str, Literal["<", ">"]] = {"little": "<", "big": ">"}
WIDEST = 1024
"""Bits of the widest word."""


@dataclass(frozen=True)
class Words:
    """bits: of a word, a multiple of 8. depth: words of the memory, None for as many as there are values for.

    pad: the value of lanes and words behind the last value. Raises ParameterError, UnknownNameError.
    """

    bits: int = 32
    byte_order: str = "little"
    depth: int | None = None
    pad: int = 0

    def __post_init__(self) -> None:
        if self.bits % 8 or not 8 <= self.bits <= WIDEST:
            raise ParameterError("word bits", self.bits, f"multiples of 8 from 8 to {WIDEST}")
        if self.byte_order not in BYTE_ORDERS:
            raise UnknownNameError("byte order", self.byte_order, BYTE_ORDERS)
        if self.depth is not None and self.depth < 1:
            raise ParameterError("depth", self.depth, "at least 1 word")

    @property
    def bytes(self) -> int:
        """Of one word."""
        return self.bits // 8

    def count(self, values: int, dtype: np.dtype[Any]) -> int:
        """How many words these values take."""
        return -(-values * self.check(dtype).itemsize // self.bytes)

    def check(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The type in the words' byte order. Raises ParameterError if its values do not divide the words evenly."""
        size = dtype.itemsize
        if self.bytes % size and size % self.bytes:
            raise ParameterError("word bits", self.bits, f"for {dtype.name}: multiples or divisors of {8 * size}")
        return dtype.newbyteorder(BYTE_ORDERS[self.byte_order])

    def pack(self, values: Array, padding: int = 0) -> Array:
        """Words, uint8 [n, bytes], the most significant byte first. padding: words of the pad value behind them."""
        kind = self.check(values.dtype)
        lanes = self.count(values.size, kind) * self.bytes // kind.itemsize - values.size
        behind = np.full(lanes + padding * self.bytes // kind.itemsize, self.padding(values.dtype))
        flat = np.concatenate([values.reshape(-1), behind]).astype(kind, copy=False)
        words: Array = flat.view(np.uint8).reshape(-1, self.bytes)
        return words[:, ::-1] if self.byte_order == "little" else words

    def unpack(self, words: Array, dtype: np.dtype[Any]) -> Array:
        """The values of words as `pack` gives them, padding and all, as many as fill the words."""
        kind = self.check(dtype)
        memory = np.ascontiguousarray(words[:, ::-1] if self.byte_order == "little" else words).reshape(-1)
        whole = memory.size // kind.itemsize * kind.itemsize
        return memory[:whole].view(kind).astype(dtype)

    def padding(self, dtype: np.dtype[Any]) -> Array:
        """The pad value. Raises ParameterError if the type cannot hold it."""
        if dtype.kind in "iu" and not np.iinfo(dtype).min <= self.pad <= np.iinfo(dtype).max:
            raise ParameterError("pad value", self.pad, f"values of {dtype.name}")
        return np.array(self.pad, dtype)
