"""Generated modules: what makes them new, what finds them again, what is refused."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from int8sim.kernels import cache
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.elementwise import combined
from int8sim.kernels.roles import combine
from int8sim.model.errors import CompileError
from int8sim.model.step import LookupTable, Step
from int8sim.spec.eltwise import add_fma
from int8sim.spec.requantize import output_real

ROOT = Path(__file__).parents[2]

HELPER = """
LIMIT = 100

def cut(value: int, low: int = -LIMIT) -> int:
    return max(min(value, LIMIT), low)
"""

SCHEME = """
from enum import IntEnum

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import wrap
import helper

class Mode(IntEnum):
    SUM = 3
    DIFFERENCE = 4

def mine(a: int, b: int, mode: int, factor: float, offsets: int, table: list[int]) -> int:
    '''A scheme with branches, a helper in another module, an enum, floats, channels and a table.'''
    if mode == Mode.SUM:
        value: int = a + b
    elif mode == Mode.DIFFERENCE and a != b:
        value = a - b
    else:
        value = wrap(a * b, 8)
    return helper.cut(half_even(float32(value * factor)) + offsets + table[value & 3])
"""

PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import numpy as np
import scheme
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.elementwise import combined
from int8sim.model.step import LookupTable, Step

a, b = (part.ravel().astype(np.uint8) for part in np.meshgrid(np.arange(0, 256, 5), np.arange(0, 256, 3)))
table = LookupTable(np.array([3, -1, 4, -15]))
total = 0
for mode in (3, 4, 5):
    numbers = {{"mode": mode, "factor": np.float32(0.7), "offsets": np.array([7]), "table": table}}
    step = Step(scheme.mine, numbers)
    bound, values = bind(step)
    out = np.empty(a.size, np.uint8)
    kernel = build(combined, {{"combine": bound}})
    kernel(a, b, values, out, (128, 128, 128))
    expected = [step(x - 128, y - 128) + 128 for x, y in zip(a.tolist(), b.tolist())]
    assert out.tolist() == expected, mode
    total += sum(expected)
print(total, sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


class Project:
    """Two modules of a user and a program that compiles one of their functions, each run in a new process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("helper", HELPER)
        self.write("scheme", SCHEME)

    def write(self, module: str, text: str) -> None:
        (self.folder / f"{module}.py").write_text(text)

    def edit(self, module: str, old: str, new: str) -> None:
        path = self.folder / f"{module}.py"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def run(self, program: str = PROGRAM, **environment: str) -> str:
        found = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program).format(folder=str(self.folder))],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                cache.VARIABLE: str(self.folder / "cache"),
                **environment,
            },
        )
        assert found.returncode == 0, found.stderr
        return found.stdout.strip()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_an_unedited_second_process_compiles_nothing(project):
    total, hits, misses = project.run().split()
    assert (hits, misses) == ("0", "1")
    assert project.run().split() == [total, "1", "0"]
    assert len(list((project.folder / "cache").glob("combined_*.py"))) == 1


def test_an_edited_callee_gives_the_new_bits_in_the_next_process(project):
    """The program itself compares with the interpreted function; its sum shows that each edit was effective."""
    edits = [
        ("helper", "LIMIT = 100", "LIMIT = 90"),
        ("helper", "low: int = -LIMIT", "low: int = -50"),
        ("helper", "max(min(value, LIMIT), low)", "min(max(value, low), LIMIT) // 2"),
        ("scheme", "DIFFERENCE = 4", "DIFFERENCE = 6"),
    ]
    sums = [project.run().split()[0]]
    for module, old, new in edits:
        project.edit(module, old, new)
        total, hits, misses = project.run().split()
        assert (hits, misses) == ("0", "1"), new
        sums.append(total)
    assert len(set(sums)) == len(sums)
    for module, old, new in edits:
        project.edit(module, new, old)
    assert project.run().split() == [sums[0], "1", "0"]


