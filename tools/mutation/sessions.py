"""pytest inside the process: a session that records which test calls what, others that run chosen tests of a mutant."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import time
import types
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ |= {"HYPOTHESIS_NO_PLUGINS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # which would import the package

import hypothesis
import pytest

from mutation.pool import forked
from mutation.project import Project

OPTIONS = ["-o", "addopts=", "-p", "no:terminal", "-p", "no:cacheprovider", "--import-mode=importlib"]
OPTIONS += [
    "--assert=plain",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-m",
    "not slow and not witness and not engine",
]
RECORDING = 600  # seconds of processor time that a test may take with nothing mutated
PHASES = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # a failure needs no smaller example


Items = Mapping[str, pytest.Item]
Loop = Callable[["Session", Items], None]


class Session:
    """What every session has: the same examples every time, and a loop of its own over the collected tests, by id."""

    def __init__(self, loop: Loop) -> None:
        self.loop, self.failed = loop, ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Behind the project's own profile, and before any test module is imported. Nobody reads the reports."""
        session.config.option.tbstyle = "native"
        unhurried = [hypothesis.HealthCheck.too_slow]
        hypothesis.settings.register_profile(
            "mutation", derandomize=True, database=None, deadline=None, phases=PHASES, suppress_health_check=unhurried
        )
        hypothesis.settings.load_profile("mutation")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of pytest's own. Hypothesis reads the constants of all modules once: here, and not in every child."""
        hypothesis.given(hypothesis.strategies.integers())(lambda _: None)()
        self.loop(self, {item.nodeid: item for item in session.items})
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The first failure."""
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be imported."""
        if report.failed and not self.failed:
            self.failed = report.nodeid or "collection"


def session(root: Path, files: Iterable[str | Path], plugin: Session) -> str:
    """The first failure, or pytest's status if that is no success; "" if all is well."""
    os.chdir(root)
    status = pytest.main([*OPTIONS, f"--rootdir={root}", *map(str, files)], plugins=[plugin])
    fine = {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED, pytest.ExitCode.TESTS_FAILED}
    return plugin.failed or ("" if status in fine else f"pytest's status {status}")


def record(project: Project, files: list[Path], jobs: int) -> dict[str, Any]:
    """Every fast test of the files: {id: {"seconds", "calls": functions of the package, "failed"}}.

    Each runs in a child of its own, so that none finds what another compiled. Left out: a test that calls the compiler.
    """
    found: dict[str, Any] = {}

    def loop(plugin: Session, items: Items) -> None:
        def one(item: pytest.Item) -> dict[str, Any]:
            began = time.process_time()
            with calls(project) as seen:
                failed = first_failure([item], plugin)
            return {"seconds": time.process_time() - began, "calls": sorted(seen), "failed": failed}

        for item, answer in forked(items.values(), one, jobs, lambda _: RECORDING):
            found[item.nodeid] = answer or {"failed": item.nodeid, "calls": [], "seconds": RECORDING}

    failed = session(project.root, files, Session(loop))
    if failed:
        found[failed] = {"failed": failed, "calls": [], "seconds": 0}
    return {test: seen for test, seen in found.items() if project.compiler not in seen["calls"]}


@contextmanager
def calls(project: Project) -> Generator[set[str]]:
    """The functions of the package called meanwhile, as module.function; a call of the compiler ends the test."""
    seen: set[str] = set()
    codes: set[types.CodeType] = set()
    compiler = str(project.path(project.compiler)) if project.compiler else ""

    def watch(frame: types.FrameType, *_: object) -> None:
        codes.add(frame.f_code)
        if frame.f_code.co_filename == compiler:
            raise NeedsCompilerError

    sys.settrace(watch)
    try:
        yield seen
    finally:
        sys.settrace(None)
        modules = {name for name in sys.modules if name == project.compiler or within(name, project.package)}
        owners = {sys.modules[name].__file__: name for name in modules}
        for code in codes:
            owner = owners.get(code.co_filename)
            if owner:
                seen.add(owner if owner == project.compiler else f"{owner}.{code.co_qualname.partition('.')[0]}")


class NeedsCompilerError(BaseException):
    """A test has called the compiler."""


def within(name: str, package: str) -> bool:
    """Whether a module is the package or in it."""
    return name == package or name.startswith(f"{package}.")


def first_failure(items: list[pytest.Item], plugin: Session) -> str:
    """The id of the first test that fails; "" if none does."""
    plugin.failed = ""
    for item in items:
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        if plugin.failed:
            break
    return plugin.failed


def collected(root: Path, tests: list[str]) -> str:
    """Sessions of their own for chosen tests, file by file: the first failure, an import that fails among them."""

    def loop(plugin: Session, items: Items) -> None:
        missing = [test for test in tests if test.startswith(f"{file}::") and test not in items]
        plugin.failed = (
            plugin.failed or "".join(missing[:1]) or first_failure([items[t] for t in tests if t in items], plugin)
        )

    for file in dict.fromkeys(test.partition("::")[0] for test in tests):
        failed = session(root, [file], Session(loop))
        if failed:
            return failed
    return ""


class Mutated(importlib.machinery.SourceFileLoader):
    """Loads one module from the code object of a mutant."""

    def __init__(self, name: str, path: str, code: types.CodeType) -> None:
        super().__init__(name, path)
        self.code = code

    def get_code(self, _: str) -> types.CodeType:
        """The mutant's."""
        return self.code


class Finder:
    """Puts `Mutated` in the place of one module's loader, ahead of every other finder."""

    def __init__(self, name: str, code: types.CodeType) -> None:
        self.name, self.code = name, code

    def find_spec(self, name: str, path: Any, _: Any = None) -> importlib.machinery.ModuleSpec | None:
        """The module's own spec with the other loader; None for any other module."""
        if name != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is not None and spec.origin is not None:
            spec.loader = Mutated(name, spec.origin, self.code)
        return spec
