"""tools/mutate_spec.py on a package of three functions, and on a sample of the specification itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARITHMETIC = '''
"""Three functions."""

from __future__ import annotations

from enum import IntEnum

LIMIT = 3


class Way(IntEnum):
    """Up or down."""

    UP = 0
    DOWN = 1


def clipped(value: int) -> int:
    """At most LIMIT."""
    return min(value, LIMIT)


def halved(value: int, way: int = Way.UP) -> int:
    """Rounded one way."""
    bias = 1 if way == Way.UP else 0
    return (value + bias) >> 1


def counted(steps: int) -> int:
    """How many steps: all."""
    done = 0
    while done < steps:
        done += 1
    return done
'''
CHECKS = """
from package.arithmetic import Way, clipped, counted, halved


def test_clipped():
    assert [clipped(value) for value in (2, 3, 4)] == [2, 3, 3]


def test_halved():
    assert (halved(4), halved(5), halved(4, Way.DOWN), halved(5, Way.DOWN)) == (2, 3, 2, 2)
    assert list(Way) == [0, 1]


def test_counted():
    assert [counted(steps) for steps in (-3, 0, 5)] == [0, 0, 5]
"""
CLIPPED = {
    "arithmetic: LIMIT = 3 -> LIMIT = 4",
    "arithmetic: LIMIT = 3 -> LIMIT = 2",
    "arithmetic: LIMIT = 3 -> LIMIT = 0",
    "arithmetic.clipped: return min(value, LIMIT) -> pass",
    "arithmetic.clipped: min(value, LIMIT) -> max(value, LIMIT)",
    "arithmetic.clipped: min(value, LIMIT) -> value",
    "arithmetic.clipped: min(value, LIMIT) -> LIMIT",
}
HALVED = {
    "arithmetic.Way: UP = 0 -> UP = 1",
    "arithmetic.Way: UP = 0 -> UP = -1",
    "arithmetic.Way: DOWN = 1 -> DOWN = 2",
    "arithmetic.Way: DOWN = 1 -> DOWN = 0",
    "arithmetic.halved: Way.UP -> Way.DOWN",
    "arithmetic.halved: bias = 1 if way == Way.UP else 0 -> pass",
    "arithmetic.halved: 1 if way == Way.UP else 0 -> 0 if way == Way.UP else 1",
    "arithmetic.halved: way == Way.UP -> way != Way.UP",
    "arithmetic.halved: way == Way.UP -> way <= Way.UP",
    "arithmetic.halved: way == Way.UP -> way >= Way.UP",
    "arithmetic.halved: way == Way.UP -> way == Way.DOWN",
    "arithmetic.halved: 1 if way == Way.UP else 0 -> 2 if way == Way.UP else 0",
    "arithmetic.halved: 1 if way == Way.UP else 0 -> 0 if way == Way.UP else 0",
    "arithmetic.halved: 1 if way == Way.UP else 0 -> 1 if way == Way.UP else 1",
    "arithmetic.halved: 1 if way == Way.UP else 0 -> 1 if way == Way.UP else -1",
    "arithmetic.halved: return value + bias >> 1 -> pass",
    "arithmetic.halved: value + bias >> 1 -> value + bias << 1",
    "arithmetic.halved: value + bias >> 1 -> 1 >> value + bias",
    "arithmetic.halved: value + bias -> value - bias",
    "arithmetic.halved: value + bias >> 1 -> value + bias >> 2",
    "arithmetic.halved: value + bias >> 1 -> value + bias >> 0",
}
COUNTED = {
    "arithmetic.counted: done = 0 -> pass",
    "arithmetic.counted: done = 0 -> done = 1",
    "arithmetic.counted: done = 0 -> done = -1",
    "arithmetic.counted: while done < steps: -> while not done < steps:",
    "arithmetic.counted: while done < steps: -> pass",
    "arithmetic.counted: done < steps -> done <= steps",
    "arithmetic.counted: done < steps -> done > steps",
    "arithmetic.counted: done += 1 -> done -= 1",
    "arithmetic.counted: done += 1 -> done = 1",
    "arithmetic.counted: done += 1 -> done += 2",
    "arithmetic.counted: done += 1 -> done += 0",
    "arithmetic.counted: return done -> pass",
}
EVERYWHERE = "arithmetic.halved: way == Way.UP -> way <= Way.UP"  # no way is below UP


def mutate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "mutate_spec.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def project(tmp_path):
    """Runs the tool on the package; returns (its process, outcomes by key)."""
    for path, text in (
        ("package/__init__.py", ""),
        ("package/arithmetic.py", ARITHMETIC),
        ("checks/test_all.py", CHECKS),
    ):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    proofs, found = tmp_path / "proofs.toml", tmp_path / "found.json"

    def run(*arguments: str) -> tuple[subprocess.CompletedProcess[str], dict[str, dict[str, str]]]:
        places = ["--root", str(tmp_path), "--cache", str(tmp_path / "cache"), "--proofs", str(proofs)]
        named = ["--package", "package", "--tests", "checks", "--json", str(found), "--seconds", "1"]
        return mutate(*places, *named, *arguments), json.loads(found.read_text()) if found.exists() else {}

    run.folder, run.proofs = tmp_path, proofs
    return run


def test_every_mutant_is_generated_and_judged(project):
    done, outcomes = project()
    assert set(outcomes) == CLIPPED | HALVED | COUNTED
    assert {key for key, each in outcomes.items() if each["outcome"] != "killed"} == {EVERYWHERE}
    assert outcomes["arithmetic.counted: done += 1 -> done += 0"]["by"] == "timeout"
    assert outcomes["arithmetic: LIMIT = 3 -> LIMIT = 4"]["by"] == "checks/test_all.py::test_clipped"
    assert outcomes["arithmetic.halved: value + bias -> value - bias"]["by"] == "checks/test_all.py::test_halved"
    assert done.stdout.splitlines()[-1] == EVERYWHERE
    assert done.returncode == 0  # 1 of 40 is less than 3 %


@pytest.mark.slow
def test_survivors_fail_and_proofs_are_held_to_their_word(project):
    checks = project.folder / "checks" / "test_all.py"
    checks.write_text(CHECKS.replace("(2, 3, 4)", "(3, 4)").replace("[2, 3, 3]", "[3, 3]"))
    survivor = "arithmetic.clipped: min(value, LIMIT) -> LIMIT"
    done, outcomes = project()
    assert {key for key, each in outcomes.items() if each["outcome"] == "survived"} == {survivor, EVERYWHERE}
    assert done.returncode == 1
    project.proofs.write_text(f'[arithmetic]\n"{survivor}" = "no value is below"\n"{EVERYWHERE}" = "UP is the least"\n')
    done, outcomes = project("--list-survivors")
    assert (done.returncode, done.stdout.strip()) == (0, "")
    assert outcomes[survivor] == {"module": "package.arithmetic", "outcome": "equivalent", "by": "no value is below"}
    project.proofs.write_text('[arithmetic]\n"arithmetic: LIMIT = 9 -> LIMIT = 8" = "it is not there"\n')
    done, _ = project()
    assert "stale proof" in done.stderr
    assert done.returncode == 1
    checks.write_text(CHECKS)
    project.proofs.write_text(f'[arithmetic]\n"{survivor}" = "no value is below"\n')
    done, _ = project()
    assert f"refuted proof, checks/test_all.py::test_clipped kills it: {survivor}" in done.stderr
    assert done.returncode == 1


def test_a_suite_that_fails_already_judges_nothing(project):
    (project.folder / "checks" / "test_all.py").write_text(CHECKS.replace("[2, 3, 3]", "[2, 3, 4]"))
    done, outcomes = project()
    assert done.returncode == 1
    assert "checks/test_all.py::test_clipped" in done.stderr
    assert outcomes == {}


WORDS = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Word:
    low: int
    high: int


Byte = Annotated[int, Word(0, 255)]


def low_bit(value: Byte) -> int:
    return value & 1 if value >= 0 else 0
"""


