"""`int8sim nvdla-trace` and `nvdla-convert`, in process."""

import json
import zlib

import numpy as np
import pytest

from int8sim.formats.nvdla_dat import read_dat

BASE = 0x90000000
CUBE = np.arange(-32, 32, dtype=np.int8)
"""8 channels, 2 rows, 4 columns as they lie in memory."""

OUTPUT = np.clip(CUBE.astype(int) * 5, -128, 127).astype(np.int8).tobytes()
GOLDEN = zlib.crc32(OUTPUT)

CUBES = {f"{block}.D_DATA_CUBE_{axis}": n for block in ("SDP", "SDP_RDMA") for axis, n in (("WIDTH", 3), ("HEIGHT", 1))}
REGISTERS = {
    **CUBES,
    "SDP.D_DATA_CUBE_CHANNEL": 7,
    "SDP_RDMA.D_DATA_CUBE_CHANNEL": 7,
    "SDP.D_DST_BASE_ADDR_LOW": BASE,
    "SDP.D_DST_LINE_STRIDE": 32,
    "SDP.D_DST_SURFACE_STRIDE": 64,
    "SDP.D_DP_BS_CFG": 0x42,
    "SDP.D_DP_BS_MUL_SRC_VALUE": 5,
    "SDP.D_DP_EW_CFG": 1,
    "SDP.D_FEATURE_MODE_CFG": 0,
    "SDP.D_DATA_FORMAT": 0,
    "SDP.D_CVT_SCALE": 1,
    "SDP_RDMA.D_FEATURE_MODE_CFG": 0,
    "SDP_RDMA.D_SRC_BASE_ADDR_LOW": 0x80000000,
    "SDP_RDMA.D_SRC_LINE_STRIDE": 32,
    "SDP_RDMA.D_SRC_SURFACE_STRIDE": 64,
    "SDP.D_OP_ENABLE": 1,
    "SDP_RDMA.D_OP_ENABLE": 1,
}
"""x * 5, from memory to memory."""


@pytest.fixture
def npz(tmp_path):
    """Write a trace; returns its path."""

    def write(name="t.npz", golden=GOLDEN, **changes):
        registers = {**REGISTERS, **{register.replace("__", "."): value for register, value in changes.items()}}
        np.savez(
            tmp_path / name,
            in_addr=0x80000000 + np.arange(64),
            in_byte=CUBE.view(np.uint8),
            reg_names=np.array([f"NVDLA_{register}" for register in registers]),
            reg_values=np.array(list(registers.values())),
            crc_base=BASE,
            crc_size=64,
            crc_golden=golden,
        )
        return tmp_path / name

    return write


@pytest.fixture
def with_file(npz, command, tmp_path):
    """The same as .cfg, its window checked against a file with one byte changed."""
    command("nvdla-convert", npz(), tmp_path / "t.cfg")
    text = (tmp_path / "t.cfg").read_text()
    changed = bytearray(OUTPUT)
    changed[11] ^= 1
    payload = " ".join(f"0x{byte:02x}" for byte in changed)
    (tmp_path / "golden.dat").write_text(f"{{\n{{offset:0x0, size:64, payload:{payload}}}\n}}\n")
    check = f'check_file(sync_id_0, pri_mem, {BASE:#x}, 0x40, "golden.dat");\n'
    (tmp_path / "t.cfg").write_text(text[: text.index("check_crc")] + check)
    return tmp_path / "t.cfg"


def test_a_trace_that_passes(command, npz):
    status, out, err = command("nvdla-trace", npz())
    assert (status, err) == (0, "")
    assert "SDP, SDP_RDMA of nv_small" in out
    assert "4 x 2 x 8 at 0x80000000" in out
    assert "* 5, >> 0" in out
    assert f"CRC-32 of 64 bytes at 0x90000000: computed {GOLDEN:08x}, golden {GOLDEN:08x}: OK" in out


def test_another_crc(command, npz):
    status, out, err = command("nvdla-trace", npz(golden=GOLDEN ^ 1))
    assert (status, err) == (1, "")
    assert f"computed {GOLDEN:08x}, golden {GOLDEN ^ 1:08x}: FAILED" in out


