"""The plugin in a user's own tests: fixtures, option, marker, and what a mismatch prints."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_backends_are_parameters(inside):
    result = inside("def test_one(int8_backend): print('on', int8_backend)", "-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_one?reference? PASSED*", "*test_one?cpu? PASSED*"])


def test_a_backend_can_be_chosen(inside):
    result = inside("def test_one(int8_backend): assert int8_backend == 'cpu'", "--int8-backend", "cpu")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(("name", "why"), [("abacus", "it is unknown"), ("cuda", "CUDA")])
def test_a_backend_that_cannot_run_is_a_usage_error(inside, name, why):
    from int8sim.testing import available_backends

    if available_backends().get(name) == "":
        pytest.skip(f"{name} runs here")
    result = inside("def test_one(int8_backend): pass", "--int8-backend", name)
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*--int8-backend {name}: *{why}*; available here: reference, cpu*"])


def test_a_golden_file_runs_and_verifies(inside):
    result = inside(
        """
        import pytest

        @pytest.mark.int8_golden("golden.h5")
        def test_marked(golden, int8_backend):
            assert golden.run(backend=int8_backend) == golden.expected
            assert golden.verify(backend=int8_backend)
            golden.check({"d": golden.expected["d"][:2]})

        @pytest.mark.parametrize("golden", ["golden.h5"], indirect=True)
        def test_by_a_parameter(golden):
            assert golden.path.name == "golden.h5"
            assert golden.graph.inputs == tuple(golden.inputs)
        """
    )
    result.assert_outcomes(passed=3)


def test_a_missing_golden_file_fails_or_is_skipped(inside):
    result = inside(
        """
        import pathlib
        import pytest

        @pytest.mark.int8_golden("none.h5")
        def test_fails(golden): pass

        @pytest.mark.int8_golden("none.h5", missing="skip")
        def test_skips(golden): pass

        @pytest.mark.int8_golden("test_a_missing_golden_file_fails_or_is_skipped.py", missing="skip")
        def test_damaged(golden): pass

        def test_unnamed(golden): pass
        """,
        "-rs",
    )
    result.assert_outcomes(errors=3, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "*none.h5*no such file*",
            "*not an HDF5 file*",
            "*the fixture golden needs a path*",
            "*there is no golden file*",
        ]
    )


CHANGED = """
    import numpy as np
    import pytest

    @pytest.mark.int8_golden("golden.h5")
    def test_it(golden):
        actual, expected = golden.run(), golden.expected
        actual["d_quantized"] = actual["d_quantized"].copy()
        actual["d_quantized"][2, 1] += 3
        name = "d_quantized"
        {statement}
"""
EXPLAINED = [
    "*tensor d_quantized: 1 of 12 values differ*",
    "*layer dense (fully_connected), tensor d_quantized, index ?2, 1?",
    "*expected *, actual * (difference +3)",
    "*accumulator *",
    "*output: output_real(multiplier=*",
]
COUNTED = ["*1 of 12 values differ, by 3 at most", "*first at index ?2, 1?: expected *, actual * (difference +3)"]


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        ("assert actual == expected", EXPLAINED),
        ("golden.check(actual)", EXPLAINED),
        ("assert np.array_equal(actual[name], expected[name])", COUNTED),
        ("np.testing.assert_array_equal(actual[name], expected[name])", COUNTED),
        ("assert (actual[name] == expected[name]).all()", COUNTED),
        ("assert actual[name] == expected[name]", COUNTED),
    ],
)
def test_a_mismatch_is_printed_as_the_comparer_does(inside, statement, lines):
    result = inside(CHANGED.format(statement=statement))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(lines)


def test_an_array_of_one_value(inside):
    result = inside("import numpy as np\ndef test_it(): assert np.array([3], 'i1') == np.array([5], 'i1')")
    result.stdout.fnmatch_lines(["*tensors differ*", "*first at index ?0?: expected 5, actual 3 (difference -2)"])


@pytest.mark.parametrize("statement", ["assert report", "assert int8sim.verify('golden.h5', graph=other)"])
def test_a_golden_comparison_is_printed(inside, statement):
    result = inside(
        f"""
        import dataclasses
        import int8sim

        def test_it():
            graph = int8sim.load("golden.h5")
            name = next(iter(graph.constants))
            other = dataclasses.replace(graph, constants={{**graph.constants, name: graph.constants[name] * 0}})
            report = int8sim.verify("golden.h5", graph=other) if "{statement}" == "assert report" else None
            {statement}
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*int8sim*",
            "tensor d_quantized: * of 12 values differ, samples*",
            "layer dense (fully_connected)*",
            "*accumulator 0*",
        ]
    )


def test_what_it_does_not_understand_is_left_alone(inside):
    result = inside(
        """
        def test_numbers(): assert 1 == 2
        def test_mappings(): assert {"a": 1} == {"a": 2}
        def test_a_call(): assert isinstance(1, str)
        def test_an_error(): raise ValueError("no array here")
        def test_a_comprehension():
            import numpy
            assert [value == numpy.abs(value) for value in (1, -1)] == [True, True]
        """
    )
    result.assert_outcomes(failed=5)
    assert "int8sim" not in "\n".join(line for line in result.outlines if line.startswith(("-", "tensor")))


LOADED = """
import sys
import pytest, ast, textwrap
before = set(sys.modules)
import int8sim.pytest_plugin
print(sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""


def test_every_pytest_run_loads_next_to_nothing():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    assert done.stdout == "['int8sim']\n"


def test_the_entry_points_name_what_exists():
    points = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert importlib.import_module(points["pytest11"]["int8sim"]).pytest_addoption
    module, name = points["hypothesis"]["int8sim"].split(":")
    assert callable(getattr(importlib.import_module(module), name))
