"""docs/strategies.md: its example passes, and its table names every strategy."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from int8sim import strategies

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text("utf-8")


def test_the_example_passes(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    options = "deadline=None, database=None, max_examples=10, suppress_health_check=list(hypothesis.HealthCheck)"
    profile = f"import hypothesis\nhypothesis.settings.register_profile('page', {options})\n"
    (tmp_path / "test_bench.py").write_text(code, "utf-8")
    (tmp_path / "conftest.py").write_text(profile + "hypothesis.settings.load_profile('page')\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_bench.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_table_names_every_strategy():
    table = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`(\w+)", table))
    assert {name for name in strategies.__all__ if name[0].islower()} <= named
    assert len(PAGE.splitlines()) <= 66
