"""NVDLA loadables: every integer of files that an independent writer made, and files that are none."""

import ctypes
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.importers import nvdla_loadable_structs as structs
from int8sim.importers.nvdla_loadable import Atoms, read_loadable
from int8sim.model.errors import ModelBytesError, NotAModelError

from .loadable_writer import (
    Common,
    Converter,
    Convolution,
    ConvolutionSurfaces,
    Cube,
    File,
    Network,
    Op,
    Pdp,
    Sdp,
    SdpSurfaces,
    Stage,
    TwoSurfaces,
)

RNG = np.random.default_rng(0)
WEIGHT = RNG.integers(-128, 128, (11, 3, 2, 4), dtype=np.int8)
BIAS = RNG.integers(-(1 << 15), 1 << 15, 11, dtype=np.int16)
PAIRS = RNG.integers(-(1 << 15), 1 << 15, (11, 2), dtype=np.int16)


def packed(weight, atom_c, atom_k):
    """The weights in memory, written as the loops that describe it."""
    kernels, channels, rows, columns = weight.shape
    values = [
        int(weight[k, c, r, s])
        for group in range(0, kernels, atom_k)
        for block in range(0, channels, atom_c)
        for r in range(rows)
        for s in range(columns)
        for k in range(group, min(group + atom_k, kernels))
        for c in range(block, min(block + atom_c, channels))
    ]
    return struct.pack(f"{len(values)}b", *values) + bytes(-len(values) % 8)


BLOBS = {"tb-0": packed(WEIGHT, 8, 8), "tb-1": BIAS.tobytes(), "tb-2": PAIRS.tobytes()}
OUT = Cube(type=0, address=4, width=5, height=6, channel=11, line=5 * 8, surf=5 * 6 * 8)
STREAM = Cube(type=2, address=-1)


def convolution(**changes):
    fields = {
        "data_format": 36,
        "batch": 1,
        "data_bank": 2,
        "weight_bank": 1,
        "kernel_w": 4,
        "kernel_h": 2,
        "kernel_c": 3,
        "in_w": 8,
        "in_h": 7,
        "in_c": 3,
        "bytes_per_kernel": 24,
        "stride_x": 1,
        "stride_y": 2,
        "left": 1,
        "right": 2,
        "top": 3,
        "bottom": 4,
        "dilation_x": 5,
        "dilation_y": 6,
        "pad_val": -7,
        "in_cvt": Converter(1, 0, 1, 0),
        "out_cvt": Converter(2, 3, 1, -4),
    }
    surfaces = ConvolutionSurfaces(weight=Cube(address=1, size=len(BLOBS["tb-0"])), src=Cube(address=4), dst=STREAM)
    return Op(1, Convolution(**(fields | changes)), surfaces)


def sdp(stage, operands=0, fused=-1, source=STREAM, **changes):
    surfaces = SdpSurfaces(src=source, x1=Cube(address=operands), x2=STREAM, y=STREAM, dst=OUT)
    desc = Sdp(lut=-1, batch=1, out_cvt=Converter(16557, 23, 1, 0), x1=stage, **changes)
    return Op(2, desc, surfaces, fused)


BIAS_STAGE = Stage(enable=1, alu=2, type=2, mode=1, act=1, shift=3, precision=1, mul_operand=1)
PER_FILTER = Stage(enable=1, alu=2, type=3, mode=1, truncate=21, precision=1)
ELTWISE = Stage(enable=1, alu=2, type=2, mode=2, precision=0)
POOL = Op(
    3,
    Pdp(split=1, mode=1, width=2, height=1, stride_x=3, stride_y=4, padding=(1, 2, 3, 4, 5, 6, -7)),
    TwoSurfaces(dst=OUT),
)
SOFTMAX = struct.pack("<B3xffB", 1, 0.25, 0.0078125, 1).ljust(24, b"\0")


def whole():
    ops = [
        convolution(),
        sdp(BIAS_STAGE, 2, 0),
        convolution(),
        sdp(PER_FILTER, 3, 2),
        sdp(ELTWISE, 4, source=OUT),
        POOL,
    ]
    return File(ops, BLOBS, [SOFTMAX])


CONTENT = whole().content()


@pytest.fixture
def read(tmp_path):
    def reader(file):
        path = tmp_path / "file.nvdla"
        path.write_bytes(file if isinstance(file, bytes) else file.content())
        return read_loadable(path)

    return reader


