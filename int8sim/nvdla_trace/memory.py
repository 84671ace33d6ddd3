"""Memory as the test bench sees it: sparse, unwritten bytes 0."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import numpy as np

from int8sim.model.step import Array

PAGE = 1 << 16


class Memory:
    """Bytes by address, in pages that appear when they are written."""

    def __init__(self) -> None:
        self._pages: dict[int, Array] = {}

    def write(self, address: int, data: Array) -> None:
        """uint8 [n]."""
        for page, inside, outside in _pieces(address, data.size):
            self._pages.setdefault(page, np.zeros(PAGE, np.uint8))[inside] = data[outside]

    def read(self, address: int, size: int) -> Array:
        """uint8 [size]."""
        data = np.zeros(size, np.uint8)
        for page, inside, outside in _pieces(address, size):
            if page in self._pages:
                data[outside] = self._pages[page][inside]
        return data

    def clear(self, address: int, size: int) -> None:
        """Set to 0."""
        for page in [each for each in self._pages if each * PAGE < address + size and (each + 1) * PAGE > address]:
            start = max(address - page * PAGE, 0)
            self._pages[page][start : address + size - page * PAGE] = 0

    def crc32(self, address: int, size: int) -> int:
        """zlib's CRC-32 of a window."""
        crc = 0
        for page, inside, _ in _pieces(address, size):
            data = self._pages.get(page)
            crc = zlib.crc32(bytes(inside.stop - inside.start) if data is None else data[inside].tobytes(), crc)
        return crc


def _pieces(address: int, size: int) -> Iterator[tuple[int, slice, slice]]:
    """(page, place in the page, place in the window) of a window, page by page."""
    done = 0
    while done < size:
        page, start = divmod(address + done, PAGE)
        length = min(PAGE - start, size - done)
        yield page, slice(start, start + length), slice(done, done + length)
        done += length
