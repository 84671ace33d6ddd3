"""PDP: one window's arithmetic, whole cubes, and the average operator of a graph under the nvdla profile."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.cpu.nvdla_pool import pool
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.average_pool import AveragePool
from int8sim.profiles.registry import profile
from int8sim.spec.nvdla import (
    PdpMethod,
    average,
    average_is_defined,
    pdp_accumulate,
    pdp_average,
    pdp_average_is_defined,
    pdp_column,
    pdp_pool,
    pdp_pool_is_defined,
    pdp_reciprocal,
    pdp_row,
    pdp_spans,
    pdp_total,
    pdp_window,
)

from .exact import clip, half_away, signed, word

SIZES = st.integers(1, 8)


@given(word(11), word(19))
def test_pdp_row(total, padding):
    assert pdp_row(total, padding) == signed(total + padding, 11)


@given(word(14), word(11))
def test_pdp_accumulate(total, row):
    assert pdp_accumulate(total, row) == signed(total + row, 14)


@given(word(14), word(19), SIZES)
def test_pdp_column(total, padding, width):
    assert pdp_column(total, padding, width) == total + signed(padding * width, 14)


def test_pdp_reciprocals_are_the_drivers_table():
    table = [0x10000, 0x8000, 0x5555, 0x4000, 0x3333, 0x2AAA, 0x2492, 0x2000]
    assert [pdp_reciprocal(size) for size in range(1, 9)] == table


@given(word(15), SIZES, SIZES)
def test_pdp_average_is_two_roundings(total, width, height):
    across, down = pdp_reciprocal(width), pdp_reciprocal(height)
    rows = half_away(Fraction(total * across, 2**16))
    expected = half_away(Fraction(rows * down, 2**16))
    fits = -(2**10) <= rows < 2**10 and -128 <= expected <= 127
    assert pdp_average_is_defined(total, across, down) == average_is_defined(total, across, down) == fits
    if fits:
        assert pdp_average(total, across, down) == expected
        assert average(total, width * height, across, down, 0, 9) == clip(expected, 0, 9)


@given(word(15), word(17, is_signed=False), word(17, is_signed=False))
def test_pdp_average_wraps_as_the_rtl_does(total, reciprocal_width, reciprocal_height):
    """R(p, w): positive (p >> 16) modulo 2**(w - 1) plus the guard bit; negative (p >> 16) plus guard and sticky."""

    def stage(product: int, bits: int) -> int:
        guard, low = product >> 15 & 1, product % 2**15
        if product >= 0:
            return signed(product // 2**16 % 2 ** (bits - 1) + guard, bits)
        return signed(product // 2**16 + (1 if guard and low else 0), bits)

    expected = stage(stage(total * reciprocal_width, 11) * reciprocal_height, 8)
    assert pdp_average(total, reciprocal_width, reciprocal_height) == expected


def test_floor_reciprocals_are_slightly_low():
    """Three sixths are not a half: 3 * 0x2aaa is just below 2**15."""
    assert pdp_average(3, pdp_reciprocal(6), pdp_reciprocal(1)) == 0
    assert pdp_average(2, pdp_reciprocal(4), pdp_reciprocal(1)) == 1


def test_a_positive_average_loses_bit_seven():
    """194 becomes 66 in the RTL; NVIDIA's C model casts it to -62."""
    assert pdp_average(194, 1 << 16, 1 << 16) == 66
    assert not pdp_average_is_defined(194, 1 << 16, 1 << 16)


@given(st.lists(st.lists(word(8), min_size=3, max_size=3), min_size=1, max_size=5), word(8))
def test_pdp_total_counts_the_padding(cells, padding):
    """3 columns and up to 5 rows of a window of 4 and 5: every cell that is missing counts as the padding value."""
    expected = sum(map(sum, cells)) + padding * (5 * 4 - 3 * len(cells))
    assert pdp_total(cells, (5, 4), [count * padding for count in range(8)]) == expected


@given(st.lists(st.lists(word(8), min_size=3, max_size=3), min_size=1, max_size=5), word(8))
def test_pdp_window(cells, padding):
    flat, one = [cell for row in cells for cell in row], (1 << 16, 1 << 16)
    table = [count * padding for count in range(8)]
    assert pdp_window(cells, PdpMethod.MAX, (5, 4), table, one) == max(flat)
    assert pdp_window(cells, PdpMethod.MIN, (5, 4), table, one) == min(flat)
    expected = pdp_average(pdp_total(cells, (5, 4), table), *one)
    assert pdp_window(cells, PdpMethod.AVERAGE, (5, 4), table, one) == expected