def test_the_structs_are_as_large_as_the_headers_say():
    pairs = [
        (structs.NETWORK, Network, 40),
        (structs.COMMON, Common, 36),
        (structs.CUBE, Cube, 32),
        (structs.CONVOLUTION, Convolution, 92),
        (structs.SDP, Sdp, structs.OPERATION_SIZE),
        (structs.PDP, Pdp, 52),
    ]
    for layout, struct_class, size in pairs:
        assert layout.size == ctypes.sizeof(struct_class) == size
    assert structs.SURFACE_SIZE == 4 + 20 * 32
    assert structs.EMU_OPERATION_SIZE == 24


def test_a_whole_file(read):
    loadable = read(whole())
    assert loadable.version == (0, 7, 0)
    assert loadable.atoms == Atoms(8, 8)
    assert [each.engine for each in loadable.operations] == ["CONV", "SDP", "CONV", "SDP", "SDP", "PDP", "EMU softmax"]
    assert [each.task for each in loadable.operations] == [0] * 6 + [1]
    assert [each.index for each in loadable.operations] == [0, 1, 2, 3, 4, 5, 0]
    assert [each.fused_with for each in loadable.operations] == [-1, 0, -1, 2, -1, -1, -1]
    assert loadable.blobs["tb-1"].size == 22


def test_a_convolution(read):
    """Every field at its place, the weight unpacked."""
    found = read(whole()).operations[0]
    fields = found.fields
    assert [fields[f"{name}_csc"] for name in ("input_width", "input_height", "input_channel")] == [8, 7, 3]
    assert [fields[f"kernel_{name}_csc"] for name in ("width", "height", "channel")] == [4, 2, 3]
    assert [fields[f"conv_stride_{axis}"] for axis in "xy"] == [1, 2]
    assert [fields[f"pad_{side}"] for side in ("x_left", "x_right", "y_top", "y_bottom")] == [1, 2, 3, 4]
    assert [fields[f"dilation_{axis}"] for axis in "xy"] == [5, 6]
    assert (fields["pad_val"], fields["bytes_per_kernel"], fields["data_bank"], fields["weight_bank"]) == (-7, 24, 2, 1)
    assert fields["in_cvt"] == {"scale": 1, "truncate": 0, "enable": 1, "offset": 0}
    assert fields["out_cvt"] == {"scale": 2, "truncate": 3, "enable": 1, "offset": -4}
    assert np.array_equal(found.arrays["weight"], WEIGHT)
    assert found.cubes["weight_data"]["size"] == len(BLOBS["tb-0"])


def test_the_weights_of_a_larger_configuration(read):
    """32 bytes a pixel: 64 channels and 32 kernels at a time."""
    weight = RNG.integers(-128, 128, (40, 70, 1, 2), dtype=np.int8)
    conv = convolution(kernel_w=2, kernel_h=1, kernel_c=70, bytes_per_kernel=140)
    output = sdp(Stage(), fused=0)
    output.surfaces.dst = Cube(width=5, channel=40, line=5 * 32)
    loadable = read(File([conv, output], {"tb-0": packed(weight, 64, 32)}))
    assert loadable.atoms == Atoms(64, 32)
    assert np.array_equal(loadable.operations[0].arrays["weight"], weight)


@pytest.mark.parametrize(
    "changes", [{"in_precision": 2}, {"data_format": 12}, {"weight_format": 1}, {"conv_mode": 1}], ids=str
)
def test_a_weight_in_another_form_is_not_unpacked(read, changes):
    assert read(File([convolution(**changes), sdp(BIAS_STAGE, 2, 0)], BLOBS)).operations[0].arrays == {}


def test_a_bias_and_its_converter(read):
    found = read(whole()).operations[1]
    assert found.fields["out_cvt"] == {"scale": 16557, "truncate": 23, "enable": 1, "offset": 0}
    stage = found.fields["x1_op"]
    assert (stage["type"], stage["mode"], stage["act"], stage["shift_value"], stage["mul_operand"]) == (2, 1, 1, 3, 1)
    assert list(found.arrays) == ["x1_alu"]
    assert np.array_equal(found.arrays["x1_alu"], BIAS)
    assert found.cubes["dst_data"]["channel"] == 11


def test_operands_in_pairs(read):
    """Both units of a stage: the ALU's and the multiplier's operand for each channel."""
    found = read(whole()).operations[3]
    assert found.fields["x1_op"]["truncate"] == 21
    assert np.array_equal(found.arrays["x1_alu"], PAIRS[:, 0])
    assert np.array_equal(found.arrays["x1_mul"], PAIRS[:, 1])


