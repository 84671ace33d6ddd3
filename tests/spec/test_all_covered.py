"""Every public function of the specification is named by some test of this folder."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

import int8sim.spec

ELSEWHERE = {"calibration"}  # tests/calibration
MODULES = sorted({info.name for info in pkgutil.iter_modules(int8sim.spec.__path__)} - ELSEWHERE)


@pytest.mark.parametrize("module", MODULES)
def test_public_functions_are_tested(module):
    owner = importlib.import_module(f"int8sim.spec.{module}")
    tests = (Path(__file__).parent / f"test_{module}.py").read_text()
    public = [
        name
        for name, value in vars(owner).items()
        if inspect.isfunction(value) and value.__module__ == owner.__name__ and not name.startswith("_")
    ]
    assert [name for name in public if not re.search(rf"\b{name}\b", tests)] == []
