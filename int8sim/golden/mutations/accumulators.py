"""Wrong accumulators: registers of other widths, sums of pairs that saturate, another order of products."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from int8sim.golden.mutations.products import Products, by_products, exact_sum, saturated, wrapped
from int8sim.golden.mutations.subject import Subject
from int8sim.model.accumulation import accumulation
from int8sim.model.step import Array

WIDTHS = (16, 18, 20, 24, 32)
Change = tuple[str, str, Mapping[str, Any]]
"""key, words, and the fields of Products or Matrices that are wrong."""


def of_accumulator(subject: Subject) -> Iterator[Change]:
    """Registers of other widths, after each product or once at the end."""
    step = accumulation(subject.arithmetic)
    own = int(step.parameters["bits"]) if step is not None and "bits" in step.parameters else 32  # type: ignore[arg-type]
    for bits in dict.fromkeys((*WIDTHS, own - 1, own, own + 1)):
        yield f"accumulator_wraps_{bits}", f"accumulator of {bits} bits, which wraps", _register(wrapped, bits)
        each, once = _register(saturated, bits), _register(saturated, bits)
        said = f"accumulator of {bits} bits, which saturates"
        yield f"accumulator_saturates_{bits}", said, {**each, "total": by_products(saturated, bits)}
        yield f"accumulator_saturates_once_{bits}", f"sum saturated at {bits} bits once, at the end", once
    if step is None or (step.loop.products, step.loop.group_bits) != PAIRS:
        yield "pairs_saturate_16", "sums of two products saturated at 16 bits", {"total": _in_pairs}
    if subject.products is not None and _has_orders(subject.products):
        other = {"channels_first": not subject.products.channels_first}
        yield "order", "products added in the other order of channels and cells, each step saturating", other
    yield "products_wrap_15", "products cut to 15 bits", {"total": _of_short_products}


def _has_orders(products: Products) -> bool:
    """Whether it matters which product comes first, and there are two orders."""
    depth, *cells = products.weights.shape[1:]
    return products.total is not exact_sum and depth > 1 and max(cells) > 1


PAIRS = 2, 16
"""Products of a group, and the bits at which its sum saturates, of vpmaddubsw."""
_FITS = {"pairs_saturate_16": ("pair of products", 16), "products_wrap_15": ("product", 15)}


def fits(key: str) -> tuple[str, int] | None:
    """What must have at most so many bits for an entry to be no mutation at all; None for one of no register."""
    width = ("sum", int(key.rpartition("_")[2])) if key.startswith("accumulator_") else None
    return _FITS.get(key, width)


def _register(cut: Callable[[Array, int], Array], bits: int) -> Mapping[str, Any]:
    """An exact sum, then the bias, then a register of so many bits."""
    return {"total": exact_sum, "final": lambda values: cut(values, bits)}


def _in_pairs(products: Array) -> Array:
    """As vpmaddubsw adds."""
    pairs = np.add.reduceat(products, np.arange(0, products.shape[1], 2), axis=1)
    return exact_sum(saturated(pairs, 16))


def _of_short_products(products: Array) -> Array:
    return exact_sum(wrapped(products, 15))