EDITED = """
import sys
sys.path.insert(0, {folder!r})
from pathlib import Path
import scheme, helper
from int8sim.kernels.compile import build
from int8sim.kernels.cpu.elementwise import combined
from int8sim.model.errors import CompileError

path = Path(helper.__file__)
path.write_text(path.read_text().replace(OLD, NEW))
kinds = ("scalar", "scalar", "scalar", "table")
try:
    build(combined, {{"combine": (scheme.mine, kinds)}})
except CompileError as error:
    print(error.function, "|", error.reason)
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max(min(value, LIMIT), low)", "max(min(value, LIMIT), low + 1)"),
        ("max(min(value, LIMIT), low)", "max(min(value, LIMIT), value)"),
        ("def cut(value", "def cutting(value"),
    ],
)
def test_a_function_edited_after_import_is_refused(project, old, new):
    program = EDITED.replace("OLD", repr(old)).replace("NEW", repr(new))
    function, reason = project.run(program).split(" | ")
    assert function == "helper.cut"
    assert "has changed since it was imported" in reason


def test_a_constant_edited_from_int_to_float_after_import_is_refused(project):
    project.edit("helper", "return max", "return 2 * max")
    program = EDITED.replace("OLD", repr("return 2 * max")).replace("NEW", repr("return 2.0 * max"))
    assert "has changed since it was imported" in project.run(program)


def test_a_default_edited_after_import_keeps_the_value_of_the_running_process(project):
    """Defaults are taken from the live function, as the interpreter takes them: the program compares the two."""
    program = PROGRAM.replace("import scheme\n", "import scheme, helper\nPath(helper.__file__).write_text(NEW)\n")
    program = "from pathlib import Path\n" + program.replace("NEW", repr(HELPER.replace("-LIMIT", "-3")))
    project.run(program)


def added(parameters):
    """Two small arrays by add_fma with these parameters; how many specializations the kernel has then, and the sum."""
    bound, values = bind(Step(add_fma, parameters))
    kernel = build(combined, {"combine": bound})
    codes, out = np.arange(256, dtype=np.uint8), np.empty(256, np.uint8)
    kernel(codes, codes[::3].repeat(3)[:256].copy(), values, out, (0, 0, 0))
    return len(kernel.signatures), out.tolist()


def test_forms_of_a_parameter_do_not_compile_again():
    plain = {"a_ratio": np.array([0.5, 0.25], np.float32), "b_ratio": np.float32(0.5), "fixed": np.float32(0)}
    plain |= {"low": np.array([0, 0]), "high": 255}
    read_only = plain["a_ratio"].copy()
    read_only.flags.writeable = False
    forms = [
        plain,
        {**plain, "a_ratio": read_only},
        {**plain, "a_ratio": np.repeat(plain["a_ratio"], 2)[::2]},
        {**plain, "a_ratio": plain["a_ratio"].astype(">f4")},
        {**plain, "a_ratio": np.asfortranarray(plain["a_ratio"])},
        {**plain, "low": np.array([0, 0], np.uint8)},
        {**plain, "low": np.array([0, 0], np.int32)[::-1]},
        {**plain, "low": np.array([0, 0], ">i2")},
        {**plain, "low": np.array([False, False])},
        {**plain, "high": np.int16(255)},
        {**plain, "high": np.uint8(255)},
    ]
    results = [added(form) for form in forms]
    assert results[0][0] == 1
    assert results == [results[0]] * len(forms)


def test_float64_stays_float64_and_does_not_compile_again():
    """A float64 parameter is another number than a float32 one: LiteRT's fully connected layer needs it."""
    exact = np.array([1 / 3, 0.1])
    forms = [exact, np.repeat(exact, 2)[::2], exact.astype(">f8"), exact[:]]
    forms[3].flags.writeable = False
    for form in forms:
        _, values = bind(Step(output_real, {"multiplier": form, "zero_point": 0, "low": -128, "high": 127}))
        assert values[0].dtype == np.float64
        assert values[0].dtype.isnative
        assert values[0].flags.c_contiguous
        assert values[0].flags.writeable
        assert values[0].tolist() == exact.tolist()


def test_a_python_float_is_not_truncated():
    _, values = bind(Step(output_real, {"multiplier": 0.75, "zero_point": 0, "low": -128, "high": 127}))
    assert values[0] == 0.75


def test_parameters_must_be_the_functions_last_ones_in_order():
    with pytest.raises(CompileError, match=r"add_fma.*the step gives"):
        bind(Step(add_fma, {"low": 0, "high": 255, "a_ratio": 0.5}))


