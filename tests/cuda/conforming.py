"""The conformance test with the cuda backend, in a process of its own, as the environment says who runs its kernels."""

import json
import os
import subprocess
import sys
from pathlib import Path

from int8sim.profiles.registry import profiles

ROOT = Path(__file__).parents[2]
BODY = "tests/conformance/test_backends.py"


def conform(who, counts, every, *arguments):
    """How many values were compared, by test, and by profile where layers are of one. who: environment variables."""
    command = [sys.executable, "-m", "pytest", BODY, "-q", "-p", "no:cacheprovider", f"--counts={counts}", *arguments]
    named = {"INT8SIM_CONFORMANCE": "cuda", "INT8SIM_CONFORMANCE_EVERY": str(every), **who}
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **named}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
    found = json.loads(counts.read_text())
    layers = {name.rpartition(" ")[2] for name in found if "test_integer_layers" in name}
    assert layers == set(profiles())
    return found
