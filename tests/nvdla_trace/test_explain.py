"""The values on the way to one byte, against the slow model's, and places that nothing wrote."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.formats.nvdla_commands import CheckFile, Trace
from int8sim.model.errors import ParameterError
from int8sim.nvdla_trace.explain import explain, first_difference
from int8sim.nvdla_trace.play import play

from . import slow
from .layers import Conv, Pool, Sdp, Stage, trace

RNG = np.random.default_rng(7)
CUBE = RNG.integers(-128, 128, (16, 3, 4))
CONV = Conv(CUBE[:12].astype(np.int8), RNG.integers(-128, 128, (5, 12, 2, 2)).astype(np.int8), truncate=3)
X1 = Stage(alu=RNG.integers(-999, 999, (8, 1, 1)), alu_shift=2, mul=77, mul_shift=5, element=2)
X2 = Stage(alu=-4, algorithm=0, mul_shift=1, relu=True)
BEHIND = Sdp(CONV.output, x1=X1, x2=X2, offset=3, scale=5, shift=7)


def test_every_unit_of_a_convolution(compared):
    played = play(trace(CONV, BEHIND))
    clipped = slow.convolution(CONV)
    whole = slow.convolution(replace(CONV, truncate=0))
    out = slow.sdp(BEHIND, clipped)
    first = slow.stage(X1, clipped)
    second = slow.stage(X2, first)
    for c, y, x in np.ndindex(out.shape):
        title, steps = explain(played, f"{c},{y},{x}")
        address = BEHIND.place.at(c, y, x)
        assert title == f"{address:#x}: c={c}, y={y}, x={x}" + (", a padding lane" if c >= 5 else "")
        assert explain(played, hex(address)) == (title, steps)
        assert steps == [
            ("accumulator", whole[c, y, x]),
            ("truncated", clipped[c, y, x]),
            ("SDP input", clipped[c, y, x]),
            ("X1 ALU operand", X1.alu[c, 0, 0]),
            ("behind the ALU of X1", clipped[c, y, x] + X1.alu[c, 0, 0] * 4),
            ("X1 MUL operand", 77),
            ("behind X1", first[c, y, x]),
            ("X2 ALU operand", -4),
            ("behind the ALU of X2", max(first[c, y, x], -4)),
            ("behind X2", second[c, y, x]),
            ("output converter", out[c, y, x]),
        ]
    compared(out.size)


def test_operands_of_every_element():
    operands = RNG.integers(-99, 99, (16, 3, 4))
    played = play(trace(Sdp(CUBE.shape, CUBE, x2=Stage(mul=operands))))
    _, steps = explain(played, "9,2,1")
    x, y = int(CUBE[9, 2, 1]), int(operands[9, 2, 1])
    end = [("behind X2", x * y), ("output converter", slow.clip(x * y, 8))]
    assert steps == [("SDP input", x), ("X2 MUL operand", y), *end]


@pytest.mark.parametrize("method", [0, 1])
def test_the_cells_of_a_window(method):
    worth = tuple(range(5, 40, 5))
    layer = Pool(CUBE.shape, method, (2, 3), CUBE, pads=(1, 1, 0, 0), padding=worth, reciprocals=(0x8000, 0x5555))
    _, steps = explain(play(trace(layer)), "3,0,0")
    cells = [(f"input c=3, y=0, x={x}", int(CUBE[3, 0, x])) for x in (0, 1)]
    total = [("sum with padding", int(CUBE[3, 0, :2].sum()) + 5 + 3 * 5)] if method == 0 else []
    assert steps == [*cells, *total, ("PDP output", slow.pool(layer)[3, 0, 0])]


def test_the_last_of_two_operations_owns_a_byte():
    first, second = Sdp(CUBE.shape, CUBE, scale=2), Sdp(CUBE.shape, CUBE, scale=-1)
    commands = (*trace(first).commands, *trace(second).commands[1:])
    _, steps = explain(play(Trace("two", commands)), hex(first.base))
    assert steps[-1] == ("output converter", -int(CUBE[0, 0, 0]))


@pytest.mark.parametrize(
    ("place", "what"),
    [
        ("here", "an address, or channel,row,column"),
        ("0x10", "one of an output: 0x300000 .* 192"),
        ("0x3000c0", "one of an output"),
        ("16,0,0", r"below \(16, 3, 4\)"),
        ("0,3,0", "below"),
        ("0,0,-1", "below"),
        ("0,0", "below"),
        ("0,0,0,0", "below"),
        ("a,b,c", "below"),
    ],
)
def test_places_that_nothing_wrote(place, what):
    with pytest.raises(ParameterError, match=what):
        explain(play(trace(Sdp(CUBE.shape, CUBE))), place)


def test_a_trace_without_operations():
    source = trace(Sdp(CUBE.shape, CUBE))
    played = play(Trace("none", source.commands[-1:]))
    with pytest.raises(ParameterError, match="enables no operation"):
        explain(played, "0,0,0")
    with pytest.raises(ParameterError, match="has none"):
        explain(played, "0x300000")


def test_the_first_byte_that_differs():
    layer = Sdp(CUBE.shape, CUBE)
    golden = bytearray(slow.window(layer.place, slow.sdp(layer)))
    source = trace(layer)

    def first(data, base=layer.base):
        check = CheckFile("s", "pri_mem", base, len(data), "g.dat", ((0, bytes(data)),))
        return first_difference(play(Trace("t", (*source.commands[:-1], check))))

    assert first(golden) == ""
    golden[17] ^= 1
    golden[40] ^= 1
    assert first(golden) == hex(layer.base + 17)
    assert first(b"\x07" * 4, base=0x10) == ""
