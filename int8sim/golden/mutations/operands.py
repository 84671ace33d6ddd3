"""Wrong operands of a layer: extension, zero points, padding, weights out of order, bias, the accumulator's width."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from int8sim.golden.mutations.accumulators import Change, fits, of_accumulator
from int8sim.golden.mutations.matrix_operands import of_matrices
from int8sim.golden.mutations.products import Products, extension, saturated, wrapped
from int8sim.golden.mutations.subject import Subject
from int8sim.model.step import Array
from int8sim.model.tensor import BITS, TensorType

LANES = 4
"""Bytes of a word."""


class Wrong(NamedTuple):
    """key, words: as in the catalogue. fits: what must have at most so many bits for it to be no mutation at all."""

    key: str
    words: str
    subject: Subject
    fits: tuple[str, int] | None = None


def wrong_operands(subject: Subject) -> Iterator[Wrong]:
    """Every entry of the catalogue that applies to the layer's operands."""
    if subject.matrices is not None:
        for key, words, changes in of_matrices(subject, subject.matrices):
            yield Wrong(key, words, replace(subject, matrices=replace(subject.matrices, **changes)), fits(key))
        return
    if subject.products is None:
        yield from _of_inputs(subject)
        return
    for key, words, changes in _of_products(subject, subject.products):
        yield Wrong(key, words, replace(subject, products=replace(subject.products, **changes)), fits(key))


def _of_inputs(subject: Subject) -> Iterator[Wrong]:
    """Of an op that is no product with constant weights."""
    padded = subject.op.name == "pad" or getattr(subject.op, "count_include_pad", False)
    for place, kind in enumerate(subject.types):
        if kind.quant is None or BITS[kind.dtype] > BITS["int16"]:
            continue
        name = "x" if len(subject.types) == 1 else "ab"[place] if len(subject.types) == 2 else f"input {place}"
        key, words, read = extension(kind)
        if subject.op.name != "pad":  # it only moves their bits
            yield Wrong(f"{name}_{key}", f"{name}: {words}", replace(subject, reads={place: read}))
        if padded and kind.quantized.tensor_zero_point:
            types = tuple(_without_zero(each) if i == place else each for i, each in enumerate(subject.types))
            yield Wrong("padding_0", "padding with code 0 instead of the zero point", replace(subject, types=types))


def _without_zero(kind: TensorType) -> TensorType:
    assert kind.quant is not None
    return replace(kind, quant=replace(kind.quant, zero_point=0))


def _of_products(subject: Subject, products: Products) -> Iterator[Change]:
    yield from _of_x(subject.types[0], products)
    yield from _of_padding(subject.types[0], products)
    yield from _of_weights(subject, products)
    yield from _of_order(products)
    yield from _of_bias(products)
    yield from of_accumulator(subject)


def _of_x(kind: TensorType, products: Products) -> Iterator[Change]:
    key, words, read = extension(kind)
    yield f"x_{key}", f"x: {words}", {"read": read}
    if any(products.op.pads):
        within = {"read": read, "padded_first": False}
        yield f"x_{key}_inside", f"x: {words}, padding right", within
    if products.zero and not products.share.any():
        yield "x_zero_point_missing", "zero point of x not subtracted", {"zero": 0}
        yield "x_zero_point_added", "zero point of x added instead of subtracted", {"zero": -products.zero}
    if products.share.any():
        yield "x_zero_point_missing", "the zero point's share not subtracted", {"share": 0 * products.share}
    elif any(products.op.pads) and products.zero:
        both = {"zero": 0, "padding": 0}
        yield "x_zero_point_missing_inside", "zero point of x not subtracted, padding adds nothing", both


def _of_padding(kind: TensorType, products: Products) -> Iterator[Change]:
    if not any(products.op.pads):
        return
    ends = kind.quantized.low, kind.quantized.high
    for code in dict.fromkeys((0, *ends)):
        if code != products.padding:
            words = f"padding with code {code} instead of {products.padding}, the zero point"
            yield f"padding_{code}", words, {"padding": code}
    top, left, bottom, right = products.op.pads
    if (top, left) != (bottom, right):
        moved = replace(products.op, pads=(bottom, right, top, left))
        yield "pads_exchanged", "padding on the opposite sides", {"op": moved}


