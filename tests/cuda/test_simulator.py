"""The conformance test with the cuda backend in Numba's CUDA simulator: indexing, tails, barriers, on small shapes.

In a process of its own, as Numba chooses the simulator when it is imported. In CI few layers of each kind; all of them
with -m slow.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from int8sim.profiles.registry import profiles

ROOT = Path(__file__).parents[2]
BODY = "tests/conformance/test_backends.py"
SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1", "INT8SIM_CONFORMANCE": "cuda"}

pytestmark = pytest.mark.skipif(find_spec("numba_cuda") is None, reason="numba-cuda is not installed")


def conform(counts, every, *arguments):
    """How many values were compared, by test, and by profile where layers are of one."""
    command = [sys.executable, "-m", "pytest", BODY, "-q", "-p", "no:cacheprovider", f"--counts={counts}", *arguments]
    environment = {**os.environ, **SIMULATOR, "INT8SIM_CONFORMANCE_EVERY": str(every)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
    found = json.loads(counts.read_text())
    layers = {name.rpartition(" ")[2] for name in found if "test_integer_layers" in name}
    assert layers == set(profiles())
    return found


def test_some_layers_of_every_op_and_profile(tmp_path, compared):
    """A variant of every op in float32, some in integers, a few windows at random."""
    found = conform(tmp_path / "counts", 13, "-k", "test_cases or layers or any_window or clamps")
    compared(sum(found.values()), 50_000)


@pytest.mark.slow
def test_everything(tmp_path, compared):
    """The whole file."""
    compared(sum(conform(tmp_path / "counts", 1).values()), 600_000)