def test_as_json(command, npz):
    status, out, _ = command("nvdla-trace", npz(golden=1), "--json")
    content = json.loads(out)
    assert status == 1
    assert content["hardware"] == "nv_small"
    (trace,) = content["traces"]
    assert (trace["result"], trace["error"]) == ("FAILED", None)
    assert trace["operations"][0]["blocks"] == ["SDP", "SDP_RDMA"]
    window = {"address": BASE, "size": 64, "different": []}
    assert trace["checks"] == [{**window, "computed": GOLDEN, "golden": 1, "passed": False}]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SDP__D_DATA_FORMAT": 5}, "NVDLA_SDP.D_DATA_FORMAT = 0x5"),
        ({"SDP__D_DP_EW_CFG": 0}, "NVDLA_SDP.D_DP_EW_CFG = 0x0"),
        ({"CDP__D_OP_ENABLE": 1}, "NVDLA_CDP.D_OP_ENABLE = 0x1"),
        ({"SDP_RDMA__D_OP_ENABLE": 0}, "NVDLA_SDP_RDMA, not enabled"),
    ],
)
def test_registers_that_are_not_covered(command, npz, changes, named):
    status, out, err = command("nvdla-trace", npz(**changes))
    assert (status, out) == (2, "")
    assert named in " ".join(err.split())
    assert "Traceback" not in err


def test_several_files_and_their_summary(command, npz, tmp_path):
    files = [npz(), npz("bad.npz", golden=7), npz("ew.npz", SDP__D_DP_EW_CFG=0), tmp_path / "none.npz"]
    status, out, _ = command("nvdla-trace", *files)
    assert status == 2
    assert "4 traces: 1 OK, 1 FAILED, 2 ERROR" in out
    text = " ".join(out.split())
    assert "D_DP_EW_CFG = 0x0" in text
    assert "No such file" in text
    assert command("nvdla-trace", *files[:2])[0] == 1
    assert command("nvdla-trace", files[0], files[0])[0] == 0


def test_several_files_as_json(command, npz, tmp_path):
    _, out, _ = command("nvdla-trace", npz(), tmp_path / "none.npz", "--json")
    traces = json.loads(out)["traces"]
    assert [trace["result"] for trace in traces] == ["OK", "ERROR"]
    assert "No such file" in traces[1]["error"]


def test_the_window_as_dat_and_as_bytes(command, npz, tmp_path):
    assert command("nvdla-trace", npz(), "--dump", tmp_path / "out.dat")[0] == 0
    assert b"".join(payload for _, payload in read_dat(tmp_path / "out.dat")) == OUTPUT
    assert command("nvdla-trace", npz(golden=1), "--dump", tmp_path / "out.bin")[0] == 1
    assert (tmp_path / "out.bin").read_bytes() == OUTPUT


@pytest.mark.parametrize("place", ["0x90000009", "1,0,1"])
def test_how_a_byte_came_about(command, npz, place):
    status, out, _ = command("nvdla-trace", npz(), "--explain", place)
    assert status == 0
    assert "0x90000009: c=1, y=0, x=1" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["SDP", "input", str(CUBE[9])] in lines
    assert ["X1", "MUL", "operand", "5"] in lines
    assert ["output", "converter", str(CUBE[9] * 5)] in lines


def test_how_a_byte_came_about_as_json(command, npz):
    content = json.loads(command("nvdla-trace", npz(), "--explain", "0,0,0", "--json")[1])
    assert content["explained"][0] == ["SDP input", -32]
    assert content["explained"][-1] == ["output converter", -128]


def test_the_first_byte_that_differs_is_explained(command, with_file):
    status, out, _ = command("nvdla-trace", with_file)
    assert status == 1
    assert "64 bytes at 0x90000000: 1 differ from the golden file, the first at 0x9000000b: FAILED" in out
    assert "0x9000000b: c=3, y=0, x=1" in out


