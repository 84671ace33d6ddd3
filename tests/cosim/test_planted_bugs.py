"""The worked example: devices verified, and thirteen bugs planted in them, one at a time, found by the same benches.

python -m pytest tests/cosim
"""

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "cosim.md").read_text("utf-8")
BUG = "planted bug"
UNKNOWN = ""
BUGS = {
    1: ("dp4a_mac", "zero extension instead of sign extension", "zero extension instead of sign extension"),
    2: ("dp4a_mac", "the accumulator has 24 bits", "wrapping at 24 bits instead of 32"),
    3: ("nvdla_convert", "ties toward plus infinity", "ties toward +inf instead of ties away from zero"),
    4: ("nvdla_convert", "no rounding", "rounded down, toward -inf instead of ties away from zero"),
    5: ("nvdla_convert", "saturation missing", "wrapping instead of saturation at 8 bits"),
    6: ("nvdla_convert", "saturation at 9 bits", "saturation at 9 bits instead of 8"),
    7: ("tflite_requantize", "ties to even", "ties to even instead of ties away from zero"),
    8: ("tflite_requantize", "one rounding instead of two", "one rounding instead of two"),
    9: ("tflite_requantize", "zero point before the rounding", "zero point added before the rounding"),
    10: ("tflite_requantize", "clamp before the zero point", "saturation before the zero point is added"),
    11: ("dp4a_mac", "accumulator not cleared between packets that follow at once", UNKNOWN),
    12: ("dp4a_mac", "a beat lost in a stall", UNKNOWN),
    13: ("dp4a_mac", "a bit stuck for one value in one lane", UNKNOWN),
}
"""Define -> device, what is wrong, and what the diagnosis calls it."""
DEVICES = sorted({device for device, *_ in BUGS.values()})
MANY = 1500


@pytest.fixture
def verified(simulate, tmp_path, compared):
    """verified(simulator, device): thousands of transactions through a device without a bug."""

    def call(simulator, device):
        assert simulate(simulator, device, TRANSACTIONS=str(MANY)) == (1, 0), (tmp_path / "log").read_text()
        compared(json.loads((tmp_path / "found.json").read_text())["compared"], least=MANY, what=device)

    return call


@pytest.fixture
def searched(simulate, tmp_path, record_property):
    """searched(simulator, bug): found, shrunk and named."""

    def call(simulator, bug):
        device, what, named = BUGS[bug]
        assert simulate(simulator, device, bug) == (0, 1), (tmp_path / "log").read_text()
        report = json.loads((tmp_path / "found.json").read_text())
        record_property(BUG, (bug, f"{device}: {what}", *report["lines"][1:3], *report["diagnosis"]))
        assert any(each.startswith(named) for each in report["named"]) == bool(named), report["lines"]
        assert bool(report["named"]) == bool(named)
        assert bool(named) or any("none of the catalogue's" in line for line in report["diagnosis"])

    return call


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_matches(icarus, verified, device):
    verified(icarus, device)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug != 3])  # it is on the page
def test_a_planted_bug_is_found(icarus, searched, bug):
    searched(icarus, bug)


def test_the_page_shows_a_bug_as_it_is_printed(icarus, searched, tmp_path):
    (shown,) = re.findall(r"<!-- bug 3 -->\n\n(.*?)\n\n<!-- end -->", PAGE, re.DOTALL)
    searched(icarus, 3)
    assert textwrap.dedent(shown).splitlines() == json.loads((tmp_path / "found.json").read_text())["lines"]


@pytest.mark.slow
@pytest.mark.parametrize("device", DEVICES)
def test_a_device_matches_in_verilator(verilator, verified, device):
    verified(verilator, device)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found_in_verilator(verilator, searched, bug):
    searched(verilator, bug)


def test_a_layer_and_its_tensors(icarus, simulate, compared, tmp_path):
    """The device as a whole; and through the bridge, as a function of arrays, for assert_bit_exact."""
    assert simulate(icarus, "dense_layer", TRANSACTIONS="200") == (2, 0), (tmp_path / "log").read_text()
    compared(json.loads((tmp_path / "found.json").read_text())["compared"], least=800, what="dense_layer")
    assert "values compared through the bridge" in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_a_bug_of_a_layer_is_named(icarus, simulate, tmp_path):
    assert simulate(icarus, "dense_layer", 10, only="layer") == (0, 1), (tmp_path / "log").read_text()
    report = json.loads((tmp_path / "found.json").read_text())
    assert any(each.startswith("saturation before the zero point") for each in report["named"])
    assert any(line.startswith("  accumulator") for line in report["replay"])


def test_pyuvm(icarus, simulate, tmp_path):
    assert simulate(icarus, "nvdla_convert", bench="bench_pyuvm") == (1, 0), (tmp_path / "log").read_text()
    assert "500 values compared" in (tmp_path / "log").read_text()
