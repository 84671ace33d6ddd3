"""What all tests share: the Hypothesis profile, the machine in the report's header, the folder of outside witnesses."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hypothesis
import numba
import numpy as np
import pytest
from llvmlite import binding

ORACLES = "INT8SIM_ORACLES"

# The first example of a property may compile a kernel: no deadline. In CI the same examples every time.
hypothesis.settings.register_profile("int8sim", deadline=None, derandomize="CI" in os.environ, database=None)
hypothesis.settings.load_profile("int8sim")


def pytest_report_header() -> list[str]:
    features = binding.get_host_cpu_features()
    wanted = ("avx", "avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vnni", "avxvnni", "neon", "dotprod")
    present = " ".join(name for name in wanted if features.get(name))
    return [
        f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} CPUs",
        f"python {platform.python_version()}, numpy {np.__version__}, numba {numba.__version__}",
        f"CPU {binding.get_host_cpu_name()}: {present}",
    ]


@pytest.fixture(scope="session")
def oracle_folder() -> Path:
    """The folder of outside witnesses. Skips where it is not named; a file missing inside it is a failure."""
    named = os.environ.get(ORACLES)
    if not named:
        pytest.skip(f"{ORACLES} does not name the folder of outside witnesses")
    return Path(named)


COUNTS = pytest.StashKey[list[str]]()


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Callable[[int], None]:
    """Tell how many values a test has compared: the numbers are printed at the end of the run."""
    lines = request.config.stash.setdefault(COUNTS, [])
    return lambda count: lines.append(f"{count:>12,}  {request.node.nodeid}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if lines := config.stash.get(COUNTS, []):
        terminalreporter.section("values compared, all equal unless the test failed")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(scope="session")
def oracles(oracle_folder: Path) -> Callable[[str], Mapping[str, Any]]:
    """Load one .npz of the witnesses' folder by its path inside it."""

    def load(path: str) -> Mapping[str, Any]:
        with np.load(oracle_folder / path, allow_pickle=False) as archive:
            return dict(archive)

    return load
