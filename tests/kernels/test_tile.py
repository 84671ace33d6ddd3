"""Every tile of every instruction set against NumPy's int64, on random and extreme bytes, one run and many."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.panels import panels
from int8sim.kernels.cpu.tile import DOT_PRODUCTS, GROUP, STRIP, TILES, WIDEST, instruction_set
from int8sim.kernels.roles import tile

FAST = instruction_set()
FORMS = [(n, i) for n in DOT_PRODUCTS.available() if TILES[n].intrinsic for i in range(len(TILES[n].shapes))]
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}-{form[1]}")


def products(number, x, pixels, runs, weights, bias, acc):
    under, count = runs.ctypes.data, runs.shape[0]
    factors, offsets, totals = weights.ctypes.data, bias.ctypes.data, acc.ctypes.data
    tile((number, x.ctypes.data, pixels.ctypes.data, under, count, factors, offsets, totals))


def shape_of(form):
    name, number = form
    return TILES[name].shapes[number]


def computed(form, x, pixels, runs, weights, bias):
    """x: uint8, flat. pixels: places of rows. runs: (place, steps before its weights, steps). weights: [depth, O]."""
    name, number = form
    tiles, shape = TILES[name], shape_of(form)
    ordered = np.ascontiguousarray(weights.T).reshape(shape.columns, -1, GROUP)
    one = tiles._replace(shapes=(shape,))
    packed = panels(ordered, 1, 0, one).weights
    acc = np.full((shape.rows, WIDEST), 123456789, np.int32)
    kernel = build(products, None, {"tile": tiles.intrinsic})
    kernel(number, x, np.array(pixels), np.array(runs, np.int64).reshape(-1, 3), packed, bias, acc)
    assert (acc[:, shape.columns :] == 123456789).all()
    return acc[:, : shape.columns]


def over_one_run(form, windows, weights):
    """windows: uint8 [rows, depth]. weights: int8 [depth, columns]."""
    rows, depth = windows.shape
    none = np.zeros(weights.shape[1], np.int32)
    return computed(form, windows.reshape(-1), np.arange(rows) * depth, [(0, 0, depth // GROUP)], weights, none)


def exact(windows, weights):
    total = windows.astype(np.int64) @ weights.astype(np.int64)
    return ((total + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)


def test_the_machines_own_form_is_the_first():
    assert DOT_PRODUCTS.available()[0] == FAST
    assert DOT_PRODUCTS.available()[-1] == "portable"


@every_form
def test_rows_are_whole_strips(form):
    assert shape_of(form).rows % STRIP == 0
    assert shape_of(form).columns <= WIDEST


@every_form
@pytest.mark.parametrize("groups", [1, 2, 3, 16, 257])
def test_random_bytes(form, groups, compared):
    rng, shape = np.random.default_rng(groups), shape_of(form)
    windows = rng.integers(0, 256, (shape.rows, groups * GROUP), np.uint8)
    weights = rng.integers(-128, 128, (groups * GROUP, shape.columns), np.int8)
    assert np.array_equal(over_one_run(form, windows, weights), exact(windows, weights))
    compared(shape.rows * shape.columns, least=24)


@every_form
@pytest.mark.parametrize("x", [0, 1, 127, 128, 255])
@pytest.mark.parametrize("w", [-128, -127, -1, 0, 1, 127])
def test_extreme_bytes_do_not_saturate(form, x, w):
    """255 * -128 four times over leaves 16 bits: an instruction that adds pairs in int16 would saturate."""
    shape = shape_of(form)
    windows, weights = np.full((shape.rows, 256), x, np.uint8), np.full((256, shape.columns), w, np.int8)
    assert over_one_run(form, windows, weights).tolist() == [[256 * x * w] * shape.columns] * shape.rows


@every_form
@pytest.mark.parametrize("w", [-128, 127])
def test_the_accumulator_wraps(form, w):
    """65,800 groups of 255 * 127 leave int32."""
    depth, shape = 65_800 * GROUP, shape_of(form)
    windows, weights = np.full((shape.rows, depth), 255, np.uint8), np.full((depth, shape.columns), w, np.int8)
    total = 255 * w * depth
    assert abs(total) > 1 << 31
    assert (over_one_run(form, windows, weights) == (total + (1 << 31)) % (1 << 32) - (1 << 31)).all()


@every_form
def test_every_place_is_its_own(form):
    """One byte and one weight at a time: row r, channel n, byte k of the depth."""
    shape = shape_of(form)
    for r in range(shape.rows):
        for n in range(0, shape.columns, 5):
            k = (7 * r + 3 * n) % 12
            windows, weights = np.zeros((shape.rows, 12), np.uint8), np.zeros((12, shape.columns), np.int8)
            windows[r, k], weights[k, n] = 200, -100
            acc = over_one_run(form, windows, weights)
            assert acc[r, n] == -20_000
            assert np.count_nonzero(acc) == 1


@every_form
def test_runs_that_lie_anywhere(form, compared):
    """Pixels and runs that overlap, repeat and go backwards; biases at the ends of int32."""
    rng, shape = np.random.default_rng(9), shape_of(form)
    x, weights = rng.integers(0, 256, 4000, np.uint8), rng.integers(-128, 128, (40 * GROUP, shape.columns), np.int8)
    bias = rng.choice([-(2**31), 2**31 - 1, 0, 77], shape.columns).astype(np.int32)
    pixels, runs = rng.integers(0, 3000, shape.rows), [(801, 13, 5), (3, 0, 13), (3, 18, 1), (640, 19, 21)]
    under = np.concatenate([behind + np.arange(steps * GROUP) for behind, _, steps in runs])
    rows = np.concatenate([line * GROUP + np.arange(steps * GROUP) for _, line, steps in runs])
    expected = exact(x[pixels[:, None] + under], weights[rows]).astype(np.int64) + bias
    found = computed(form, x, pixels, runs, weights, bias)
    assert np.array_equal(found, ((expected + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32))
    compared(found.size, least=24)


@every_form
def test_no_run_leaves_the_biases(form):
    shape = shape_of(form)
    bias = np.arange(shape.columns, dtype=np.int32) - 7
    found = computed(form, np.zeros(4, np.uint8), [0] * shape.rows, [], np.zeros((4, shape.columns), np.int8), bias)
    assert found.tolist() == [bias.tolist()] * shape.rows
