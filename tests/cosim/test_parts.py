"""The parts of a bench without a simulator: words, ports, models, what the checker says of lost and unknown values."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cocotb")

from int8sim import cosim
from int8sim.golden.samples import sample_layer
from int8sim.model.errors import UnknownNameError, WordValueError
from int8sim.model.step import Step
from int8sim.spec.nvdla import sdp_out_convert
from int8sim.spec.requantize import output_double


@given(st.data(), st.integers(1, 9), st.sampled_from([4, 8, 16]), st.booleans(), st.booleans())
def test_a_tensor_returns_from_its_words(data, lanes, bits, signed, first_lane_low):
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    values = data.draw(st.lists(st.integers(low, high), max_size=40))
    words = cosim.to_words(values, lanes=lanes, bits=bits, first_lane_low=first_lane_low)
    assert len(words) == -(-len(values) // lanes)
    assert all(0 <= word < 1 << (lanes * bits) for word in words)
    back = cosim.from_words(words, len(values), lanes=lanes, bits=bits, signed=signed, first_lane_low=first_lane_low)
    assert back == values


def test_words_written_out():
    assert cosim.to_words([1, -2, 3, 4, 5], lanes=4) == [0x0403FE01, 0x00000005]
    assert cosim.to_words([1, -2, 3, 4, 5], lanes=4, first_lane_low=False, padding=-1) == [0x01FE0304, 0x05FFFFFF]
    assert cosim.to_words(np.array([[1, -2], [3, 4]], np.int8).flat, lanes=4) == [0x0403FE01]
    assert cosim.unpack(cosim.pack([-1, 7], 16), 2, 16, signed=False) == [0xFFFF, 7]


def test_words_that_do_not_fit():
    with pytest.raises(WordValueError, match=r"lane 1: 256; 8 bits hold -128 \.\. 255"):
        cosim.pack([0, 256])
    with pytest.raises(WordValueError, match="4 values; 5 are asked for"):
        cosim.from_words([0], 5, lanes=4)


class Handle:
    """A signal as a port uses it."""

    def __init__(self, bits):
        self.bits, self.value = bits, "x" * bits

    def __len__(self):
        return self.bits


def port(**named):
    fields = {"y": Handle(8), "acc": Handle(64)}
    return cosim.Port(None, Handle(1), fields, ready=Handle(1), **{"lanes": {"acc": 2}, "signed": ["acc"], **named})


def test_a_port_reads_lanes_and_unknown_bits():
    outputs = port()
    outputs.fields["y"].value = "1000000X"
    outputs.fields["acc"].value = "1" * 32 + "0" * 31 + "1"
    assert outputs.sample() == {"y": "1000000x", "acc[0]": 1, "acc[1]": -1}
    assert outputs.bits == {"y": 8, "acc[0]": 32, "acc[1]": 32}
    assert not outputs.passes()


def test_a_port_refuses_what_it_cannot_drive():
    with pytest.raises(UnknownNameError, match="'z'"):
        port().drive({"z": 0})
    with pytest.raises(WordValueError, match="field y: 300"):
        port().drive({"y": 300})
    with pytest.raises(UnknownNameError, match="'z'"):
        port(signed=["z"])


class Edge:
    """A clock edge that comes at once."""

    def __init__(self, clock):
        pass

    def __await__(self):
        return iter(())


def test_a_device_that_is_never_ready_is_told(monkeypatch):
    monkeypatch.setattr("int8sim.cosim.driver.RisingEdge", Edge)
    inputs = cosim.Port(None, Handle(1), {"x": Handle(8)}, ready=Handle(1))
    driver = cosim.Driver(inputs, patience=9)
    with pytest.raises(cosim.StuckError, match=r"not ready: {'x': 5} waits for 9 cycles"):
        driver.send({"x": 5}).send(None)
    inputs.ready.value = 1
    with pytest.raises(StopIteration):
        driver.send({"x": -1}, idle=2).send(None)
    assert (inputs.fields["x"].value, inputs.valid.value) == (0xFF, 0)


def checked(model, transactions, beats):
    """A checker's report, judged."""
    outputs = cosim.Port(None, Handle(1), {"y": Handle(8)}, signed=["y"])
    checker = cosim.Checker(model, outputs)
    for transaction in transactions:
        checker.expect(transaction)
    for beat in beats:
        checker.observe(beat)
    report = checker.report()
    return report if report else checker.judged(report)


HALF = {"x": 1, "offset": 0, "scale": 1, "truncate": 1}


def test_a_checker_counts():
    report = checked(cosim.Model(sdp_out_convert), [HALF, HALF], [{"y": 1}, {"y": 1}])
    assert (report.matched, report.compared, report.lines()) == (
        True,
        2,
        ["sdp_out_convert: 2 transactions, 0 of 2 values differ"],
    )


def test_a_lost_beat_is_no_matter_of_arithmetic():
    report = checked(cosim.Model(sdp_out_convert), [HALF, HALF], [{"y": 1}])
    assert (report.missing, report.different, report.first.index) == (1, 0, 1)
    assert "expected 1 (0x01), actual no beat" in report.lines()[2]
    assert "no matter of arithmetic" in report.lines()[-1]


def test_a_beat_too_many_is_told():
    report = checked(cosim.Model(sdp_out_convert), [HALF], [{"y": 1}, {"y": 1}])
    assert not report
    assert "0 output beats missing, 1 not expected" in report.lines()[0]


def test_unknown_bits_are_told():
    report = checked(cosim.Model(sdp_out_convert), [HALF], [{"y": "0000000x"}])
    assert report.named == ()
    assert "8'b0000000x (unknown bits)" in report.lines()[2]
    assert "none of the catalogue's" in report.lines()[-1]


def test_two_results_of_one_transaction_are_state():
    report = checked(cosim.Model(sdp_out_convert), [HALF, HALF], [{"y": 1}, {"y": 0}])
    assert "the same transaction gave 1 and 0 in field y" in report.lines()[-2]


def test_a_field_that_the_port_has_not_is_refused():
    with pytest.raises(UnknownNameError, match="'z'"):
        checked(cosim.Model(lambda x: {"z": x}), [{"x": 1}], [])


def test_models_of_three_kinds():
    numbers = {"multiplier": 1 << 30, "shift": 1, "zero_point": 3, "low": -128, "high": 127}
    step = Step(output_double, {name: np.array([value, value]) for name, value in numbers.items()})
    assert cosim.Model(step, channel=1)({"acc": 5}) == output_double(5, **numbers)
    assert cosim.Model(lambda a, b: {"y": (a, b)}).beats({"b": 2, "a": 1}, ["y[0]", "y[1]"]) == [{"y[0]": 1, "y[1]": 2}]
    graph = sample_layer("fully_connected", "tflm")
    model = cosim.Model(graph, lanes=2)
    beats = model.beats({graph.inputs[0]: [0] * 36}, ["y[0]", "y[1]"])
    assert [list(beat) for beat in beats] == [["y[0]", "y[1]"]] * 2


def test_without_cocotb_the_extra_is_named():
    code = "import sys; sys.modules['cocotb'] = None; import int8sim.cosim"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "needs the package cocotb; install it with: pip install 'int8sim[cosim]'" in done.stderr
