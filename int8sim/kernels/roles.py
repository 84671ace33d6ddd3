"""The steps a layer computes with, as the kernels call them: placeholders that compile.py binds to spec functions.

The last two arguments of every role are the step's parameters and the output channel; the others are its operands.
"""

from __future__ import annotations

from typing import Any

Parameters = tuple[Any, ...]
"""A step's numbers: ints, float32 values, arrays of one value per channel, tables. Never empty, for Numba's sake."""


def output(acc: Any, p: Parameters, channel: Any) -> Any:
    """An accumulator to an output code."""
    raise NotImplementedError


def accumulate(acc: Any, product: Any, p: Parameters, channel: Any) -> Any:
    """One accumulation, where accumulating is not exact modulo 2**32."""
    raise NotImplementedError


def combine(a: Any, b: Any, p: Parameters, channel: Any) -> Any:
    """Two codes to one."""
    raise NotImplementedError


def step(total: Any, x: Any, p: Parameters, channel: Any) -> Any:
    """A running total and the next code of a window."""
    raise NotImplementedError


def weigh(total: Any, x: Any, row: Any, column: Any, p: Parameters, channel: Any) -> Any:
    """A running total and the next code, whose row and column weigh so much."""
    raise NotImplementedError


def finish(total: Any, count: Any, p: Parameters, channel: Any) -> Any:
    """A total over `count` codes to an output code."""
    raise NotImplementedError


def convert(x: Any, p: Parameters, channel: Any) -> Any:
    """One value to another: quantize, dequantize, requantize, clamp."""
    raise NotImplementedError


def convert_at(x: Any, place: Any, size: Any, p: Parameters, channel: Any) -> Any:
    """As `convert`, of the element at `place` of the `size` elements that are stored."""
    raise NotImplementedError


def combine_at(a: Any, b: Any, place: Any, size: Any, p: Parameters, channel: Any) -> Any:
    """As `combine`, of the elements at `place` of the `size` elements that are stored."""
    raise NotImplementedError


def exponential(difference: Any, p: Parameters, channel: Any) -> Any:
    """A code's difference to its row's maximum, to its unnormalised share."""
    raise NotImplementedError


def total(acc: Any, share: Any, p: Parameters, channel: Any) -> Any:
    """The sum of the shares so far and one more."""
    raise NotImplementedError


def quotient(share: Any, acc: Any, p: Parameters, channel: Any) -> Any:
    """A share and the sum of all, to an output code."""
    raise NotImplementedError


def tile(operands: tuple[Any, ...]) -> None:
    """A dot-product tile of the machine's instruction set: kernels/cpu/tile.py.

    operands: its number; addresses of x, of rows int64 places in x, of runs int64 [count, 3]; count; addresses of
    packed weights, of biases, int32 [columns], and of acc, int32 [rows, columns], which it writes.
    """
    raise NotImplementedError


def depthwise_tile(operands: tuple[Any, ...]) -> None:
    """The depthwise tile: kernels/cpu/depthwise_tile.py.

    operands: its number; the address of a pixel's first value; of taps, int64 [4 * steps], bytes behind it; steps; of
    packed weights, of biases, int32 [columns], and of acc, int32 [columns], which it writes.
    """
    raise NotImplementedError


def products(operands: tuple[Any, ...]) -> None:
    """A float32 tile of the machine's instruction set: kernels/cpu/float_tile.py.

    operands: its number; addresses of x, of rows int64 places in x, of taps int64 [depth, 2]; depth > 0; addresses of
    packed weights, float32 [.., columns], and of acc, float32 [rows, columns], which it adds to.
    """
    raise NotImplementedError


def dot(a: Any, b: Any, c: Any, p: Parameters, channel: Any) -> Any:
    """Two packed words and an accumulator."""
    raise NotImplementedError
