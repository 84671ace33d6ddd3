"""tools/gpu_check.py, whole, in Numba's CUDA simulator; and what it says of a section that dies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba_cuda")

TOOL = Path(__file__).parents[2] / "tools" / "gpu_check.py"
WITHOUT = "typer rich onnx onnxruntime hypothesis pytest PIL"
BLOCKED = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {WITHOUT.split()}:
            raise ImportError(f"{{name}} is not there")
sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def bare(tmp_path):
    """An environment in which only what a CUDA Python image has can be imported."""
    (tmp_path / "sitecustomize.py").write_text(BLOCKED)
    paths = [str(tmp_path), str(TOOL.parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def check(environment, out, *more):
    done = subprocess.run(
        [sys.executable, TOOL, out, *more], env=environment, capture_output=True, text=True, check=False
    )
    return done, json.loads(out.read_text())


@pytest.mark.parametrize("executor", ["simulator", pytest.param("interpreter", marks=pytest.mark.slow)])
def test_everything_without_a_device(bare, tmp_path, compared, executor):
    done, found = check(bare, tmp_path / "out.json", f"--{executor}")
    reasons = {name: each["reason"] for name, each in found["sections"].items() if each["status"] == "failed"}
    assert not reasons, reasons
    assert done.returncode == 0, done.stderr
    assert found["executed by"] == executor
    assert found["different"] == 0
    compared(found["compared"], least=30_000, what=executor)


def test_no_device_is_said_at_once(bare, tmp_path):
    """Once asked, not once for every section; where there is one, it is hidden."""
    done, found = check({**bare, "CUDA_VISIBLE_DEVICES": ""}, tmp_path / "none.json")
    assert done.returncode == 2, done.stderr
    reasons = {each["reason"] for each in found["sections"].values()}
    assert len(reasons) == 1
    assert reasons.pop()
    assert done.stderr.splitlines() == ["machine ..."]


def test_a_section_that_dies_loses_no_other(bare, tmp_path):
    """Each has a process of its own."""
    broken = bare | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "broken"), bare["PYTHONPATH"]])}
    (tmp_path / "broken" / "numba").mkdir(parents=True)
    (tmp_path / "broken" / "numba" / "__init__.py").write_text("import os\nos._exit(9)\n")
    done, found = check(broken, tmp_path / "broken.json", "--sections", "machine", "copies")
    assert done.returncode == 1
    for name in ("machine", "copies"):
        assert found["sections"][name]["status"] == "failed"
        assert "status 9" in found["sections"][name]["reason"]


def test_one_differing_value_fails_its_section(tmp_path, monkeypatch):
    """And it is shown: its place, what was found, what was expected; floats are compared by their bits."""
    monkeypatch.syspath_prepend(str(TOOL.parent))
    from gpu.report import Compared, gathered, tell

    zeros = np.zeros(5, np.float32)
    wrong = Compared.arrays("sums", np.array([0, 0, 0, -0.0, 0], np.float32), zeros)
    assert (wrong.compared, wrong.different) == (5, 1)
    assert wrong.facts == {"first [place, found, expected]": [[3, -0.0, 0.0]]}
    lines = tmp_path / "lines.jsonl"
    for name in ("a", "b"):
        tell(lines, name, "line", wrong if name == "b" else Compared.arrays("sums", zeros, zeros))
        tell(lines, name, "ended", ["ok", "", 1.0])
    found = gathered(lines, ["a", "b", "c"], "its process ended")
    assert [found[name]["status"] for name in "abc"] == ["ok", "failed", "failed"]
    assert found["b"]["reason"] == "1 of 5 values differ"
    assert found["c"]["reason"] == "its process ended"
    with pytest.raises(ValueError, match="sums"):
        Compared.arrays("sums", zeros, np.zeros(4, np.float32))
