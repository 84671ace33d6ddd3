"""Room for arrays: taken again when no array lies in it, and never before."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from int8sim.kernels.cpu.memory import CACHE_LINE, KEPT, LEAST, MOST, empty, empty_on_a_cache_line, on_a_cache_line
from int8sim.kernels.cpu.threads import Scratch


def address(array):
    return array.__array_interface__["data"][0]


@pytest.mark.parametrize("shape", [(1,), (3, 5, 7), (1, 56, 56, 64), ((1 << MOST) + 1,), (0, 4)])
@pytest.mark.parametrize("dtype", ["uint8", np.int16, "float32"])
@pytest.mark.parametrize("make", [empty, empty_on_a_cache_line])
def test_shape_dtype_and_cache_line(make, shape, dtype):
    array = make(shape, dtype)
    assert (array.shape, array.dtype, address(array) % CACHE_LINE) == (shape, np.dtype(dtype), 0)
    assert array.flags.c_contiguous
    assert array.flags.writeable
    array[...] = 1


def test_a_room_is_taken_again_once_nothing_lies_in_it():
    first = empty((3, 1000), "uint8")
    place = address(first)
    del first
    assert address(again := empty((50, 10), "float32")) == place  # of the same size in powers of two
    assert address(empty((3, 1000), "uint8")) != place
    assert again.shape == (50, 10)


@pytest.mark.parametrize(
    "look", [np.ravel, lambda a: a[1:, ::2], lambda a: a.T.view(np.int8), memoryview, lambda a: [a[:1]]]
)
def test_whoever_looks_at_an_array_keeps_its_room(look):
    array = empty((40, 1 << LEAST - 3), "uint8")
    array[...] = 7
    place, kept = address(array), look(array)
    del array
    others = [empty((40, 1 << LEAST - 3), "uint8") for _ in range(KEPT + 1)]
    for other in others:
        assert address(other) != place
        other[...] = 9
    assert np.all(np.asarray(kept) == 7)


def test_many_at_once_lie_apart():
    arrays = [empty((5000,), "uint8") for _ in range(3 * KEPT)]
    for i, array in enumerate(arrays):
        array[...] = i
    assert [set(array.tolist()) for array in arrays] == [{i} for i in range(3 * KEPT)]


def test_threads_have_rooms_of_their_own():
    mine = address(empty((6000,), "uint8"))
    with ThreadPoolExecutor(1) as pool:
        theirs = pool.submit(lambda: address(empty((6000,), "uint8"))).result()
    assert address(empty((6000,), "uint8")) == mine != theirs


def test_a_copy_lies_on_a_cache_line():
    values = np.arange(1000, dtype=np.float32)[1:]
    copy = on_a_cache_line(values)
    assert address(copy) % CACHE_LINE == 0
    assert np.array_equal(copy, values)


def test_scratch_is_made_once_on_every_thread():
    made = []
    scratch = Scratch(lambda: made.append(1) or object())
    assert scratch() is scratch()
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(scratch).result() is not scratch()
    assert len(made) == 2
