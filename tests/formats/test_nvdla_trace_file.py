"""NVDLA's traces as .cfg with .dat files and as .npz: what they say, from one to the other, damage."""

import zlib

import numpy as np
import pytest

from int8sim.formats.nvdla_cfg import cfg_text
from int8sim.formats.nvdla_commands import CheckCrc, CheckFile, MemInit, MemLoad, RegWrite, Trace, Wait
from int8sim.formats.nvdla_trace_file import read_trace, write_trace
from int8sim.model.errors import NotATraceError, OutputNotWritableError, TraceNotWritableError, TraceTextError

CFG = """//Feature
mem_init(pri_mem, 0x80000000, 0x40, ALL_ZERO);
mem_load(pri_mem, 0x80000000, "in.dat");
  reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x3);
reg_write( NVDLA_SDP.RDMA_D_BRDMA_CFG_0 , 17 ) ;

reg_write(NVDLA_SDP.S_LUT_ACCESS_DATA_0, 0x1);
reg_write(NVDLA_SDP.S_LUT_ACCESS_DATA_0, 0x2); // the next entry
poll_reg_equal(NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0,0x1);
// intr_notify(sync_id_0);
intr_notify(SDP_0, sync_id_0);
check_crc(sync_id_0, 1, 0x90000000, 0x10, 0xcb0ea2db); //MC
"""
DAT = "{\n{offset:0x4, size:3, payload:0x01 0x02 0xff},\n{offset:0x20, size:1, payload:0x7f}\n}\n"
RECORDS = ((4, b"\x01\x02\xff"), (0x20, b"\x7f"))

COMMANDS = (
    MemInit("pri_mem", 0x80000000, 0x40, "ALL_ZERO"),
    MemLoad("pri_mem", 0x80000000, "in.dat", RECORDS),
    RegWrite("NVDLA_SDP", "D_CVT_SHIFT", 3),
    RegWrite("NVDLA_SDP_RDMA", "D_BRDMA_CFG", 17),
    RegWrite("NVDLA_SDP", "S_LUT_ACCESS_DATA", 1),
    RegWrite("NVDLA_SDP", "S_LUT_ACCESS_DATA", 2),
    Wait("poll_reg_equal", ("NVDLA_CDMA.S_CBUF_FLUSH_STATUS_0", "0x1")),
    Wait("intr_notify", ("SDP_0", "sync_id_0")),
    CheckCrc("sync_id_0", "pri_mem", 0x90000000, 0x10, 0xCB0EA2DB),
)


@pytest.fixture
def cfg(tmp_path):
    """Write a .cfg beside in.dat; returns its path."""

    def write(text=CFG, name="t.cfg"):
        (tmp_path / "in.dat").write_text(DAT)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


ARRAYS = {
    "in_addr": np.array([8, 4, 5, 4, 1 << 32]),
    "in_byte": np.array([1, 2, 3, 9, 5], np.uint8),
    "reg_names": np.array(["NVDLA_SDP.D_CVT_SHIFT", "NVDLA_SDP.RDMA_D_BRDMA_CFG"]),
    "reg_values": np.array([3, 0xFFFFFFFF]),
    "crc_base": 0x1000,
    "crc_size": 16,
    "crc_golden": zlib.crc32(bytes(16)),
}


@pytest.fixture
def npz(tmp_path):
    """Write ARRAYS with changes; None leaves an array out; returns the path."""

    def write(**changes):
        arrays = {name: value for name, value in {**ARRAYS, **changes}.items() if value is not None}
        np.savez(tmp_path / "t.npz", **arrays)
        return tmp_path / "t.npz"

    return write


def test_the_commands_of_a_cfg(cfg):
    assert read_trace(cfg()).commands == COMMANDS
    assert read_trace(cfg(name="t.reg")).commands == COMMANDS


def test_a_cfg_comes_back(cfg, tmp_path):
    trace = read_trace(cfg())
    (tmp_path / "again").mkdir()
    write_trace(tmp_path / "again" / "t.cfg", trace)
    again = read_trace(tmp_path / "again" / "t.cfg")
    assert again.commands == trace.commands
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["in.dat", "t.cfg"]


