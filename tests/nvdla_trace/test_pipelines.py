"""Synthetic traces: memory after playing against the slow model, byte by byte."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.nvdla_trace.hardware import hardware
from int8sim.nvdla_trace.play import play

from . import slow
from .layers import Conv, Pool, Sdp, Stage, filled, trace, with_golden

SMALL = st.integers(1, 3)
GAPS = st.tuples(st.integers(0, 2), st.integers(0, 2))
HARDWARE = {8: "nv_small", 32: "nv_large"}
RECIPROCALS = (0x10000, 0x8000, 0x5555, 0x4000, 0x3333, 0x2AAA, 0x2492, 0x2000)
"""Of 1 .. 8, as NVIDIA's driver has them."""


def integers(rng, bits, *shape):
    return rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), shape)


def check(*layers, expected, name="nv_small"):
    """Play the layers; memory and CRC must be the slow model's. Returns the number of bytes."""
    place = layers[-1].place
    golden = slow.window(place, expected)
    played = play(with_golden(trace(*layers), zlib.crc32(golden)), hardware(name))
    assert played.memory.read(place.base, place.size).tobytes() == golden
    assert played.passed
    return place.size


@st.composite
def seeds(draw):
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


@st.composite
def convolutions(draw):
    """Any stride, dilation, padding, converter, truncation, and both sizes of hardware."""
    rng, atoms = draw(seeds()), draw(st.sampled_from([(8, 8, 8), (64, 32, 32)]))
    kernel = draw(st.tuples(SMALL, SMALL))
    dilations = draw(st.tuples(SMALL, SMALL))
    windows = [(size - 1) * step + 1 for size, step in zip(kernel, dilations, strict=True)]
    pads = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(window - before - after, 1) for window, before, after in zip(windows, pads, pads[2:], strict=False)]
    size = [draw(st.integers(low, low + 3)) for low in least]
    channels, kernels = draw(st.integers(1, 10)), draw(st.integers(1, 10))
    return Conv(
        cube=integers(rng, 8, channels, *size).astype(np.int8),
        weights=integers(rng, 8, kernels, channels, *kernel).astype(np.int8),
        strides=draw(st.tuples(SMALL, SMALL)),
        dilations=dilations,
        pads=pads,
        pad_register=draw(st.integers(0, 0xFFFF)),
        converter=draw(st.none() | st.tuples(st.integers(-300, 300), st.integers(-400, 400), st.integers(0, 12))),
        truncate=draw(st.integers(0, 16)),
        gaps=draw(GAPS),
        atoms=atoms,
    )


@st.composite
def stages(draw, shape, rng, base):
    """None, or a stage with operands from registers, per kernel or per element, of 1 or 2 bytes."""
    if draw(st.booleans()):
        return None
    element = draw(st.sampled_from([1, 2]))
    spread = draw(st.sampled_from([(1, 1), shape[1:]]))

    def operand(bits):
        kind = draw(st.sampled_from(["none", "register", "memory"]))
        if kind == "memory":
            return integers(rng, 8 * element, shape[0], *spread)
        return draw(st.integers(-(2**bits), 2**bits - 1)) if kind == "register" else None

    return Stage(
        alu=operand(15),
        algorithm=draw(st.integers(0, 2)),
        alu_shift=draw(st.integers(0, 20)),
        mul=operand(12),
        mul_shift=draw(st.integers(0, 20)),
        prelu=draw(st.booleans()),
        relu=draw(st.booleans()),
        element=element,
        gaps=draw(GAPS) if spread != (1, 1) else (0, 0),
        base=base,
    )


@st.composite
def sdps(draw, shape=None, atom=None, **fixed):
    """SDP from memory, or of a given shape behind something."""
    rng, atom = draw(seeds()), atom or draw(st.sampled_from([8, 32]))
    alone = shape is None
    shape = shape or (draw(st.integers(1, 20)), draw(SMALL), draw(st.integers(1, 4)))
    whole = (filled(shape[0], atom), *shape[1:])
    return Sdp(
        shape=shape,
        cube=integers(rng, 8, *whole) if alone else None,
        x1=draw(stages(whole, rng, 0x200000)),
        x2=draw(stages(whole, rng, 0x280000)),
        offset=draw(st.integers(-1000, 1000) | st.integers(-(2**31), 2**31 - 1)),
        scale=draw(st.integers(-(2**15), 2**15 - 1)),
        shift=draw(st.integers(0, 30)),
        atom=atom,
        gaps=draw(GAPS) if shape[1:] != (1, 1) else (0, 0),
        source_gaps=draw(GAPS) if shape[1:] != (1, 1) else (0, 0),
        **fixed,
    )


