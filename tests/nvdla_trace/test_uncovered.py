"""What the player does not compute is an error that names registers and values, never a CRC."""

import numpy as np
import pytest

from int8sim.formats.nvdla_commands import RegWrite, Trace, Wait
from int8sim.model.errors import UncoveredRegistersError
from int8sim.nvdla_trace.hardware import hardware
from int8sim.nvdla_trace.play import play

from .layers import Conv, Pool, Sdp, Stage, trace

CUBE = np.arange(-96, 96).reshape(16, 3, 4)
CONV = Conv(CUBE.astype(np.int8), np.ones((5, 16, 2, 2), np.int8), pads=(1, 1, 0, 0))
BEHIND = Sdp(CONV.output)
ALONE = Sdp(CUBE.shape, CUBE)
STAGED = Sdp(CUBE.shape, CUBE, x1=Stage(alu=1, mul=2), x2=Stage(alu=CUBE[:, :1, :1], mul=CUBE[:, :1, :1]))
POOLED = Pool(CUBE.shape, 0, (2, 2), CUBE)
FUSED = Pool(CUBE.shape, 1, (2, 2))


def refused(*layers, changes=None, name="nv_small"):
    with pytest.raises(UncoveredRegistersError) as caught:
        play(trace(*layers, changes=changes), hardware(name))
    return caught.value


def check(error, changes, what):
    """Every changed register and its value are named."""
    for register, value in changes.items():
        assert error.registers[f"NVDLA_{register}"] == value
        assert f"NVDLA_{register} = {value:#x}" in str(error)
    assert what in str(error)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"CDMA.D_MISC_CFG": 0x100}, "int8 features directly"),
        ({"CDMA.D_MISC_CFG": 0x1000}, "int8 features"),
        ({"CDMA.D_MISC_CFG": 1}, "directly"),
        ({"CDMA.D_MISC_CFG": 0x10000}, "read anew"),
        ({"CSC.D_MISC_CFG": 0x100000}, "read anew"),
        ({"CMAC_A.D_MISC_CFG": 0x2000}, "int8"),
        ({"CMAC_B.D_MISC_CFG": 1}, "directly"),
        ({"CACC.D_MISC_CFG": 0x1000}, "int8"),
        ({"CDMA.D_DATAIN_FORMAT": 0x1}, "features"),
        ({"CSC.D_DATAIN_FORMAT": 0x1}, "features"),
        ({"CDMA.D_WEIGHT_FORMAT": 0x1}, "uncompressed"),
        ({"CDMA.D_BATCH_NUMBER": 0x1}, "one batch"),
        ({"CSC.D_BATCH_NUMBER": 0x1}, "one batch"),
        ({"CACC.D_BATCH_NUMBER": 0x1}, "one batch"),
        ({"CSC.D_POST_Y_EXTENSION": 0x1}, "directly"),
        ({"CSC.D_DATAIN_SIZE_EXT_0": 0x20004}, "must agree"),
        ({"CSC.D_DATAIN_SIZE_EXT_1": 0x7}, "must agree"),
        ({"CSC.D_ATOMICS": 0x3}, "must agree"),
        ({"CSC.D_DATAOUT_SIZE_1": 0x5}, "must agree"),
        ({"CACC.D_DATAOUT_SIZE_0": 0x20002}, "must agree"),
        ({"CDMA.D_WEIGHT_SIZE_0": 0x1F}, "must agree"),
        ({"CDMA.D_WEIGHT_SIZE_1": 0x5}, "must agree"),
        ({"CDMA.D_WEIGHT_BYTES": 0x100}, "320 bytes of weights"),
        ({"CSC.D_WEIGHT_BYTES": 0x100}, "320 bytes of weights"),
        ({"CDMA.D_DAIN_ADDR_LOW_0": 0x1004}, "multiples of 8"),
        ({"CDMA.D_WEIGHT_ADDR_LOW": 0x100001}, "multiples of 8"),
        ({"CDMA.D_DAIN_ADDR_HIGH_0": 0x1}, "32 bits"),
        ({"CDMA.D_LINE_STRIDE": 0x24}, "multiples of 8"),
        ({"CDMA.D_SURF_STRIDE": 0x61}, "multiples of 8"),
        ({"CDMA.D_DAIN_MAP": 0x1, "CDMA.D_LINE_STRIDE": 0x40}, "packed lines need the stride 0x20"),
        ({"SDP.D_DATA_CUBE_WIDTH": 0x2}, "CACC hands on 5 channels of (3, 4)"),
        ({"SDP.D_FEATURE_MODE_CFG": 0x0}, "a convolution is enabled"),
    ],
)
def test_convolutions(changes, what):
    check(refused(CONV, BEHIND, changes=changes), changes, what)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"SDP.D_DATA_FORMAT": 0x1}, "int8"),
        ({"SDP.D_DATA_FORMAT": 0x4}, "int8"),
        ({"SDP.D_DP_EW_CFG": 0x2}, "no EW"),
        ({"SDP.D_FEATURE_MODE_CFG": 0x4}, "no Winograd"),
        ({"SDP.D_FEATURE_MODE_CFG": 0x100}, "one batch"),
        ({"SDP.D_FEATURE_MODE_CFG": 0x1}, "waits for a convolution"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x1}, "must agree"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x2}, "no Winograd"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x4}, "no 16 bits"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x10}, "no 16 bits"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x40}, "no 16 bits"),
        ({"SDP_RDMA.D_FEATURE_MODE_CFG": 0x100}, "one batch"),
        ({"SDP_RDMA.D_DATA_CUBE_HEIGHT": 0x4}, "must agree"),
        ({"SDP_RDMA.D_SRC_LINE_STRIDE": 0x21}, "multiples of 8"),
        ({"SDP.D_DST_SURFACE_STRIDE": 0x61}, "multiples of 8"),
        ({"SDP.D_DST_BASE_ADDR_LOW": 0x300001}, "multiples of 8"),
        ({"SDP.D_DP_BS_ALU_CFG": 0x1}, "not enabled"),
        ({"SDP.D_DP_BS_MUL_CFG": 0x4000}, "0 .. 63"),
        ({"SDP.D_DP_BS_CFG": 0xC}, "max, min and sum"),
        ({"SDP_RDMA.D_NRDMA_CFG": 0x1}, "not enabled"),
        ({"SDP_RDMA.D_NRDMA_CFG": 0x0}, "ALU and MUL"),
        ({"SDP_RDMA.D_NRDMA_CFG": 0x6}, "ALU and MUL"),
    ],
)
def test_sdp(changes, what):
    check(refused(STAGED, changes=changes), changes, what)


