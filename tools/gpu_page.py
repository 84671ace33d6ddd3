"""The part of docs/cuda.md that says what devices answered: golden/gpu/*.json as tools/gpu_check.py wrote them.

python tools/gpu_page.py            print it
python tools/gpu_page.py --write    put it into docs/cuda.md
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pages import show, table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cuda.md"
PART = "device results"
NONE = "No GPU has run int8sim's kernels yet: `golden/gpu` holds no device's results."
FIGURES = ("TOP/s", "GB/s", "us an image")


def text(files: Iterable[Path]) -> str:
    """Every device: what was compared, and how fast it was."""
    return "\n\n".join(_device(json.loads(path.read_text())) for path in files) or NONE


def _device(content: Mapping[str, Any]) -> str:
    machine, sections = content["machine"], content["sections"]
    packages = ", ".join(f"{name} {each}" for name, each in machine["packages"].items())
    head = f"### {machine['device']}\n\nCapability {machine['capability']}, int8sim {machine['int8sim']}; {packages}."
    rows = [
        [name, each["status"], f"{each['compared']:,}", f"{each['different']:,}", _reason(each["reason"])]
        for name, each in sections.items()
    ]
    compared = table(["section", "status", " compared", " differ", "why"], rows)
    lines = [line for line in sections.get("speed", {"lines": []})["lines"] if set(FIGURES) & set(line["facts"])]
    rows = [[line["name"], *(_figure(line["facts"].get(each)) for each in FIGURES)] for line in lines]
    return "\n\n".join([head, compared, table(["median of seven turns", *(f" {each}" for each in FIGURES)], rows)])


def _reason(reason: str) -> str:
    """Its last line, on which an error says what it is."""
    return reason.strip().splitlines()[-1].replace("|", "\\|") if reason.strip() else ""


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


if __name__ == "__main__":
    show(PAGE, PART, text(sorted((ROOT / "golden" / "gpu").glob("*.json"))))
