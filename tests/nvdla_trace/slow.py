"""What NVDLA computes, one element at a time in Python's integers, written without looking at int8sim."""

from __future__ import annotations

import numpy as np

from .layers import GARBAGE, Conv, Place, Pool, Sdp, Stage, filled


def clip(value: int, bits: int) -> int:
    return max(-(2 ** (bits - 1)), min(2 ** (bits - 1) - 1, value))


def signed(value: int, bits: int) -> int:
    return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def divided(value: int, shift: int) -> int:
    """value / 2**shift to the nearest, ties away from zero."""
    magnitude = (2 * abs(value) + 2**shift) // 2 ** (shift + 1)
    return magnitude if value >= 0 else -magnitude


def convolution(layer: Conv) -> np.ndarray:
    """[K with the padding lanes, H, W]: what CACC hands on."""
    (channels, height, width), (kernels, rows, columns) = layer.cube.shape, layer.output
    out = np.zeros((filled(kernels, layer.atoms[2]), rows, columns), object)
    for k, y, x in np.ndindex(kernels, rows, columns):
        total = 0
        for c, r, s in np.ndindex(channels, *layer.weights.shape[2:]):
            row = y * layer.strides[0] - layer.pads[0] + r * layer.dilations[0]
            column = x * layer.strides[1] - layer.pads[1] + s * layer.dilations[1]
            inside = 0 <= row < height and 0 <= column < width
            value = converted(layer, int(layer.cube[c, row, column])) if inside else signed(layer.pad_register, 8)
            total += value * int(layer.weights[k, c, r, s])
        out[k, y, x] = clip(divided(total, layer.truncate), 32)
    return out


def converted(layer: Conv, value: int) -> int:
    if layer.converter is None:
        return value
    offset, scale, truncate = layer.converter
    return clip(divided((value - offset) * scale, truncate), 8)


def stage(layer: Stage | None, values: np.ndarray) -> np.ndarray:
    if layer is None:
        return values
    out = np.zeros(values.shape, object)
    for place in np.ndindex(values.shape):
        alu, mul = (operand(each, place) for each in (layer.alu, layer.mul))
        out[place] = element(layer, int(values[place]), alu, mul)
    return out


def operand(given: int | np.ndarray | None, place: tuple[int, int, int]) -> int | None:
    if not isinstance(given, np.ndarray):
        return given
    c, y, x = place
    return int(given[c, y if given.shape[1] > 1 else 0, x if given.shape[2] > 1 else 0])


def element(layer: Stage, x: int, alu: int | None, mul: int | None) -> int:
    if alu is not None:
        shifted = clip(alu * 2**layer.alu_shift, 32)
        x = {0: max(x, shifted), 1: min(x, shifted), 2: x + shifted}[layer.algorithm]
    if mul is not None and layer.prelu and x >= 0:
        x = signed(x, 32)
    else:
        x = clip(divided(x * (1 if mul is None else mul), layer.mul_shift), 32)
    return max(x, 0) if layer.relu else x


def sdp(layer: Sdp, behind: np.ndarray | None = None) -> np.ndarray:
    values = layer.cube if behind is None else behind
    values = stage(layer.x2, stage(layer.x1, np.asarray(values, object)))
    out = np.zeros(values.shape, object)
    for place in np.ndindex(values.shape):
        out[place] = clip(divided((int(values[place]) - layer.offset) * layer.scale, layer.shift), 8)
    return out


def pool(layer: Pool, behind: np.ndarray | None = None) -> np.ndarray:
    cube = layer.cube if behind is None else behind
    out = np.zeros((len(cube), *layer.output[1:]), object)
    for c, y, x in np.ndindex(out.shape):
        top, left = y * layer.strides[0] - layer.pads[0], x * layer.strides[1] - layer.pads[1]
        rows = [row for row in range(top, top + layer.kernel[0]) if 0 <= row < layer.shape[1]]
        columns = [column for column in range(left, left + layer.kernel[1]) if 0 <= column < layer.shape[2]]
        cells = [int(cube[c, row, column]) for row in rows for column in columns]
        out[c, y, x] = (
            average(layer, cells, rows, columns) if layer.method == 0 else (max, min)[layer.method - 1](cells)
        )
    return out


def average(layer: Pool, cells: list[int], rows: list[int], columns: list[int]) -> int:
    """For padding and reciprocals that keep every word: padding of row cells, of whole rows, then two roundings."""
    padding = (0, *layer.padding)
    total = sum(cells) + len(rows) * padding[layer.kernel[1] - len(columns)]
    total += layer.kernel[1] * padding[layer.kernel[0] - len(rows)]
    return divided(divided(total * layer.reciprocals[1], 16) * layer.reciprocals[0], 16)


def window(place: Place, values: np.ndarray) -> bytes:
    """A cube with its padding lanes in memory, what was there before in the gaps."""
    out = bytearray([GARBAGE]) * place.size
    for where in np.ndindex(values.shape):
        out[place.at(*where) - place.base] = int(values[where]) & 0xFF
    return bytes(out)
