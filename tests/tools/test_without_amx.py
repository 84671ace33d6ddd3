"""A command without AMX: it and what it starts have the next best instructions, and run."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from int8sim.kernels.cpu.tile import DOT_PRODUCTS

ROOT = Path(__file__).parents[2]
CODE = "from int8sim.kernels.cpu.tile import DOT_PRODUCTS; print(*DOT_PRODUCTS.available())"


@pytest.mark.skipif(platform.system() != "Linux" or platform.machine() != "x86_64", reason="Linux on x86-64 only")
def test_amx_is_refused_and_nothing_else():
    command = [sys.executable, ROOT / "tools" / "without_amx.py", sys.executable, "-c", CODE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [name for name in DOT_PRODUCTS.available() if name != "amx_int8"]