def test_an_unused_algorithm_is_not_refused():
    """D_DP_BS_CFG of bypassed units holds anything in NVIDIA's traces."""
    played = play(trace(ALONE, changes={"SDP.D_DP_BS_CFG": 0xD, "SDP.D_DP_BS_MUL_CFG": 0xFF01}))
    assert played.memory.read(ALONE.base, 8).tobytes() == CUBE.transpose(1, 2, 0)[0, 0, :8].astype(np.int8).tobytes()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"PDP.D_DATA_FORMAT": 0x1}, "int8"),
        ({"PDP_RDMA.D_DATA_FORMAT": 0x1}, "int8"),
        ({"PDP.D_OPERATION_MODE_CFG": 0x110}, "no split"),
        ({"PDP_RDMA.D_OPERATION_MODE_CFG": 0x1}, "no split"),
        ({"PDP.D_OPERATION_MODE_CFG": 0x13}, "0, 1, 2"),
        ({"PDP.D_OPERATION_MODE_CFG": 0x0}, "must agree"),
        ({"PDP_RDMA.D_FLYING_MODE": 0x0}, "must agree"),
        ({"PDP.D_DATA_CUBE_OUT_CHANNEL": 0x7}, "must agree"),
        ({"PDP_RDMA.D_DATA_CUBE_IN_WIDTH": 0x7}, "must agree"),
        ({"PDP.D_DATA_CUBE_OUT_WIDTH": 0x3}, "3 x 2 windows"),
        ({"PDP.D_POOLING_KERNEL_CFG": 0x109}, "at most 8"),
        ({"PDP.D_POOLING_PADDING_CFG": 0x12}, "5 x 3 windows"),
        ({"PDP.D_DST_LINE_STRIDE": 0x19}, "multiples of 8"),
        ({"PDP_RDMA.D_SRC_SURFACE_STRIDE": 0x61}, "multiples of 8"),
    ],
)
def test_pooling(changes, what):
    check(refused(POOLED, changes=changes), changes, what)


def test_windows_without_a_cell():
    layer = Pool((8, 1, 1), 1, (2, 2), np.ones((8, 1, 1), int), strides=(1, 1), pads=(3, 3, 3, 3))
    error = refused(layer)
    assert "needs a cell of the input" in str(error)
    assert "NVDLA_PDP.D_POOLING_PADDING_CFG" in error.registers


