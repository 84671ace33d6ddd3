"""A package of somebody else's, installed beside int8sim: its accelerator is found, lowered to and compiled."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

from int8sim.golden.packaged import lenet

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULE = HERE / "package" / "acme_npu.py"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder for the import path, with the package and its entry point in it."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", folder, HERE / "package"], check=True, capture_output=True)
    return folder


def run(installed, *arguments, status=0):
    """What a new Python prints, with int8sim and the package on its path."""
    path = os.pathsep.join(map(str, [installed, ROOT]))
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the runs leave their files."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def facts(installed, folder):
    return json.loads(run(installed, HERE / "on_the_npu.py", folder))


@pytest.fixture(scope="module")
def lowered(installed, facts, folder):
    """The quickstart's LeNet, by the command line."""
    model, graph = lenet("lenet.onnx"), folder / "npu.h5"
    table = folder / "lenet.cache"
    run(installed, "-m", "int8sim", "lower", model, "--table", table, "--profile", "acme_npu", "-o", graph)
    return graph


def test_the_module_has_40_lines_of_code():
    blank = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(MODULE.read_text()).readline)
    assert (
        len({line for token in tokens if token.type not in blank for line in range(token.start[0], token.end[0] + 1)})
        <= 40
    )


def test_the_page_shows_the_module():
    """docs/your-accelerator.md: the package's two files, to the letter."""
    page = (ROOT / "docs" / "your-accelerator.md").read_text()
    assert re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0] == MODULE.read_text()
    (entry,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert entry in (HERE / "package" / "pyproject.toml").read_text()


def test_ties_go_toward_zero(facts):
    assert facts["ties"] == [-2, -1, 0, 0, 1, 2]


def test_networks_are_lowered_by_name_and_by_object(facts):
    assert facts["same"]
    assert "prob: softmax stays in float32, acme_npu has no integer form" in facts["notes"]
    assert {"conv2d", "add", "average_pool", "fully_connected"} <= set(facts["integer"])


def test_both_backends_give_the_same_bits(facts, compared):
    """Every tensor of the quickstart's LeNet and of a network with a sum and an average."""
    compared(facts["compared"], 60_000)
    assert facts["agreement"] > 0.98


def test_both_kernels_are_reached(facts):
    """The LeNet's weights exclude saturation; a row of 1,280 weights does not, and there it changes outputs."""
    assert facts["lenet sequential"] == []
    assert facts["trunk sequential"] == ["dense"]
    assert facts["saturated"] > 0


def test_golden_files_and_strategies(facts, compared):
    assert facts["verified by the reference"]
    compared(facts["verified"], 30_000, "golden file")
    compared(facts["converted"], 300, "random converters")


def test_the_command_line(installed, lowered, folder, compared):
    """doctor lists it, golden record and verify take its graph."""
    assert json.loads(run(installed, "-m", "int8sim", "doctor", "--json"))["profiles"]["acme_npu"] == "Acme NPU, INT8"
    golden = folder / "recorded.h5"
    run(installed, "-m", "int8sim", "golden", "record", lowered, "--data", folder / "digits.npz", "-o", golden)
    found = json.loads(run(installed, "-m", "int8sim", "golden", "verify", golden, "--json"))
    assert found["different"] == 0
    compared(found["compared"], 500_000)


def test_its_converter_is_proved(installed, compared):
    """A part of the operands here; without --only, all 2**32 in about a minute."""
    program = ["-m", "int8sim", "prove", "acme_npu", "--only", "0:4000000", "--json"]
    (proof,) = json.loads(run(installed, *program))["converters"]
    assert proof["different"] == 0
    compared(proof["compared"], 4_000_000)


def test_a_golden_file_without_its_package_is_refused(lowered, tmp_path):
    """It names the function that is not installed here; nothing in it is imported."""
    message = run(tmp_path, "-m", "int8sim", "golden", "verify", lowered, status=2)
    assert "acme_npu:" in message
    assert "Traceback" not in message