def _of_weights(subject: Subject, products: Products) -> Iterator[Change]:
    codes = subject.constants[1]
    key, words, read = extension(subject.types[1])
    zero: Any = np.reshape(subject.types[1].quantized.zero_point, (-1, *[1] * (codes.ndim - 1)))
    extended = (read(codes.astype(np.int64)) - zero).reshape(products.weights.shape)
    yield f"w_{key}", f"weights: {words}", {"weights": extended}
    missing = codes.astype(np.int64).reshape(products.weights.shape)
    yield "w_zero_point_missing", "zero point of the weights not subtracted", {"weights": missing}
    narrow = np.maximum(codes.astype(np.int64), 1 + subject.types[1].quantized.low) - zero
    yield "w_narrow", "the lowest weight taken as the one above it", {"weights": narrow.reshape(products.weights.shape)}


def _of_order(products: Products) -> Iterator[Change]:
    """Weights that reach the wrong product."""
    for key, words, moved in ORDERS:
        weights = moved(products.weights)
        if weights.shape == products.weights.shape:
            yield f"w_{key}", f"weights: {words}", {"weights": weights}


def _reversed(axis: int) -> Callable[[Array], Array]:
    return lambda weights: np.flip(weights, axis)


def _in_words(weights: Array, order: tuple[int, ...]) -> Array:
    """The bytes of each word of four input channels, or of the K of a fully connected layer, in another order."""
    depth = weights.shape[1] // LANES * LANES
    words = weights[:, :depth].reshape(len(weights), -1, LANES, *weights.shape[2:])[:, :, list(order)]
    return np.concatenate([words.reshape(len(weights), depth, *weights.shape[2:]), weights[:, depth:]], axis=1)


def _without(place: int) -> Callable[[Array], Array]:
    """One product of each window left out."""

    def changed(weights: Array) -> Array:
        flat = weights.reshape(len(weights), -1).copy()
        flat[:, place] = 0
        return flat.reshape(weights.shape)

    return changed


def _carried(weights: Array) -> Array:
    before = np.roll(weights, 1, axis=0)
    before[0] = 0
    return np.asarray(weights + before)


ORDERS: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    ("rows_reversed", "kernel rows reversed", _reversed(2)),
    ("columns_reversed", "kernel columns reversed", _reversed(3)),
    ("rotated", "kernel rotated by 180 degrees", lambda weights: np.flip(weights, (2, 3))),
    ("transposed", "kernel rows and columns exchanged", lambda weights: weights.swapaxes(2, 3)),
    ("channels_reversed", "input channels reversed", _reversed(1)),
    ("bytes_reversed", "the four bytes of a word in the opposite order", lambda w: _in_words(w, (3, 2, 1, 0))),
    ("halves_exchanged", "the two halves of a word exchanged", lambda w: _in_words(w, (2, 3, 0, 1))),
    ("pairs_exchanged", "the bytes of each half word exchanged", lambda w: _in_words(w, (1, 0, 3, 2))),
    ("of_previous", "of the output channel before", lambda w: np.roll(w, 1, 0)),
    ("of_next", "of the output channel after", lambda w: np.roll(w, -1, 0)),
    ("of_first", "of output channel 0 for every channel", lambda w: np.repeat(w[:1], len(w), 0)),
    ("first_missing", "the first product of every window missing", _without(0)),
    ("last_missing", "the last product of every window missing", _without(-1)),
    ("carried", "accumulator not cleared: the products of the channel before still in it", _carried),
)


def _of_bias(products: Products) -> Iterator[Change]:
    for key, words, moved in BIASES:
        yield f"bias_{key}", words, {"bias": moved(products.bias)}


BIASES: tuple[tuple[str, str, Callable[[Array], Array]], ...] = (
    ("missing", "bias missing", lambda bias: bias * 0),
    ("twice", "bias added twice", lambda bias: bias * 2),
    ("negated", "bias subtracted", lambda bias: -bias),
    ("of_previous", "bias of the channel before", lambda bias: np.roll(bias, 1)),
    ("of_next", "bias of the channel after", lambda bias: np.roll(bias, -1)),
    ("of_first", "bias of channel 0 for every channel", lambda bias: np.full_like(bias, bias[0])),
    ("wrapped_16", "bias cut to its low 16 bits", lambda bias: wrapped(bias, 16)),
    ("saturated_16", "bias saturated at 16 bits", lambda bias: saturated(bias, 16)),
    ("zero_extended_16", "low 16 bits of the bias zero extended", lambda bias: bias & 0xFFFF),
)
