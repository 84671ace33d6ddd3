"""Bytes of the device are kept for the next tensor of their size, and given back when it has no more."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from int8sim.kernels.cuda import memory
from int8sim.model.errors import DeviceMemoryError


class Device:
    """A device with room for so many bytes; what it gave out is counted until nobody refers to it."""

    def __init__(self, room: int) -> None:
        self.room, self.given = room, 0

    def attempt(self, size: int) -> object:
        held = sum(size * len(kept) for size, kept in memory._free.items())
        if held + size > self.room:
            return None
        self.given += 1
        return np.zeros(size, np.uint8)


@pytest.fixture
def device(monkeypatch):
    made = Device(4096)
    monkeypatch.setattr(memory, "_attempt", made.attempt)
    memory.give_back()
    yield made
    memory.give_back()


def test_bytes_are_used_again(device):
    first = memory.Block(1000)
    there = first.array((2, 5), np.dtype(np.float32))
    second = memory.Block(1000)
    assert not np.may_share_memory(second.array((250,), np.dtype(np.int32)), there)
    del first
    third = memory.Block(1024)
    assert third.array((2, 5), np.dtype(np.float32)) is there
    assert np.may_share_memory(third.array((1024,), np.dtype(np.uint8)), there)
    assert device.given == 2


def test_bytes_are_held_as_long_as_their_block(device):
    blocks = [memory.Block(512) for _ in range(3)]
    assert len({block.array((512,), np.dtype(np.uint8)).ctypes.data for block in blocks}) == 3
    assert device.given == 3


def test_what_is_kept_is_given_back_before_a_device_is_full(device):
    memory.Block(3072)
    assert memory.Block(2048).array((2048,), np.dtype(np.uint8)).size == 2048
    assert 3072 not in memory._free


def test_a_full_device_is_named(device, monkeypatch):
    context = types.SimpleNamespace(get_memory_info=lambda: (4096, 80_000))
    cuda = types.SimpleNamespace(current_context=lambda: context)
    monkeypatch.setitem(sys.modules, "numba.cuda", cuda)
    monkeypatch.setattr("numba.cuda", cuda, raising=False)
    with pytest.raises(DeviceMemoryError, match="no 1,000,448 bytes left for a tensor: 4,096 of 80,000 are free"):
        memory.Block(1_000_001)
