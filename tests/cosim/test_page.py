"""docs/cosim.md: its bench runs as printed, its table names every part, its screen is what the simulation prints."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "cosim.md").read_text("utf-8")


def test_the_bench_runs(icarus, tmp_path):
    bench, test, _ = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "bench_converter.py").write_text(bench, "utf-8")
    (tmp_path / "test_converter.py").write_text(test, "utf-8")
    shutil.copy(HERE / "rtl" / "nvdla_convert.sv", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_converter.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "** TESTS=1 PASS=1 FAIL=0" in done.stdout


def test_the_table_names_every_part():
    from int8sim import cosim

    named = set(re.findall(r"`(\w+)", "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))))
    assert set(cosim.__all__) - {"MismatchError", "Report", "StuckError"} <= named
