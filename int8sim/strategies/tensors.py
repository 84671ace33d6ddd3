"""Tensors: shapes with layouts, arrays of codes aimed at extremes, real values aimed at the ties of a quantization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from int8sim.model.step import Array
from int8sim.model.tensor import BITS, QuantParams, TensorType, dtype_range
from int8sim.profiles.base import Floats
from int8sim.strategies.checks import require, require_one_of, require_size
from int8sim.strategies.scales import quant_params
from int8sim.strategies.words import weighted

LAYOUTS = ("", "NCHW", "NHWC")
GREATEST = 5
"""Of a drawn dimension: the reference interprets every product."""
WIDE = (8, 17, 33)
"""Channels, at times."""
SPECIAL = np.array([0.0, -0.0, 1e-45, -1e-45, 2.0**-126, 1e4, -1e4], np.float32)
SEEDS = st.integers(0, (1 << 32) - 1)


class QuantizedTensor(NamedTuple):
    """A tensor's type, quantization included, and its codes [N, ...] in the tensor's own layout."""

    type: TensorType
    codes: Array


@st.composite
def _tensor_types(draw: st.DrawFn, layouts: list[str], greatest: int | None) -> TensorType:
    layout = draw(st.sampled_from(layouts))
    rank = 3 if layout else draw(st.sampled_from([1, 2]))
    sizes = draw(st.lists(st.integers(1, greatest or GREATEST), min_size=rank, max_size=rank))
    if greatest is None and draw(st.sampled_from([False] * 7 + [True])):
        sizes = [min(size, 2) for size in sizes]
        sizes[0 if layout == "NCHW" else -1] = draw(st.sampled_from(WIDE))
    return TensorType((1, *sizes), "float32", layout)


def tensor_types(*, layouts: Iterable[str] = LAYOUTS, greatest: int | None = None) -> st.SearchStrategy[TensorType]:
    """float32 TensorTypes of a network's activations: batch 1, then 1 .. `greatest` along every axis.

    greatest: None, for 5, and in one of eight draws 8, 17 or 33 channels: whole vectors, and more than a tile has.
    layouts: "NCHW" and "NHWC" are 4-D, "" has two or three axes; others, or none, and a greatest below 1:
    InvalidArgument. Shrinks toward the first layout and sizes of 1.
    """
    known = list(layouts)
    require(known, "layouts", known, "at least one layout is needed")
    for layout in known:
        require_one_of("layouts", layout, LAYOUTS)
    if greatest is not None:
        require_size("greatest", greatest, 1, 1 << 20)
    return _tensor_types(known, greatest)


def codes(shape: tuple[int, ...], *, dtype: str = "int8", narrow: bool = False) -> st.SearchStrategy[Array]:
    """Arrays of codes: few values among many of one, each drawn at boundaries often; or noise, a third of it extreme.

    dtype: a key of model.tensor.BITS, else InvalidArgument; int4 lies in int8. narrow: without the lowest signed code.
    Shrinks toward zeros.
    """
    require_one_of("dtype", dtype, BITS)
    low, high = dtype_range(dtype, narrow)
    kind = np.dtype("int8" if dtype == "int4" else dtype)

    def noise(seed: int) -> Array:
        rng = np.random.default_rng(seed)
        values, ends = (
            rng.integers(low, high, shape, kind, endpoint=True),
            rng.choice(np.array([low, high], kind), shape),
        )
        return np.where(rng.random(shape) < 1 / 3, ends, values)

    return st.one_of(arrays(kind, shape, elements=weighted(low, high)), SEEDS.map(noise))


@st.composite
def _quantized(
    draw: st.DrawFn, kinds: st.SearchStrategy[TensorType], quants: st.SearchStrategy[QuantParams], most: int
) -> QuantizedTensor:
    kind, quant, batch = draw(kinds), draw(quants), draw(st.integers(1, most))
    full = TensorType(kind.shape, quant.dtype, kind.layout, quant)
    return QuantizedTensor(full, draw(codes((batch, *kind.shape[1:]), dtype=quant.dtype, narrow=quant.narrow)))


def quantized_tensors(
    types: st.SearchStrategy[TensorType] | None = None,
    *,
    quants: st.SearchStrategy[QuantParams] | None = None,
    max_batch: int = 3,
) -> st.SearchStrategy[QuantizedTensor]:
    """QuantizedTensor: a type with shape, layout and QuantParams, and 1 .. `max_batch` samples of its codes.

    types: as `tensor_types` draws them by default; quants: as `quant_params`; codes are drawn as `codes` draws.
    InvalidArgument for a max_batch below 1. Shrinks toward one small sample of zeros.
    """
    require_size("max_batch", max_batch, 1, 1 << 20)
    return _quantized(
        tensor_types() if types is None else types, quant_params() if quants is None else quants, max_batch
    )


def real_arrays(shape: tuple[int, ...], *, quant: QuantParams | None = None) -> st.SearchStrategy[Floats]:
    """float32 arrays, finite: half of them noise, with zeros of both signs, subnormals and great values among it.

    The others are codes and half codes of `quant` (scale 1, zero point 0 without one) as real values, one ulp above or
    below at times: the ties of a quantize layer. Shrinks toward zeros.
    """
    quant = quant or QuantParams(1.0)
    scale, zero = np.float32(quant.tensor_scale), quant.tensor_zero_point
    doubled = weighted(2 * (quant.low - zero) - 3, 2 * (quant.high - zero) + 3)

    def noise(seed: int) -> Floats:
        rng = np.random.default_rng(seed)
        values = (rng.standard_normal(shape) * (40 * scale)).astype(np.float32)
        return np.where(rng.random(shape) < 0.1, rng.choice(SPECIAL, shape), values).astype(np.float32)

    def real(halves: Array, towards: float) -> Floats:
        values = (halves / 2).astype(np.float32) * scale
        return np.nextafter(values, np.float32(towards) * np.abs(values) * 2) if towards else values

    ties = st.builds(real, arrays(np.int64, shape, elements=doubled), st.sampled_from([0.0, 1.0, -1.0]))
    return st.one_of(ties, SEEDS.map(noise))
