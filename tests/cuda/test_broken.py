"""Planted mistakes, and which step of the ladder sees each: simulator, text, assembler, interpreter."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from int8sim.graph.run import run
from int8sim.kernels.cuda import ptxas
from int8sim.kernels.cuda.assembly import distinct, ptx
from int8sim.kernels.cuda.device import recorded
from int8sim.kernels.cuda.interpreter.execute import interpreted
from int8sim.model.errors import PtxError

from . import broken
from .test_ptx import expected, opcodes, problems

HERE = Path(__file__).parent
SEEN_BY = {
    "none": set(),
    "half to even becomes toward zero": {"text", "interpreter"},
    "a product may be fused": {"text"},
    "a product is fused": {"text", "interpreter"},
    "a barrier is missing": {"text", "interpreter"},
    "row and column are exchanged": {"simulator", "interpreter"},
    "the stored values are read as signed": {"simulator", "text", "interpreter"},
}
"""The simulator may see a missing barrier too: its threads are the system's, and race as these like."""


def texts(name: str) -> list[tuple]:
    graph, inputs = broken.layer(name)
    with broken.planted(name), recorded() as found:
        run(replace(graph), inputs, backend="cuda")
        return [(launch, ptx(launch, (8, 0))) for launch in distinct(found)]


def by_text(name: str) -> bool:
    made = texts(name)
    few = [each for launch, text in made for each, least in expected(launch).items() if opcodes(text)[each] < least]
    return bool(few or any(problems(launch, text) for launch, text in made))


def by_assembler(name: str) -> bool:
    taken = [ptxas.resources(text, (8, 0)) for _, text in texts(name)]
    return any(each.stack or each.spills for each in taken)


def by_interpreter(name: str) -> bool:
    try:
        with interpreted():
            return broken.differs(name)
    except PtxError as error:
        print(f"{name}: {error}")
        return True


@pytest.fixture(scope="module")
def simulated() -> dict[str, bool]:
    """Of every mistake, in a process of its own."""
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1", "PYTHONPATH": str(HERE.parents[1])}
    command = [sys.executable, str(HERE / "broken.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", broken.MISTAKES)
def test_mistakes(name, simulated):
    steps = {"simulator": simulated[name], "text": by_text(name)}
    steps |= {"assembler": by_assembler(name), "interpreter": by_interpreter(name)}
    seen = {step for step, found in steps.items() if found}
    print(f"{name}: seen by {', '.join(sorted(seen)) or 'nobody'}")
    assert seen - ({"simulator"} if "barrier" in name else set()) == SEEN_BY[name]