def test_few_arguments_are_all_tried(project):
    """`value >= 0` is true of every byte: the tool finds out by itself."""
    (project.folder / "package" / "arithmetic.py").write_text(WORDS)
    checks = "def test_it():\n    assert [low_bit(value) for value in (0, 2, 7)] == [0, 0, 1]\n"
    (project.folder / "checks" / "test_all.py").write_text(f"from package.arithmetic import low_bit\n\n\n{checks}")
    _, outcomes = project()
    assert outcomes["arithmetic.low_bit: value >= 0 -> value >= -1"] == {
        "module": "package.arithmetic",
        "outcome": "equivalent",
        "by": "equal on all arguments: 256",
    }
    assert outcomes["arithmetic.low_bit: value & 1 -> value | 1"]["outcome"] == "killed"


@pytest.mark.slow
def test_twenty_mutants_of_the_specification(tmp_path):
    found = tmp_path / "found.json"
    done = mutate(
        *("--module", "dp4a", "--tests", "tests/spec/test_dp4a.py", "--sample", "20", "--seed", "3"),
        *("--cache", str(tmp_path / "cache"), "--json", str(found)),
    )
    outcomes = json.loads(found.read_text())
    assert len(outcomes) == 20
    assert sum(each["outcome"] == "killed" for each in outcomes.values()) >= 18
    assert done.returncode == 0, done.stdout + done.stderr