@st.composite
def pools(draw, shape=None, atom=None):
    """Any method, kernel, stride and padding that leaves each window a cell; narrow enough for one line buffer."""
    rng, atom = draw(seeds()), atom or draw(st.sampled_from([8, 32]))
    alone = shape is None
    shape = shape or (draw(st.integers(1, 20)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    pads, kernel = [], []
    for size in shape[1:]:
        kernel.append(draw(st.integers(1, 8)))
        before = draw(st.integers(max(0, kernel[-1] - size - 7), min(kernel[-1] - 1, 7)))
        least = max(0, kernel[-1] - size - before)
        pads.append((before, draw(st.integers(least, max(least, min(kernel[-1] - 1, 7))))))
    value = draw(st.integers(-20, 20))
    return Pool(
        shape=shape,
        method=draw(st.integers(0, 2)),
        kernel=tuple(kernel),
        cube=integers(rng, 8, filled(shape[0], atom), *shape[1:]) if alone else None,
        strides=draw(st.tuples(st.integers(1, 4), st.integers(1, 4))),
        pads=(pads[0][0], pads[1][0], pads[0][1], pads[1][1]),
        padding=tuple(value * k for k in range(1, 8)),
        reciprocals=(RECIPROCALS[kernel[0] - 1], RECIPROCALS[kernel[1] - 1]),
        atom=atom,
        gaps=draw(GAPS),
        source_gaps=draw(GAPS),
    )


@st.composite
def convolved(draw, to_pdp=False):
    """A convolution and the SDP behind it."""
    conv = draw(convolutions())
    return conv, draw(sdps(shape=conv.output, atom=conv.atoms[2], to_pdp=to_pdp))


@settings(max_examples=60)
@given(layers=convolved())
def test_convolution_and_sdp(layers):
    conv, behind = layers
    check(*layers, expected=slow.sdp(behind, slow.convolution(conv)), name=HARDWARE[conv.atoms[2]])


@settings(max_examples=100)
@given(layer=sdps())
def test_sdp_from_memory(layer):
    check(layer, expected=slow.sdp(layer), name=HARDWARE[layer.atom])


@settings(max_examples=100)
@given(layer=pools())
def test_pooling_from_memory(layer):
    check(layer, expected=slow.pool(layer), name=HARDWARE[layer.atom])


@settings(max_examples=40)
@given(data=st.data())
def test_sdp_and_pooling_on_the_fly(data):
    alone = data.draw(sdps(to_pdp=True))
    behind = data.draw(pools(shape=alone.shape, atom=alone.atom))
    check(alone, behind, expected=slow.pool(behind, slow.sdp(alone)), name=HARDWARE[alone.atom])


@settings(max_examples=20)
@given(data=st.data())
def test_convolution_sdp_and_pooling_on_the_fly(data):
    conv, middle = data.draw(convolved(to_pdp=True))
    behind = data.draw(pools(shape=middle.shape, atom=middle.atom))
    expected = slow.pool(behind, slow.sdp(middle, slow.convolution(conv)))
    check(conv, middle, behind, expected=expected, name=HARDWARE[conv.atoms[2]])


SIZES = [("nv_small", (8, 8, 8), 20, 18), ("nv_large", (64, 32, 32), 70, 40), ("24/5/16", (24, 5, 16), 50, 11)]


@pytest.mark.parametrize(("name", "atoms", "channels", "kernels"), SIZES)
def test_several_blocks_of_channels_and_groups_of_kernels(name, atoms, channels, kernels, compared):
    rng = np.random.default_rng(1)
    conv = Conv(
        cube=integers(rng, 8, channels, 4, 4).astype(np.int8),
        weights=integers(rng, 8, kernels, channels, 2, 2).astype(np.int8),
        strides=(2, 1),
        pads=(1, 0, 0, 1),
        pad_register=0x7FF9,
        atoms=atoms,
    )
    bias = Stage(alu=integers(rng, 16, filled(kernels, atoms[2]), 1, 1), alu_shift=4, element=2)
    behind = Sdp(conv.output, x1=bias, scale=1, shift=12, atom=atoms[2])
    count = check(conv, behind, expected=slow.sdp(behind, slow.convolution(conv)), name=name)
    compared(count)


CONVERTERS = [
    (0, 1, 0),
    (5, 3, 1),
    (-300, -77, 6),
    (32767, 32767, 24),
    (-32768, -32768, 24),
    (0, 32767, 32),
    (0, 1, 63),
]


@pytest.mark.parametrize("converter", CONVERTERS)
def test_the_input_converter(converter, compared):
    """All 256 inputs through one weight of 1; the padding around them is not converted."""
    cube = np.arange(-128, 128).reshape(1, 16, 16).astype(np.int8)
    conv = Conv(cube, np.ones((1, 1, 1, 1), np.int8), pads=(1, 2, 3, 4), pad_register=0x12F3, converter=converter)
    behind = Sdp(conv.output)
    expected = slow.sdp(behind, slow.convolution(conv))
    assert expected[0, 0, 0] == -13
    compared(check(conv, behind, expected=expected))


CUBE = (19, 3, 4)
WHOLE = (24, 3, 4)


@pytest.mark.parametrize("element", [1, 2])
@pytest.mark.parametrize("spread", [(1, 1), (3, 4)], ids=["per kernel", "per element"])
@pytest.mark.parametrize("parts", ["alu", "mul", "both"])
@pytest.mark.parametrize("algorithm", [0, 1, 2], ids=["max", "min", "sum"])
def test_operands_from_memory(element, spread, parts, algorithm, compared):
    """Both kinds of operands from one DMA lie in pairs, ALU's before MUL's."""
    rng = np.random.default_rng(2)
    operands = {part: integers(rng, 8 * element, 24, *spread) for part in ("alu", "mul") if parts in {part, "both"}}
    given = Stage(**operands, algorithm=algorithm, alu_shift=1, mul_shift=7, element=element, gaps=(1, 2))
    if spread == (1, 1):
        given = Stage(**operands, algorithm=algorithm, alu_shift=1, mul_shift=7, element=element)
    for layer in (Sdp(CUBE, integers(rng, 8, *WHOLE), x1=given), Sdp(CUBE, integers(rng, 8, *WHOLE), x2=given)):
        compared(check(layer, expected=slow.sdp(layer)))


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("mul", [-7, None])
def test_prelu(relu, mul, compared):
    """Values from 0 on skip multiplier and shift; without a multiplier there is no PReLU, and the shift remains."""
    cube = np.arange(-128, 128).reshape(16, 4, 4)
    layer = Sdp((16, 4, 4), cube, x1=Stage(mul=mul, mul_shift=2, prelu=True, relu=relu))
    expected = slow.sdp(layer)
    assert (expected[8:] == cube[8:]).all() == (mul is not None)
    compared(check(layer, expected=expected))


@pytest.mark.parametrize("shift", [0, 31, 63])
def test_shifts_at_their_ends(shift, compared):
    rng = np.random.default_rng(3)
    extreme = Stage(alu=-32768, alu_shift=shift, mul=32767, mul_shift=shift)
    layer = Sdp(CUBE, integers(rng, 8, *WHOLE), x1=extreme, x2=extreme, offset=-(2**31), scale=-32768, shift=shift)
    expected = slow.sdp(layer) if shift < 49 else np.zeros(WHOLE, object)
    compared(check(layer, expected=expected))


def test_a_cube_of_one_cell_is_packed():
    """SDP ignores the surface stride of a cube of one column and one row."""
    rng = np.random.default_rng(4)
    layer = Sdp((20, 1, 1), integers(rng, 8, 24, 1, 1))
    changes = {"SDP.D_DST_SURFACE_STRIDE": 0x800, "SDP_RDMA.D_SRC_SURFACE_STRIDE": 0x400}
    played = play(trace(layer, changes=changes))
    assert played.memory.read(layer.base, 24).tobytes() == slow.window(layer.place, slow.sdp(layer))


def test_a_packed_input_of_one_cell():
    """CDMA does so where D_DAIN_MAP says packed surfaces."""
    rng = np.random.default_rng(5)
    cube, weights = integers(rng, 8, 20, 1, 1).astype(np.int8), integers(rng, 8, 3, 20, 1, 1).astype(np.int8)
    conv = Conv(cube, weights)
    behind = Sdp(conv.output, scale=1, shift=6)
    changes = {"CDMA.D_DAIN_MAP": 0x10001, "CDMA.D_SURF_STRIDE": 0x800}
    played = play(trace(conv, behind, changes=changes))
    expected = slow.window(behind.place, slow.sdp(behind, slow.convolution(conv)))
    assert played.memory.read(behind.base, 8).tobytes() == expected


def test_the_accumulator_saturates_to_32_bits():
    """A kernel of 2**18 bytes and all products 2**14 make 2**32; less 2**31 that is -1, which rounds to 0."""
    full = np.full((8192, 1, 1), -128, np.int8), np.full((2, 8192, 4, 8), -128, np.int8)
    conv = Conv(*full, pads=(1, 1, 2, 6), pad_register=0x80)
    behind = Sdp(conv.output, x1=Stage(alu=-32768, alu_shift=16), scale=1, shift=25)
    expected = np.zeros((8, 1, 1), object)
    expected[2:] = -64
    check(conv, behind, expected=expected)


@pytest.mark.parametrize("method", [0, 1, 2], ids=["average", "max", "min"])
def test_padding_lanes_are_pooled_and_written(method, compared):
    rng = np.random.default_rng(6)
    layer = Pool((3, 4, 4), method, (2, 2), integers(rng, 8, 8, 4, 4), strides=(2, 2), reciprocals=(0x8000, 0x8000))
    expected = slow.pool(layer)
    assert expected[3:].any()
    compared(check(layer, expected=expected))
