"""The page of performance: its targets are of the bench's jobs and contenders, and it says what the figures say."""

import sys
from itertools import chain
from pathlib import Path

import pytest

from int8sim.bench import Setting, floats, integers
from int8sim.bench.job import Job
from int8sim.bench.peers import ENGINES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def tool():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import performance_page
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return performance_page


def content(instruction_set, threads, lines):
    """As `int8sim bench --json` writes it; lines: (job, who) -> GMAC/s."""
    given = [
        {"group": "g", "job": job, "who": who, "unit": "GMAC/s", "seconds": 0.001, "value": value, "turns": [value]}
        for (job, who), value in lines.items()
    ]
    return {"instruction_set": instruction_set, "threads": threads, "machine": ["a machine"], "lines": given}


def test_targets_are_of_jobs_and_contenders_that_there_are(tool, monkeypatch):
    for module in (integers, floats):
        monkeypatch.setattr(module, "_job", lambda name, *_: Job(name, "", 0, ()))
    makers = (integers.product_jobs, integers.convolution_jobs, integers.network_jobs, floats.float_jobs)
    jobs = [job.name for job in chain.from_iterable(maker(Setting(peers=False)) for maker in makers)]
    own = [f"int8sim {each.arithmetic}" for each in ENGINES]
    peers = [f"{each.peer} {each.types}".rstrip() for each in ENGINES]
    known = {*own, *peers, *(f"{each}, 1 thread" for each in own), "torch, int32 out", "torch", "ceiling"}
    known |= {"int8sim, FMA chain", "ONNX Runtime"}
    for target in tool.targets():
        assert any(target.matches(job) for job in jobs), target
        assert {*target.ours, *target.theirs} <= known, target


def test_ratios_are_to_the_fastest_and_columns_are_instruction_sets(tool):
    target = tool.Target(["GEMM *"], ["int8sim a"], ["P", "Q"], 1.0, images=10, why="Cold.")
    first = {("GEMM 1", "int8sim a"): 9.0, ("GEMM 1", "P"): 6.0, ("GEMM 1", "Q"): 3.0, ("conv", "int8sim a"): 1.0}
    second = {("GEMM 1", "int8sim a"): 9.0, ("GEMM 1", "Q"): 12.0}
    runs = tool.joined([content("x", 1, first), content("y", 1, second), content("y", 2, first)])
    found = tool.target_table(runs, [target]).splitlines()
    assert found[0] == "| case | int8sim as | against | at least | x | y |"
    each = "100.00 us an image"
    assert found[2:] == [f"| GEMM 1 | a | P or Q | 1 | 1.50 met, {each} | 0.75 **missed**, {each} |"]
    assert tool.missed(runs, [target]) == "**a against P or Q, 1**: GEMM 1 0.75 (y). Cold."


def test_the_page_keeps_what_is_written_by_hand(tool):
    page = tool.PAGE.read_text()
    figure = {"name": "peak", "value": 310.0, "unit": "MB", "most": 300}
    lines = {("LeNet, batch 1", "int8sim xnnpack"): 5.0, ("LeNet, batch 1", "XNNPACK"): 2.0}
    made = tool.written(page, [content("x", 1, lines), {"figures": [figure]}], tool.targets())
    assert "| peak | 300 MB | 310 MB | **missed** |" in made
    assert "| LeNet, batch 1 | GMAC/s | 5 | 2 |" in made
    assert "    a machine" in made
    assert tool.written(made, [], []) == made
    assert page.partition("<!-- machine -->")[0] == made.partition("<!-- machine -->")[0]
