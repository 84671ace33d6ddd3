"""The page of CUDA says what the devices' files say, or that there is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTIONS = {
    "words": {"status": "ok", "compared": 608, "different": 0, "reason": "", "lines": []},
    "speed": {
        "status": "failed",
        "compared": 0,
        "different": 0,
        "reason": "Traceback\nRuntimeError: a | b\n",
        "lines": [
            {"name": "copy", "facts": {"GB/s": 2345.678, "seconds": 1.0}},
            {"name": "torch is not installed", "facts": {}},
        ],
    },
}


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import gpu_page

    return gpu_page


def test_the_page_holds_what_the_files_say(tool):
    part = tool.text(sorted((ROOT / "golden" / "gpu").glob("*.json")))
    assert f"<!-- {tool.PART} -->\n\n{part}\n\n<!-- end -->" in tool.PAGE.read_text()


def test_a_device(tool, tmp_path):
    machine = {"device": "NVIDIA X", "capability": "9.0", "int8sim": "0.1.0", "packages": {"numba": "1"}}
    (tmp_path / "x.json").write_text(json.dumps({"machine": machine, "sections": SECTIONS}))
    found = tool.text([tmp_path / "x.json"])
    assert found.startswith("### NVIDIA X\n\nCapability 9.0, int8sim 0.1.0; numba 1.\n\n| section |")
    assert "| words | ok | 608 | 0 |  |" in found
    assert "| speed | failed | 0 | 0 | RuntimeError: a \\| b |" in found
    assert found.endswith("| copy |  | 2.35e+03 |  |")
