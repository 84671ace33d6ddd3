"""Everything a change must pass: ruff, mypy --strict, the floors, the tests.

    python tools/check.py [arguments for pytest]       in the project's root

Prints each step's time; the exit status is that of the first step that fails.
"""

from __future__ import annotations

import subprocess
import sys
import time

STEPS = (
    ("ruff", [sys.executable, "-m", "ruff", "check", "."]),
    ("format", [sys.executable, "-m", "ruff", "format", "--check", "."]),
    ("mypy --strict", [sys.executable, "-m", "mypy"]),
    ("floors", [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]),
    ("tests", [sys.executable, "-m", "pytest", "-q", "-n", "2", *sys.argv[1:]]),
)


def main() -> int:
    """The exit status."""
    for name, command in STEPS:
        start = time.perf_counter()
        status = subprocess.run(command, check=False).returncode
        print(f"== {name}: {'passed' if status == 0 else 'FAILED'}, {time.perf_counter() - start:.0f} s", flush=True)
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