def test_operands_of_one_byte_and_of_the_multiplier(read):
    stage = Stage(enable=1, type=1, mode=1, precision=0)
    values = np.arange(-5, 6, dtype=np.int8)
    found = read(File([sdp(stage, 1)], {"tb-0": values.tobytes()})).operations[0]
    assert np.array_equal(found.arrays["x1_mul"], values)


def test_a_sum_has_no_operands_in_the_file(read):
    found = read(whole()).operations[4]
    assert found.arrays == {}
    assert found.fields["x1_op"]["mode"] == 2


def test_a_pool(read):
    fields = read(whole()).operations[5].fields
    assert [fields[name] for name in ("pool_mode", "pool_width", "pool_height", "stride_x", "stride_y")] == [
        1,
        2,
        1,
        3,
        4,
    ]
    assert fields["padding_value"] == [1, 2, 3, 4, 5, 6, -7]


def test_the_emulated_softmax(read):
    fields = read(whole()).operations[6].fields
    assert fields == {"op_type": 1, "input_scale_factor": 0.25, "output_scale_factor": 0.0078125, "axis": 1}


def test_the_emulated_power(read):
    power = struct.pack("<B3x5f", 0, 0.5, 0.25, 2.0, 3.0, 4.0)
    (found,) = read(File([], {}, [power])).operations
    assert found.engine == "EMU power"
    assert [found.fields[name] for name in ("power", "scale", "shift")] == [2.0, 3.0, 4.0]


def changed_op(position, **changes):
    file = whole()
    for name, value in changes.items():
        setattr(file.ops[position], name, value)
    return file


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (File([], identifier=b"TFL3"), r"bytes 4 to 7 are b'TFL3'; a loadable of NVDLA's compiler has b'NVDA'"),
        (b"", "bytes 4 to 7 are b''"),
        (File([], version=(0, 6, 1)), r"at byte \d+: the loadable has version 0.6.1; 0.7.0 is read"),
        (File([], firmware=(0, 11, 2)), r"at byte \d+: blob 'task-0-addr0' is for firmware 0.11.2; 0.12 is read"),
        (File([], interface=5), "task 0 is for interface 5"),
        (changed_op(0, type=6), "operation 0 has type 6; there are 6"),
        (changed_op(1, fused=6), "operation 1 is fused with 6, of 6 operations"),
        (
            File([sdp(BIAS_STAGE, 2)], {"a": b"", "b": bytes(21)}),
            "x1's operands of operation 0 needs 22 bytes of blob 'b'",
        ),
        (File([sdp(BIAS_STAGE, 1)]), "x1's operands of operation 0 is in a memory that the file does not fill"),
        (File([sdp(BIAS_STAGE, 99)]), r"x1_data of operation 0 is at place 99 of task 0's \d+ addresses"),
        (File([sdp(Stage(enable=1, type=1, mode=1, precision=3), 1)], {"a": bytes(99)}), "precision 3; there are 3"),
        (File([convolution(bytes_per_kernel=25), sdp(BIAS_STAGE, 2, 0)], BLOBS), "has 25 bytes a kernel"),
        (
            File([convolution(), sdp(BIAS_STAGE, 2, 0)], BLOBS | {"tb-0": bytes(200)}),
            r"weight \[11, 3, 2, 4\] .* needs 264",
        ),
        (File([], {}, [struct.pack("<B23x", 7)]), "emulated operation 0 has type 7; there are 2"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_none(read, file, message):
    with pytest.raises(NotAModelError, match=message):
        read(file)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(NotAModelError, match="No such file"):
        read_loadable(tmp_path / "none.nvdla")


def test_every_cut_is_an_error_with_its_place(read):
    """All of the file is needed, but for what ends in padding."""
    for length in range(8, len(CONTENT) - 64, 37):
        with pytest.raises(ModelBytesError, match=r"at byte \d+: .*is this a complete loadable"):
            read(CONTENT[:length])


@given(st.integers(0, len(CONTENT) - 1), st.integers(0, 255))
def test_damage_is_an_error_or_another_number(place, value):
    """One byte changed anywhere: the file is read, or refused by name."""
    content = bytearray(CONTENT)
    content[place] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.nvdla"
        path.write_bytes(content)
        with suppress(NotAModelError):
            assert len(read_loadable(path).operations) <= 1 << 16
