"""The page of schemes is what its tool writes, and what it says of an engine holds."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "requantization-schemes.md"


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(ROOT / "tools"))
    pytest.importorskip("onnx")
    try:
        import scheme_table
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return scheme_table


def test_the_page_follows_from_the_profiles(tool):
    text = PAGE.read_text()
    again = tool.put(text, tool.FROM_PROFILES, tool.from_profiles())
    assert again == text, "run python tools/scheme_table.py --profiles"


def test_every_engine_has_a_scheme_without_a_wrong_output(tool):
    rows = re.findall(r"^\| (\w+), (\w+) \| ([\d,]+) \| (.*) \|$", PAGE.read_text(), re.MULTILINE)
    assert len(rows) >= 10
    for engine, operator, outputs, counts in rows:
        assert int(outputs.replace(",", "")) >= tool.OUTPUTS, (engine, operator)
        assert "**0**" in counts.split(" | "), (engine, operator)


@pytest.mark.engine
@pytest.mark.parametrize(
    ("engine", "operator", "scheme"),
    [
        ("tflite_reference", "conv2d", "double"),
        ("tflite_optimized", "conv2d", "double_up"),
        ("xnnpack", "fully_connected", "float_rne"),
    ],
)
def test_an_engines_own_scheme_is_never_wrong(tool, engine, operator, scheme):
    if engine not in tool.installed():
        pytest.skip(f"{tool.PACKAGES[engine]} is not installed")
    compared, counts = tool.wrong(engine, operator, 100_000)
    assert compared >= 100_000
    assert counts[scheme] == 0