def test_other_hardware(command, npz):
    status, out, _ = command("nvdla-trace", npz(), "--hardware", "64/32/8")
    assert status == 0
    assert "of 64/32/8" in out
    status, _, err = command("nvdla-trace", npz(), "--hardware", "nv_huge")
    assert status == 2
    assert "nv_small" in err


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("--explain", "0x10"), "one of an output"),
        (("--explain", "8,0,0"), "channel,row,column below"),
        (("--dump", "none/out.dat"), "out.dat"),
    ],
)
def test_options_that_cannot_be_met(command, npz, monkeypatch, tmp_path, arguments, what):
    monkeypatch.chdir(tmp_path)
    status, _, err = command("nvdla-trace", npz(), *arguments)
    assert status == 2
    assert what in " ".join(err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.npz"]


@pytest.mark.parametrize("option", ["--explain", "--dump"])
def test_options_for_one_file(command, npz, option):
    status, _, err = command("nvdla-trace", npz(), npz(), option, "0,0,0")
    assert status == 2
    assert "one, with --explain or --dump" in " ".join(err.split())


def test_a_window_among_several_is_not_dumped(command, npz, tmp_path):
    command("nvdla-convert", npz(), tmp_path / "t.cfg")
    text = (tmp_path / "t.cfg").read_text()
    (tmp_path / "t.cfg").write_text(text + text[text.index("check_crc") :])
    status, _, err = command("nvdla-trace", tmp_path / "t.cfg", "--dump", tmp_path / "out.dat")
    assert status == 2
    assert "one window" in err
    assert not (tmp_path / "out.dat").exists()


def test_a_trace_that_checks_nothing(command, tmp_path):
    (tmp_path / "t.cfg").write_text("check_nothing(sync_id_0);\n")
    status, out, _ = command("nvdla-trace", tmp_path / "t.cfg")
    assert (status, out) == (0, "no golden CRC or file: the trace says check_nothing\n")
    (tmp_path / "t.cfg").write_text("intr_notify(SDP_0, sync_id_0);\n")
    status, _, err = command("nvdla-trace", tmp_path / "t.cfg")
    assert status == 2
    assert "cut off" in err


@pytest.mark.parametrize("name", ["t.npz", "t.cfg", "t.txt"])
def test_damaged_files(command, tmp_path, name):
    (tmp_path / name).write_bytes(b"PK\x03\x04 no trace")
    for arguments in (("nvdla-trace", tmp_path / name), ("nvdla-convert", tmp_path / name, tmp_path / "out.npz")):
        status, out, err = command(*arguments)
        assert (status, out) == (2, "")
        assert name in err
        assert "Traceback" not in err
    assert not (tmp_path / "out.npz").exists()


def test_both_forms_pass(command, npz, tmp_path):
    assert "wrote" in command("nvdla-convert", npz(), tmp_path / "t.cfg")[1]
    assert command("nvdla-trace", tmp_path / "t.cfg")[0] == 0
    content = json.loads(command("nvdla-convert", tmp_path / "t.cfg", tmp_path / "again.npz", "--json")[1])
    assert content == {"output": str(tmp_path / "again.npz"), "commands": len(REGISTERS) + 4}
    assert command("nvdla-trace", tmp_path / "again.npz")[0] == 0


def test_what_cannot_be_converted(command, with_file, tmp_path):
    for name, what in (("out.npz", "one check_crc"), ("out.txt", "allowed: .npz"), ("none/out.cfg", "none")):
        status, _, err = command("nvdla-convert", with_file, tmp_path / name)
        assert status == 2
        assert what in " ".join(err.split())
        assert not (tmp_path / name).exists()


@pytest.mark.witness
def test_nvidias_traces(command, oracle_folder, compared):
    files = sorted((oracle_folder / "nvdla" / "traces").glob("*.npz"))
    status, out, _ = command("nvdla-trace", *files, "--json")
    traces = json.loads(out)["traces"]
    assert status == 0
    for file, trace in zip(files, traces, strict=True):
        with np.load(file) as arrays:
            assert [check["computed"] for check in trace["checks"]] == [int(arrays["crc_golden"])]
    compared(len(traces), least=22, what="CRC-32 of traces")
