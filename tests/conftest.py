"""What all tests share: the Hypothesis profile, the machine in the report's header, the folder of outside witnesses."""

from __future__ import annotations

import json
import os
import platform
from collections import Counter
from collections.abc import Callable, Generator, Mapping
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


COMPARED = "values compared: "


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Callable[..., None]:
    """compared(count, least=1, what=""): how many values a test has compared; it fails below `least`.

    The counts are printed at the end of the run, one line per test function and `what`, summed over its parameters.
    """

    def tell(count: int, least: int = 1, what: str = "") -> None:
        assert count >= least, f"{count:,} values compared, at least {least:,} are needed"
        request.node.user_properties.append((f"{COMPARED}{what}", int(count)))

    return tell


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--counts", type=Path, metavar="FILE", help="write how many values each test compared, as JSON")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The counts of `compared`."""
    totals: Counter[str] = Counter()
    for report in (report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])):
        for name, value in report.user_properties if report.when == "call" else ():
            if name.startswith(COMPARED):
                totals[f"{report.nodeid.partition('[')[0]} {name.removeprefix(COMPARED)}"] += value
    if config.option.counts:
        config.option.counts.write_text(json.dumps(totals, indent=1, sort_keys=True) + "\n")
    if totals:
        terminalreporter.section("values compared, all equal unless the test failed")
        terminalreporter.write_line("\n".join(f"{totals[name]:>14,}  {name}" for name in sorted(totals)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where the folder of witnesses is named, a witness test that skips has failed."""
    report = yield
    if report.skipped and item.get_closest_marker("witness") and os.environ.get(ORACLES):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid}: {ORACLES} is set, so this witness must run; it skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def oracles(oracle_folder: Path) -> Callable[[str], Mapping[str, Any]]:
    """Load one .npz of the witnesses' folder by its path inside it."""

    def load(path: str) -> Mapping[str, Any]:
        with np.load(oracle_folder / path, allow_pickle=False) as archive:
            return dict(archive)

    return load