def test_kernels_are_built_once_per_process():
    bound, _ = bind(Step(add_fma, {"a_ratio": 1, "b_ratio": 1, "fixed": 0, "low": 0, "high": 1}))
    assert build(combined, {"combine": bound}) is build(combined, {"combine": bound})


TABLE = np.arange(4)
NOTHING = {"a": 1}


def reads_an_array(a, b):
    return int(TABLE[a & 3]) + b


def reads_a_dictionary(a, b):
    return NOTHING["a"] + a + b


def calls_an_array_reader(a, b):
    return reads_an_array(a, b)


def make_closure():
    offset = 3

    def closure(a, b):
        return a + b + offset

    return closure


def make_local():
    def local(a, b):
        return a + b

    return local


class Holder:
    @staticmethod
    def method(a, b):
        return a + b


def calls_a_method(a, b):
    return Holder.method(a, b)


anonymous = lambda a, b: a + b  # noqa: E731
if TABLE.size:

    def indented(a, b):
        return a + b


@functools.wraps(reads_an_array)
def pretends(a, b):
    return a + b


@pytest.mark.parametrize(
    ("function", "named", "reason"),
    [
        (reads_an_array, "reads_an_array", "refers to TABLE, a ndarray; pass that as a parameter"),
        (calls_an_array_reader, "reads_an_array", "refers to TABLE, a ndarray"),
        (reads_a_dictionary, "reads_a_dictionary", "refers to NOTHING, a dict"),
        (calls_a_method, "calls_a_method", "refers to Holder, a type"),
        (make_closure(), "make_closure.<locals>.closure", "a function at module level"),
        (make_local(), "make_local.<locals>.local", "a function at module level"),
        (Holder.method, "Holder.method", "a function at module level"),
        (anonymous, "<lambda>", "a function at module level"),
        (indented, "indented", "a function at module level"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_what_cannot_be_flattened_is_refused_by_name(function, named, reason):
    with pytest.raises(CompileError) as caught:
        build(combined, {"combine": (function, ())})
    assert caught.value.function == f"{__name__}.{named}"
    assert reason in caught.value.reason


def test_a_table_is_a_parameter():
    step = Step(reads_parameter, {"table": LookupTable(np.array([5, 6, 7, 8], np.int8))})
    bound, values = bind(step)
    out = np.empty(4, np.uint8)
    build(combined, {"combine": bound})(np.arange(4, dtype=np.uint8), np.zeros(4, np.uint8), values, out, (0, 0, 0))
    assert out.tolist() == [5, 6, 7, 8]


def reads_parameter(a, b, table):
    return table[a & 3] + b


def test_roles_cannot_be_called_uncompiled():
    with pytest.raises(NotImplementedError):
        combine(1, 2, (), 0)


@pytest.fixture
def cache_at(monkeypatch, tmp_path):
    """cache_directory() anew, with INT8SIM_CACHE at some folder."""

    def find(folder):
        monkeypatch.setenv(cache.VARIABLE, str(folder))
        cache.cache_directory.cache_clear()
        return cache.cache_directory()

    yield find
    cache.cache_directory.cache_clear()


def is_private_temporary(folder):
    assert folder.name.startswith("int8sim-")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rmdir()


def test_the_named_folder_is_made_and_private(cache_at, tmp_path):
    assert cache_at(tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    assert (tmp_path / "new" / "folder").stat().st_mode & 0o777 == 0o700


def test_without_a_name_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache.cache_directory.cache_clear()
    try:
        assert cache.cache_directory() == tmp_path / "int8sim"
    finally:
        cache.cache_directory.cache_clear()


def test_a_folder_that_cannot_be_made_falls_back(cache_at, tmp_path):
    (tmp_path / "file").write_text("")
    is_private_temporary(cache_at(tmp_path / "file" / "below"))
    is_private_temporary(cache_at(tmp_path / "file"))


@pytest.mark.skipif(os.getuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_falls_back(cache_at, tmp_path):
    tmp_path.chmod(0o500)
    is_private_temporary(cache_at(tmp_path))
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_falls_back(cache_at, tmp_path):
    os.chown(tmp_path, 12345, 12345)
    is_private_temporary(cache_at(tmp_path))
    os.chown(tmp_path, 0, 0)


def test_a_folder_that_everybody_may_write_falls_back(cache_at, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    is_private_temporary(cache_at(tmp_path / "open"))
