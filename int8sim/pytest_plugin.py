"""The pytest plugin (entry point group `pytest11`): backends, golden files, and mismatches in the comparer's words.

    int8_backend                    a fixture, parametrised over the backends available here, or those of --int8-backend
    golden                          a fixture, the golden file that @pytest.mark.int8_golden("file.h5") names
    assert actual == expected       of two runs' tensors (int8sim.testing.Tensors), or
    assert int8sim.verify(path), assert np.array_equal(actual, expected) ... print count, first index, values, layer

Every pytest run on the machine loads this module: what needs NumPy is imported where a test asks for it.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from collections.abc import Generator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from int8sim.testing import GoldenFile

MARKER = "int8_golden(path, missing='fail'): the file of the fixture `golden`, relative to the test's; missing='skip'"
PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Tuple, ast.Slice, ast.UnaryOp, ast.USub, ast.Load)
"""What may stand in an expression that is evaluated again: nothing that calls a function by name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """--int8-backend."""
    group = parser.getgroup("int8sim", "int8sim: bit-exact INT8 reference")
    text = "run tests of the fixture int8_backend on this backend only; may be repeated"
    group.addoption("--int8-backend", action="append", default=[], metavar="NAME", help=text)


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each backend. Raises UsageError for one that is unknown or cannot run."""
    if "int8_backend" in metafunc.fixturenames:
        metafunc.parametrize("int8_backend", _backends(metafunc.config), indirect=True)


def _backends(config: pytest.Config) -> list[str]:
    from int8sim.testing import available_backends

    known = available_backends()
    here = [name for name, obstacle in known.items() if not obstacle]
    asked: list[str] = config.getoption("--int8-backend")
    for name in asked:
        reason = known.get(name, "it is unknown")
        if reason:
            msg = f"--int8-backend {name}: {reason}; available here: {', '.join(here)}"
            raise pytest.UsageError(msg)
    return list(dict.fromkeys(asked)) or here


@pytest.fixture
def int8_backend(request: pytest.FixtureRequest) -> str:
    """The name of a backend, once for each that is available here, or for each --int8-backend NAME."""
    name: str = request.param
    return name


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> GoldenFile:
    """An int8sim.testing.GoldenFile: `run()`, `verify()`, `check(tensors)`, `expected`, `graph`, `inputs`.

    Its path stands in @pytest.mark.int8_golden(path), or in an indirect parametrization of this fixture; a relative one
    starts at the test's folder. The test fails if the file is missing or damaged, or is skipped if it is missing and
    the marker says missing="skip".
    """
    from int8sim.model.errors import NotAGoldenFileError
    from int8sim.testing import GoldenFile

    path, missing = _golden_path(request)
    if missing == "skip" and not path.exists():
        pytest.skip(f"there is no golden file {path}")
    try:
        return GoldenFile(path)
    except NotAGoldenFileError as problem:
        pytest.fail(str(problem), pytrace=False)


def _golden_path(request: pytest.FixtureRequest) -> tuple[Path, str]:
    marker = request.node.get_closest_marker("int8_golden")
    given = list(marker.args) if marker else [request.param] if hasattr(request, "param") else []
    missing = marker.kwargs.get("missing", "fail") if marker else "fail"
    if len(given) != 1 or missing not in {"fail", "skip"}:
        pytest.fail(
            f"the fixture golden needs a path, by the marker {MARKER}, or by an indirect parameter", pytrace=False
        )
    return request.path.parent / given[0], missing


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Two runs' tensors, or two arrays: what differs, in place of both in full."""
    lines = _differences(left, right) if op == "==" else []
    return ["tensors differ (left: actual, right: expected)", *lines] if lines else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A section with the mismatch, below a failed assertion about two arrays or a golden comparison."""
    report = yield
    if report.failed and call.excinfo is not None and "numpy" in sys.modules:
        lines = _mismatch(call.excinfo)
        if lines:
            report.sections.append(("int8sim", "\n".join(lines)))
    return report


def _mismatch(raised: pytest.ExceptionInfo[BaseException]) -> list[str]:
    """Of the statement that failed, outside NumPy's own files: its golden report, or its two arrays."""
    for entry in reversed(raised.traceback):
        if not str(entry.frame.f_globals.get("__name__", "")).startswith("numpy"):
            found = [*map(_report_lines, entry.frame.f_locals.values()), *_pairs(entry)]
            return next(filter(None, found), [])
    return []


def _report_lines(value: object) -> list[str]:
    loaded = sys.modules.get("int8sim.golden.compare")
    if loaded is None or not isinstance(value, loaded.Report):
        return []
    from int8sim.testing import report_lines

    return report_lines(value)


def _pairs(entry: Any) -> Iterator[list[str]]:
    """The differences of two operands of a comparison, or of the first two arguments of a call."""
    try:
        tree = ast.parse(textwrap.dedent(str(entry.statement)))
    except (SyntaxError, AssertionError):  # pytest asserts that there is a source; compiled modules have none
        return
    for node in ast.walk(tree):
        operands = _operands(node)
        if operands and all(isinstance(part, PLAIN) for operand in operands for part in ast.walk(operand)):
            with suppress(Exception):  # a name of a comprehension, an attribute that fails: then nothing is added
                yield _differences(*(entry.frame.eval(ast.unparse(operand)) for operand in operands))


def _operands(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators] if len(node.comparators) == 1 else []
    return node.args[:2] if isinstance(node, ast.Call) and len(node.args) > 1 else []


def _differences(left: object, right: object) -> list[str]:
    """Of two arrays, or of two mappings of arrays; [] for anything else."""
    if "numpy" not in sys.modules or not (_arrays(left) and _arrays(right)):
        return []
    from int8sim.testing import array_differences, differences

    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return differences(left, right)
    return [] if isinstance(left, Mapping) or isinstance(right, Mapping) else array_differences(left, right)  # type: ignore[arg-type]


def _arrays(value: object) -> bool:
    """An array of numbers, or a mapping of such."""
    if isinstance(value, Mapping):
        return bool(value) and all(isinstance(key, str) and _arrays(each) for key, each in value.items())
    return isinstance(value, sys.modules["numpy"].ndarray) and value.dtype.kind in "iuf"