def test_the_lines_that_are_written():
    text = cfg_text(Trace("t", (*COMMANDS, CheckFile("s", "sec_mem", 1, 2, "g.dat", ()))))
    assert text.splitlines()[1:4] == [
        'mem_load(pri_mem, 0x80000000, "in.dat");',
        "reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x3);",
        "reg_write(NVDLA_SDP_RDMA.D_BRDMA_CFG_0, 0x11);",
    ]
    assert text.splitlines()[-2:] == [
        "check_crc(sync_id_0, pri_mem, 0x90000000, 0x10, 0xcb0ea2db);",
        'check_file(s, sec_mem, 0x1, 0x2, "g.dat");',
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x3)", "name.argument"),
        ("reg_write NVDLA_SDP.D_CVT_SHIFT_0, 0x3;", "name.argument"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0);", "takes 2 arguments"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT, 0x3);", "is no register"),
        ("reg_write(D_CVT_SHIFT_0, 0x3);", "is no register"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x100000000);", r"no number below 2\*\*32"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0, -1);", "no number"),
        ("reg_write(NVDLA_SDP.D_CVT_SHIFT_0, three);", "no number"),
        ("reg_read(NVDLA_SDP.D_CVT_SHIFT_0, 0x3);", "known: mem_init"),
        ("mem_init(2, 0x0, 0x1, ALL_ZERO);", "is no memory"),
        ("mem_init(pri_mem, 0x0, ALL_ZERO);", "takes 4 arguments"),
        ('mem_load(pri_mem, 0x10000000000000000, "in.dat");', r"no number below 2\*\*64"),
        ("check_crc(sync_id_0, 1, 0x0, 0x4, 0x1ffffffff);", "no number"),
    ],
)
def test_a_bad_line_is_named(cfg, line, what):
    with pytest.raises(TraceTextError, match=what) as caught:
        read_trace(cfg(f"// first\n{line}\n"))
    assert caught.value.line == 2
    assert line[:40] in str(caught.value)


def test_a_missing_dat_is_named(cfg):
    with pytest.raises(NotATraceError, match=r"other\.dat.*No such file"):
        read_trace(cfg('mem_load(pri_mem, 0x0, "other.dat");\n'))


def test_a_damaged_dat_is_named(cfg, tmp_path):
    path = cfg()
    (tmp_path / "in.dat").write_text(DAT[:40])
    with pytest.raises(NotATraceError, match=r"in\.dat"):
        read_trace(path)


def test_the_commands_of_an_npz(npz):
    commands = read_trace(npz()).commands
    assert commands == (
        MemInit("pri_mem", 0x1000, 16, "ALL_ZERO"),
        MemLoad("pri_mem", 4, "t_0.dat", ((0, b"\x09\x03"), (4, b"\x01"))),
        MemLoad("pri_mem", 1 << 32, "t_1.dat", ((0, b"\x05"),)),
        RegWrite("NVDLA_SDP", "D_CVT_SHIFT", 3),
        RegWrite("NVDLA_SDP_RDMA", "D_BRDMA_CFG", 0xFFFFFFFF),
        Wait("intr_notify", ("SDP_0", "sync_id_0")),
        CheckCrc("sync_id_0", "pri_mem", 0x1000, 16, zlib.crc32(bytes(16))),
    )


def test_from_npz_to_cfg_and_back(npz, tmp_path):
    write_trace(tmp_path / "t.cfg", read_trace(npz()))
    write_trace(tmp_path / "again.npz", read_trace(tmp_path / "t.cfg"))
    with np.load(tmp_path / "again.npz") as again:
        assert again["in_addr"].tolist() == [4, 5, 8, 1 << 32]
        assert again["in_byte"].tolist() == [9, 3, 1, 5]
        assert again["reg_names"].tolist() == ["NVDLA_SDP.D_CVT_SHIFT", "NVDLA_SDP_RDMA.D_BRDMA_CFG"]
        assert again["reg_values"].tolist() == [3, 0xFFFFFFFF]
        assert [int(again[name]) for name in ("crc_base", "crc_size", "crc_golden")] == [0x1000, 16, 0xECBB4B55]


def test_the_pooling_interrupt(npz):
    waits = [each for each in read_trace(npz(reg_names=["NVDLA_PDP.X", "NVDLA_PDP.Y"])).commands if type(each) is Wait]
    assert waits == [Wait("intr_notify", ("PDP_0", "sync_id_0"))]


def test_a_trace_without_memory(npz, tmp_path):
    write_trace(tmp_path / "t.cfg", read_trace(npz(in_addr=np.empty(0, int), in_byte=np.empty(0, np.uint8))))
    assert not list(tmp_path.glob("*.dat"))
    write_trace(tmp_path / "again.npz", read_trace(tmp_path / "t.cfg"))
    with np.load(tmp_path / "again.npz") as again:
        assert again["in_addr"].size == 0


