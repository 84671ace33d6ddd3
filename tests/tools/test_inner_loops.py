"""tools/inner_loops.py on a made-up listing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LISTING = """
.LBB0_1:
	.p2align	4
	vmovups	(%rsi), %zmm0
.LBB0_2:
	vmovups	8(%rsp), %zmm1
	vpdpbusd	%zmm0, %zmm1, %zmm2
	{vex}	vpdpbusd	%ymm0, %ymm1, %ymm2
	je	.LBB0_3
	addq	$1, %rax
.LBB0_3:
	jne	.LBB0_2
	jne	.LBB0_1
	retq
"""


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    monkeypatch.delitem(sys.modules, "inner_loops", raising=False)
    import inner_loops

    return inner_loops


def test_the_innermost_loop_is_counted(tool):
    (loop,) = tool.loops(LISTING)
    assert [line.split()[0] for line in loop.lines] == ["vmovups", "vpdpbusd", "{vex}", "je", "addq", "jne"]
    assert tool.row("k", "s", "vpdpbusd", LISTING) == ["k", "s", "`vpdpbusd`", "2", "6", "1", "1"]
