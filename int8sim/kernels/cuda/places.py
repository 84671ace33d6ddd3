"""Where an element of a stored image lies: channels last, one image behind the other."""

from __future__ import annotations


def located(i: int, height: int, width: int, channels: int) -> tuple[int, int, int, int]:
    """(image, row, column, channel) of element i."""
    pixel = i // channels
    line = pixel // width
    image = line // height
    return image, line - image * height, pixel - line * width, i - pixel * channels


def cell(image: int, y: int, z: int, c: int, size: tuple[int, int, int]) -> int:
    """The element at a row, column and channel. size: height, width, channels."""
    return ((image * size[0] + y) * size[1] + z) * size[2] + c
