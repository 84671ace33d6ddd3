"""Both forms of the dot-product tile against NumPy's int64, on random and extreme bytes."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.tile import COLUMNS, GROUP, ROWS, TILES, instruction_set
from int8sim.kernels.roles import tile

FAST = instruction_set()
FORMS = sorted({"portable", FAST})


def products(windows, groups, weights, acc):
    tile(windows.ctypes.data, groups, weights.ctypes.data, acc.ctypes.data)


def run(form, windows, weights):
    """windows: uint8 [6, depth]. weights: int8 [depth, 32]."""
    groups = weights.shape[0] // GROUP
    packed = np.ascontiguousarray(weights.reshape(groups, GROUP, COLUMNS).transpose(0, 2, 1))
    acc = np.full((ROWS, COLUMNS), 123456789, np.int32)
    build(products, None, {"tile": TILES[form]})(np.ascontiguousarray(windows), groups, packed, acc)
    return acc


def exact(windows, weights):
    total = windows.astype(np.int64) @ weights.astype(np.int64)
    return ((total + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)


def test_the_machines_own_form_is_known():
    assert FAST in TILES


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("groups", [1, 2, 3, 16, 257])
def test_random_bytes(form, groups):
    rng = np.random.default_rng(groups)
    windows = rng.integers(0, 256, (ROWS, groups * GROUP), np.uint8)
    weights = rng.integers(-128, 128, (groups * GROUP, COLUMNS), np.int8)
    assert np.array_equal(run(form, windows, weights), exact(windows, weights))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("x", [0, 1, 127, 128, 255])
@pytest.mark.parametrize("w", [-128, -127, -1, 0, 1, 127])
def test_extreme_bytes_do_not_saturate(form, x, w):
    """255 * -128 four times over leaves 16 bits: an instruction that adds pairs in int16 would saturate."""
    windows, weights = np.full((ROWS, 256), x, np.uint8), np.full((256, COLUMNS), w, np.int8)
    assert run(form, windows, weights).tolist() == [[256 * x * w] * COLUMNS] * ROWS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("w", [-128, 127])
def test_the_accumulator_wraps(form, w):
    """65,800 groups of 255 * 127 leave int32."""
    depth = 65_800 * GROUP
    windows, weights = np.full((ROWS, depth), 255, np.uint8), np.full((depth, COLUMNS), w, np.int8)
    total = 255 * w * depth
    assert abs(total) > 1 << 31
    assert (run(form, windows, weights) == (total + (1 << 31)) % (1 << 32) - (1 << 31)).all()


@pytest.mark.parametrize("form", FORMS)
def test_every_place_is_its_own(form):
    """One byte and one weight at a time: row r, channel n, byte k of the depth."""
    for r in range(ROWS):
        for n in range(0, COLUMNS, 5):
            k = (7 * r + 3 * n) % 12
            windows, weights = np.zeros((ROWS, 12), np.uint8), np.zeros((12, COLUMNS), np.int8)
            windows[r, k], weights[k, n] = 200, -100
            acc = run(form, windows, weights)
            assert acc[r, n] == -20_000
            assert np.count_nonzero(acc) == 1


@pytest.mark.skipif(len(FORMS) == 1, reason=f"this machine has only the {FAST} form")
def test_both_forms_give_the_same_integers():
    rng = np.random.default_rng(5)
    windows, weights = rng.integers(0, 256, (ROWS, 400), np.uint8), rng.integers(-128, 128, (400, COLUMNS), np.int8)
    assert np.array_equal(run("portable", windows, weights), run(FAST, windows, weights))
