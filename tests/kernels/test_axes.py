"""Axes in another order, and to storage and back: NumPy's transpose, whatever size the squares leave at the ends."""

import itertools

import numpy as np
import pytest

from int8sim.kernels import axes
from int8sim.kernels.axes import permuted
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.tensor import TensorType

SIZES = (1, 2, 3, 4, 5, 15, 16, 17, 48, 65)


@pytest.fixture(autouse=True)
def always_compiled(monkeypatch):
    monkeypatch.setattr(axes, "LEAST", 0)


def values(shape, dtype):
    bits = np.random.default_rng(sum(shape)).integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
    return bits.view(dtype)[..., 0]


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_rows_and_columns(dtype, compared):
    count = 0
    for rows, columns in itertools.product(SIZES, SIZES):
        array = values((2, rows, columns), dtype)
        found = permuted(array, (0, 2, 1))
        assert found.flags.c_contiguous
        assert found.dtype == dtype
        assert np.array_equal(found.view(np.uint8), np.ascontiguousarray(array.transpose(0, 2, 1)).view(np.uint8))
        if dtype == "uint8":
            assert np.array_equal(permuted(array, (0, 2, 1), 0x80), array.transpose(0, 2, 1) ^ 0x80)
        count += array.size
    compared(count, least=50_000)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_any_order(order):
    for shape in ((2, 16, 3, 17), (1, 20, 1, 33), (3, 1, 1, 1), (1, 1, 16, 16)):
        array = values(shape, "uint8")
        for flip in (0, 0x80):
            assert np.array_equal(permuted(array, order, flip), array.transpose(order) ^ flip)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("shape", [(2, 3, 5, 7), (1, 20, 5, 5), (1, 1, 6, 4), (2, 9, 1, 1)])
def test_to_storage_and_back(shape, layout, dtype):
    array, kind = values(shape, dtype), TensorType(shape, dtype, layout)
    array.flags.writeable = False
    stored = to_storage(array, kind)
    last = array.transpose(0, 2, 3, 1) if layout == "NCHW" else array
    assert np.array_equal(stored.view(np.uint8), np.ascontiguousarray(last).view(np.uint8) ^ (0x80 * (dtype == "int8")))
    assert stored.flags.c_contiguous
    assert stored.flags.writeable
    assert not np.may_share_memory(stored, array)
    assert from_storage(stored, kind).tobytes() == array.tobytes()