@pytest.mark.parametrize(
    ("kernel", "stride", "limit"),
    [(1, 1, 128), (2, 2, 128), (2, 1, 64), (3, 2, 64), (3, 1, 32), (4, 1, 32), (8, 2, 32), (5, 1, 16), (8, 1, 16)],
)
def test_the_line_buffer_of_nv_small(kernel, stride, limit):
    """Rows of output under way share eight buffers of 16 columns."""

    def layer(columns):
        shape = 8, kernel, columns
        return Pool(shape, 1, (kernel, 1), np.zeros(shape, int), strides=(stride, 1))

    assert play(trace(layer(limit))).operations
    error = refused(layer(limit + 1))
    assert error.registers["NVDLA_PDP.D_DATA_CUBE_OUT_WIDTH"] == limit
    assert f"holds {limit} columns" in str(error)
    wide = Pool((32, kernel, limit + 1), 1, (kernel, 1), np.zeros((32, kernel, limit + 1), int), atom=32)
    assert play(trace(wide), hardware("nv_large")).operations


def test_pooling_behind_sdp_of_another_size():
    before = Sdp(CUBE.shape, CUBE, to_pdp=True)
    error = refused(before, FUSED, changes={"PDP.D_DATA_CUBE_IN_CHANNEL": 7, "PDP.D_DATA_CUBE_OUT_CHANNEL": 7})
    assert error.registers["NVDLA_PDP.D_DATA_CUBE_IN_CHANNEL"] == 7
    assert "SDP hands on 4 x 3 x 16" in str(error)


@pytest.mark.parametrize(
    ("layers", "missing"),
    [
        ((CONV,), "NVDLA_SDP"),
        ((BEHIND,), "waits for a convolution"),
        ((FUSED,), "needs NVDLA_PDP_RDMA"),
        ((Sdp(CUBE.shape, CUBE, to_pdp=True),), "needs NVDLA_PDP,"),
    ],
)
def test_pipelines_without_a_block(layers, missing):
    assert missing in str(refused(*layers))


@pytest.mark.parametrize("block", ["CDMA", "CSC", "CMAC_A", "CMAC_B", "CACC"])
def test_a_convolution_without_a_block(block):
    source = trace(CONV, BEHIND)
    kept = [each for each in source.commands if getattr(each, "block", "") != f"NVDLA_{block}"]
    with pytest.raises(UncoveredRegistersError, match=f"needs NVDLA_{block}, not enabled"):
        play(Trace("t", tuple(kept)))


@pytest.mark.parametrize(
    ("block", "register", "what"),
    [
        ("NVDLA_CDP", "D_OP_ENABLE", "the player has the blocks CDMA"),
        ("NVDLA_RUBIK", "D_MISC_CFG", "the player has the blocks"),
        ("NVDLA_BDMA", "CFG_CMD", "the player has the blocks"),
        ("NVDLA_SDP", "D_CVT_SHFT", "no such register"),
        ("NVDLA_SDP", "RDMA_D_X", "no such register"),
    ],
)
def test_blocks_and_registers_that_are_unknown(block, register, what):
    with pytest.raises(UncoveredRegistersError, match=what) as caught:
        play(Trace("t", (RegWrite(block, register, 7), Wait("check_nothing", ()))))
    assert caught.value.registers == {f"{block}.{register}": 7}


ENDLESS = [(ALONE, ("SDP", "SDP_RDMA"), ""), (POOLED, ("PDP", "PDP_RDMA"), "IN_")]


@pytest.mark.parametrize(("layer", "blocks", "of"), ENDLESS)
def test_cubes_beyond_all_memory(layer, blocks, of):
    """A damaged size is an error before memory is filled with it."""
    changes = {f"{block}.D_DATA_CUBE_{of}{axis}": 0x1FFF for block in blocks for axis in ("WIDTH", "HEIGHT")}
    assert "at most 67,108,864 are played" in str(refused(layer, changes=changes))


def test_other_hardware_has_other_alignments():
    layer = Sdp((32, 3, 4), np.zeros((32, 3, 4), int), atom=32, base=0x300020)
    assert play(trace(layer), hardware("nv_large")).operations
    assert "multiples of 32" in str(refused(ALONE, name="nv_large", changes={"SDP.D_DST_BASE_ADDR_LOW": 0x300008}))


def test_addresses_beyond_32_bits_where_the_hardware_has_them():
    layer = Sdp((32, 1, 1), np.arange(32).reshape(32, 1, 1), atom=32)
    played = play(trace(layer, changes={"SDP.D_DST_BASE_ADDR_HIGH": 3}), hardware("nv_large"))
    assert played.memory.read((3 << 32) + layer.base, 32).tobytes() == bytes(range(32))
