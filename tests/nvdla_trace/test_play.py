"""The order of things: several operations, register groups, waits, windows; and memory itself."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.nvdla_commands import CheckCrc, CheckFile, MemInit, MemLoad, RegWrite, Trace, Wait
from int8sim.model.errors import NotATraceError, UncoveredRegistersError, UnknownNameError
from int8sim.nvdla_trace.hardware import HARDWARE, hardware
from int8sim.nvdla_trace.memory import PAGE, Memory
from int8sim.nvdla_trace.play import play

from . import slow
from .layers import Pool, Sdp, Stage, load, trace, writes

CUBE = np.arange(-48, 48).reshape(8, 3, 4)
SHAPE = CUBE.shape
NOTIFY = Wait("intr_notify", ("SDP_0", "sync_id_0"))
NOTHING = Wait("check_nothing", ("sync_id_0",))


def window(layer, crc=0):
    return CheckCrc("sync_id_0", "pri_mem", layer.place.base, layer.place.size, crc)


def content(played, layer):
    return played.memory.read(layer.place.base, layer.place.size).tobytes()


def test_one_layer_reads_what_another_wrote():
    first = Sdp(SHAPE, CUBE, scale=2, base=0x9000)
    second = Sdp(SHAPE, CUBE, scale=-1, source_base=0x9000)
    commands = (*first.memory(), *writes([first]), NOTIFY, *writes([second]), NOTIFY, window(second))
    played = play(Trace("two", commands))
    expected = slow.sdp(Sdp(SHAPE, slow.sdp(first), scale=-1))
    assert content(played, second) == slow.window(second.place, expected)
    assert [each.blocks for each in played.operations] == [("SDP", "SDP_RDMA")] * 2


@pytest.mark.parametrize("wait", [(), (NOTIFY,)])
def test_two_groups_of_registers(wait):
    """Both groups are written before the first is done: enabling a block again runs what it was enabled for."""
    first, second = Sdp(SHAPE, CUBE, scale=2, base=0x9000), Sdp(SHAPE, CUBE, scale=-1, source_base=0x9000)
    commands = (*first.memory(), *writes([first], group=0), *wait, *writes([second], group=1), window(second))
    expected = slow.sdp(Sdp(SHAPE, slow.sdp(first), scale=-1))
    assert content(play(Trace("two", commands)), second) == slow.window(second.place, expected)


def test_a_group_keeps_its_registers():
    """The second operation of a group writes only what changes; the other group never had it."""
    first, second = Sdp(SHAPE, CUBE, scale=2), Sdp(SHAPE, CUBE, scale=-1)
    pointers = [RegWrite(block, "S_POINTER", 0) for block in ("NVDLA_SDP", "NVDLA_SDP_RDMA")]
    again = [RegWrite(block, "D_OP_ENABLE", 1) for block in ("NVDLA_SDP_RDMA", "NVDLA_SDP")]
    commands = (*first.memory(), *writes([first]), NOTIFY, *pointers, RegWrite("NVDLA_SDP", "D_CVT_SCALE", 0xFFFF))
    played = play(Trace("again", (*commands, *again, window(second))))
    assert content(played, second) == slow.window(second.place, slow.sdp(second))
    other = [RegWrite(each.block, each.register, 1) for each in pointers]
    with pytest.raises(UncoveredRegistersError, match="D_FEATURE_MODE_CFG"):
        play(Trace("other group", (*commands, *other, *again, window(second))))


def test_two_independent_pipelines_at_once():
    left, right = Sdp(SHAPE, CUBE, scale=3), Pool(SHAPE, 1, (2, 2), CUBE)
    commands = (*left.memory(), *right.memory(), *writes([left]), *writes([right]), window(left), window(right))
    played = play(Trace("both", commands))
    assert content(played, left) == slow.window(left.place, slow.sdp(left))
    assert content(played, right) == slow.window(right.place, slow.pool(right))
    assert [each.blocks for each in played.operations] == [("SDP", "SDP_RDMA"), ("PDP", "PDP_RDMA")]


def test_memory_is_filled_when_the_trace_says():
    layer = Sdp(SHAPE, CUBE)
    clear = MemInit("pri_mem", layer.base + 8, 16, "ALL_ZERO")
    played = play(Trace("late", (*layer.memory(), *writes([layer]), NOTIFY, clear, window(layer))))
    expected = bytearray(slow.window(layer.place, slow.sdp(layer)))
    expected[8:24] = bytes(16)
    assert content(played, layer) == expected
    assert played.checks[0].computed == zlib.crc32(expected)


def test_checks_of_windows_and_files():
    layer = Sdp(SHAPE, CUBE)
    golden = slow.window(layer.place, slow.sdp(layer))
    wrong = bytearray(golden)
    wrong[5] ^= 1
    wrong[-1] ^= 0x80
    base, size = layer.place.base, layer.place.size
    checks = (
        window(layer, zlib.crc32(golden)),
        window(layer, zlib.crc32(golden) ^ 1),
        CheckFile("s", "pri_mem", base, size, "g.dat", ((0, golden[:7]), (7, golden[7:]))),
        CheckFile("s", "pri_mem", base, size, "g.dat", ((0, bytes(wrong)),)),
    )
    played = play(Trace("checks", (*layer.memory(), *writes([layer]), *checks)))
    assert [check.passed for check in played.checks] == [True, False, True, False]
    assert played.checks[3].different == (base + 5, base + size - 1)
    assert not played.passed


def test_no_operation_and_no_check():
    assert play(Trace("sanity", (NOTHING,))).passed
    with pytest.raises(NotATraceError, match="cut off"):
        play(Trace("empty", ()))


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (MemInit("pri_mem", 0, 4, "RANDOM"), "pattern RANDOM"),
        (MemInit("sec_mem", 0, 4, "ALL_ZERO"), "memory sec_mem"),
        (MemLoad("sec_mem", 0, "in.dat", ()), "memory sec_mem"),
        (CheckCrc("s", "sec_mem", 0, 4, 0), "memory sec_mem"),
    ],
)
def test_memories_and_patterns_that_are_not_played(command, what):
    with pytest.raises(NotATraceError, match=what):
        play(Trace("t", (command, NOTHING)))


def test_reset_values():
    """Unwritten registers of stages say bypass; unwritten precisions say 16 bits."""
    layer = Sdp(SHAPE, CUBE)
    reset = dict.fromkeys(["SDP.D_DP_BS_CFG", "SDP.D_DP_BN_CFG", "SDP.D_DP_EW_CFG", "SDP_RDMA.D_BRDMA_CFG"])
    played = play(trace(layer, changes=reset))
    assert content(played, layer) == slow.window(layer.place, slow.sdp(layer))
    with pytest.raises(UncoveredRegistersError) as caught:
        play(trace(layer, changes={"SDP_RDMA.D_FEATURE_MODE_CFG": None}))
    assert caught.value.registers == {"NVDLA_SDP_RDMA.D_FEATURE_MODE_CFG": 0x14}


def test_registers_that_change_nothing():
    layer = Sdp(SHAPE, CUBE, x1=Stage(alu=3))
    extra = {"SDP.D_PERF_ENABLE": 15, "SDP.S_LUT_ACCESS_DATA": 1, "GLB.S_INTR_MASK": 0x3F03FC, "MCIF.CFG": 1}
    assert content(play(trace(layer, changes=extra)), layer) == slow.window(layer.place, slow.sdp(layer))


def test_configurations_by_name_and_by_atoms():
    assert hardware("nv_small") is HARDWARE["nv_small"]
    own = hardware("64/32/16")
    assert (own.atom_c, own.atom_k, own.atom) == (64, 32, 16)
    for name in ("nv_huge", "8/8", "0/8/8", "8/8/8/8"):
        with pytest.raises(UnknownNameError, match="nv_small"):
            hardware(name)


@given(
    parts=st.lists(st.tuples(st.integers(PAGE - 50, PAGE + 50), st.binary(max_size=120), st.booleans()), max_size=6),
    span=st.tuples(st.integers(PAGE - 80, PAGE + 80), st.integers(0, 200)),
)
def test_memory_against_a_dictionary(parts, span):
    memory, cells = Memory(), {}
    for address, data, clear in parts:
        if clear:
            memory.clear(address, len(data))
        else:
            memory.write(address, np.frombuffer(data, np.uint8))
        cells |= {address + place: 0 if clear else byte for place, byte in enumerate(data)}
    start, size = span
    expected = bytes(cells.get(start + place, 0) for place in range(size))
    assert memory.read(start, size).tobytes() == expected
    assert memory.crc32(start, size) == zlib.crc32(expected)


def test_a_window_of_memory_nobody_wrote():
    assert Memory().crc32(1 << 40, 3 * PAGE + 5) == zlib.crc32(bytes(3 * PAGE + 5))


def test_loading_twice_keeps_the_later_bytes():
    commands = (load(0x100, b"abcd"), load(0x102, b"xy"), CheckCrc("s", "pri_mem", 0x100, 4, zlib.crc32(b"abxy")))
    assert play(Trace("t", commands)).passed