@given(st.integers(1, 12), SIZES, SIZES, st.data())
def test_pdp_spans(size, kernel, stride, data):
    before, after = (data.draw(st.integers(0, kernel - 1)) for _ in range(2))
    cells = list(range(-before, size + after))
    windows = [cells[first : first + kernel] for first in range(0, len(cells) - kernel + 1, stride)]
    inside = [[cell for cell in window if 0 <= cell < size] for window in windows]
    assert [list(span) for span in pdp_spans(size, kernel, stride, before, after)] == inside


def test_the_line_buffer_holds_sixteen_columns():
    assert pdp_pool_is_defined(16)
    assert not pdp_pool_is_defined(17)


@st.composite
def cubes(draw: st.DrawFn) -> tuple[Any, tuple[Any, ...]]:
    """A cube of two channels and what `pdp_pool` takes behind it; sometimes reciprocals that wrap."""
    size = tuple(draw(st.integers(1, 9)) for _ in range(2))
    kernel = tuple(draw(st.integers(1, min(8, 2 * cells))) for cells in size)
    strides = draw(SIZES), draw(SIZES)
    fitting = [max(width - cells, 0) for width, cells in zip(kernel, size, strict=True)]
    after = [draw(st.integers(least, width - 1)) for least, width in zip(fitting, kernel, strict=True)]
    before = [draw(st.integers(0, width - 1)) for width in kernel]
    padding = draw(word(8))
    reciprocals = tuple(draw(st.just(pdp_reciprocal(width)) | word(17, is_signed=False)) for width in kernel)
    values = draw(st.lists(word(8), min_size=2 * size[0] * size[1], max_size=2 * size[0] * size[1]))
    cube = np.array(values, np.int8).reshape(*size, 2)
    table = [count * padding for count in range(8)]
    return cube, (draw(st.sampled_from(PdpMethod)), kernel, strides, (*before, *after), table, reciprocals)


@given(cubes())
@settings(max_examples=60)
def test_compiled_cube_is_the_reference(case):
    cube, arguments = case
    y = pool(cube, *arguments)
    assert y.dtype == np.int8
    assert y.tolist() == pdp_pool(cube.tolist(), *arguments)


OPERATORS = [
    AveragePool((3, 3), (2, 2), ceil_mode=True),
    AveragePool((2, 3), (2, 2), (1, 1, 0, 1), ceil_mode=True),
    AveragePool((3, 2), (2, 1), (1, 0, 2, 1), count_include_pad=True),
    AveragePool((3, 3), (1, 1), (1, 1, 1, 1)),
    AveragePool((6, 7), (3, 3), (2, 3, 1, 0), ceil_mode=True, count_include_pad=True),
]


@pytest.mark.parametrize("op", OPERATORS, ids=str)
@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_the_profile_divides_by_the_whole_kernel(op, backend):
    """A window that reaches over an edge, padded or not, counted or not, is the hardware's with padding 0."""
    x = np.random.default_rng(5).integers(-128, 128, (1, 8, 10, 3), np.int8)
    kind = TensorType(x.shape, "int8", "NHWC", QuantParams(0.5))
    y = op.infer([kind])
    scheme = profile("nvdla").schemes["average_pool"]
    steps = scheme.steps(x=kind.quant, y=kind.quant, window=op.kernel_shape, low=-128, high=127)
    output = TensorType(y.shape, "int8", "NHWC", QuantParams(0.5))
    graph = Graph((Layer("pool", op, ("x",), "y", steps),), {"x": kind, "y": output}, {}, ("x",), ("y",))
    found = run(graph, {"x": x}, backend=backend)["y"][0]
    assert found.tolist() == pdp_pool(x[0].tolist(), *hardware(op, y.shape[1:3], x.shape[1:3]))


def hardware(op: AveragePool, output: tuple[int, ...], size: tuple[int, ...]) -> tuple[Any, ...]:
    """The registers: the trailing pads are what the last window needs."""
    after = [
        (count - 1) * stride + kernel - cells - before
        for count, stride, kernel, cells, before in zip(
            output, op.strides, op.kernel_shape, size, op.pads[:2], strict=True
        )
    ]
    reciprocals = tuple(map(pdp_reciprocal, op.kernel_shape))
    return PdpMethod.AVERAGE, op.kernel_shape, op.strides, (*op.pads[:2], *after), [0] * 8, reciprocals
