"""The README's example runs as printed, and its commands are those that CI runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_example_runs(tmp_path):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(code.strip().splitlines()) <= 30
    (tmp_path / "golden").symlink_to(ROOT / "golden")
    (tmp_path / "example.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "example.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[\d,]+ values compared, 0 differ\n", done.stdout)


def test_public_names_are_what_they_say():
    """Functions stay functions, also after everything has been imported (a folder of the same name would hide one)."""
    import int8sim
    import int8sim.cli.quickstart  # imports every floor

    functions = "calibrate convert dequantize dp2a dp4a load lower quantize read_table record run verify write_table"
    for name in functions.split():
        assert callable(getattr(int8sim, name)), name
    assert set(dir(int8sim)) >= set(functions.split())


def test_files_named_in_the_readme_exist():
    for name in re.findall(
        r"`((?:int8sim|spec|profiles|ops|graph|kernels|lowering|golden|tests|tools)/[\w/.]*)`", README
    ):
        places = [ROOT / name, ROOT / "int8sim" / name]
        assert any(place.exists() for place in places), name


def test_ci_runs_the_readme_command():
    marked = re.search(r"<!-- tests -->\n\n    (.+)\n\n<!-- end -->", README)
    assert marked
    assert "tools/check.py" in marked[1]
    assert "README.md" in (ROOT / ".ci" / "run").read_text()
