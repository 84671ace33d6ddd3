"""Every public function of the specification is named by some test of this folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import int8sim.spec

SPEC = f"{int8sim.spec.__name__}."
ELSEWHERE = {"calibration"}  # tests/calibration
FOUND = {info.name.removeprefix(SPEC) for info in pkgutil.walk_packages(int8sim.spec.__path__, SPEC)}
MODULES = sorted(FOUND - ELSEWHERE)


@pytest.mark.parametrize("module", MODULES)
def test_public_functions_are_tested(module):
    """Of a package's modules by any test file of its name."""
    owner = importlib.import_module(f"{SPEC}{module}")
    files = Path(__file__).parent.glob(f"test_{module.partition('.')[0]}*.py")
    tests = "".join(path.read_text() for path in files)
    public = [
        name
        for name, value in vars(owner).items()
        if inspect.isfunction(value) and value.__module__ == owner.__name__ and not name.startswith("_")
    ]
    assert [name for name in public if not re.search(rf"\b{name}\b", tests)] == []