def test_memory_that_is_zeroed_again_is_not_loaded(cfg, tmp_path):
    lines = 'mem_load(pri_mem, 0x100, "in.dat");\nmem_init(pri_mem, 0x105, 4, ALL_ZERO);\n'
    write_trace(tmp_path / "t.npz", read_trace(cfg(f"{lines}check_crc(s, 1, 0x0, 4, 0);\n")))
    with np.load(tmp_path / "t.npz") as again:
        assert dict(zip(again["in_addr"].tolist(), again["in_byte"].tolist(), strict=True)) == {0x104: 1, 0x120: 0x7F}


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"in_addr": None}, "no array 'in_addr'"),
        ({"crc_golden": None}, "no array 'crc_golden'"),
        ({"in_byte": np.zeros(4, np.uint8)}, "in_addr has 5 entries, in_byte 4"),
        ({"reg_values": np.zeros(3, int)}, "reg_names has 2 entries, reg_values 3"),
        ({"in_byte": np.array([0, 1, 2, 3, 256])}, "no bytes"),
        ({"in_byte": np.array([0, 1, 2, 3, -1])}, "no bytes"),
        ({"in_addr": np.zeros(5)}, "in_addr is float64"),
        ({"in_addr": np.zeros((5, 1), int)}, "a list is needed"),
        ({"reg_names": np.array([1, 2])}, "reg_names is int64"),
        ({"reg_names": np.array(["D_CVT_SHIFT", "NVDLA_SDP.X"])}, "register 'D_CVT_SHIFT' = 3"),
        ({"reg_values": np.array([1, 1 << 32])}, "32 bits are needed"),
        ({"reg_values": np.array([1, -1])}, "32 bits are needed"),
        ({"crc_size": -1}, "crc_size"),
        ({"crc_golden": 1 << 32}, "crc_golden"),
        ({"crc_base": np.array([1, 2])}, "crc_base"),
        ({"crc_base": 1.5}, "crc_base"),
        ({"reg_names": np.array([object(), None])}, "damaged"),
    ],
)
def test_a_damaged_npz_is_named(npz, changes, what):
    with pytest.raises(NotATraceError, match=what):
        read_trace(npz(**changes))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\x93NUMPY\x01\x00"])
def test_what_is_no_npz(tmp_path, content):
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(NotATraceError, match="damaged"):
        read_trace(tmp_path / "t.npz")


def test_an_npz_that_is_cut_off_or_changed(npz, tmp_path):
    content = npz().read_bytes()
    for damaged in (content[: len(content) // 2], content[:200] + bytes(80) + content[280:]):
        (tmp_path / "bad.npz").write_bytes(damaged)
        with pytest.raises(NotATraceError):
            read_trace(tmp_path / "bad.npz")


def test_a_lone_array_is_no_npz(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3))
    (tmp_path / "a.npy").rename(tmp_path / "a.npz")
    with pytest.raises(NotATraceError):
        read_trace(tmp_path / "a.npz")


@pytest.mark.parametrize("name", ["none.npz", "none.cfg", "none.reg"])
def test_a_missing_file(tmp_path, name):
    with pytest.raises(NotATraceError, match="No such file"):
        read_trace(tmp_path / name)


def test_other_suffixes(tmp_path):
    with pytest.raises(NotATraceError, match=r"traces are \.npz"):
        read_trace(tmp_path / "t.txt")
    with pytest.raises(TraceNotWritableError, match=r"allowed: \.npz"):
        write_trace(tmp_path / "t.txt", Trace("t", ()))


CHECK = CheckCrc("s", "pri_mem", 0, 4, 0)
WRITE = RegWrite("NVDLA_SDP", "D_OP_ENABLE", 1)
LOAD = MemLoad("pri_mem", 0, "in.dat", RECORDS)


@pytest.mark.parametrize(
    ("commands", "what"),
    [
        ((), "0 checks"),
        ((CHECK, CHECK), "2 checks"),
        ((CheckFile("s", "pri_mem", 0, 4, "g.dat", ()),), "1 checks"),
        ((CheckCrc("s", "sec_mem", 0, 4, 0),), "one check_crc of pri_mem"),
        ((WRITE, LOAD, CHECK), "after registers are written"),
        ((MemLoad("sec_mem", 0, "in.dat", RECORDS), CHECK), "fills sec_mem"),
        ((MemInit("pri_mem", 0, 4, "RANDOM"), CHECK), "RANDOM; only ALL_ZERO"),
    ],
)
def test_what_an_npz_cannot_hold(tmp_path, commands, what):
    with pytest.raises(TraceNotWritableError, match=what):
        write_trace(tmp_path / "t.npz", Trace("t", commands))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["t.npz", "t.cfg"])
def test_a_folder_that_is_missing(tmp_path, name):
    with pytest.raises(OutputNotWritableError):
        write_trace(tmp_path / "none" / name, Trace("t", (LOAD, CHECK)))
