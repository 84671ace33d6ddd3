"""The page of CUDA's resources holds what the assembler says of the kernels now."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("numba_cuda", reason="numba-cuda is not installed")


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import cuda_resources_page

    if f"By {cuda_resources_page.versions()}." not in cuda_resources_page.PAGE.read_text():
        pytest.skip("other versions of the compilers wrote the page")
    return cuda_resources_page


def test_kernels_of_a_committed_network(tool, compared):
    page = set(tool.PAGE.read_text().splitlines())
    lines = tool.rows([tool.lenet(tool.LENET[0])])
    assert {f"| {' | '.join(line)} |" for line in lines} <= page
    compared(len(lines) * len(lines[0]), what="cells")


@pytest.mark.slow
def test_every_kernel(tool, compared):
    part = tool.text(lines := tool.rows(tool.networks()))
    assert f"<!-- {tool.PART} -->\n\n{part}\n\n<!-- end -->" in tool.PAGE.read_text()
    compared(len(lines) * len(lines[0]), what="cells")
