"""Make docs/conformance.md: every witness, how many values were compared with it, and where it can be had.

    INT8SIM_ORACLES=<folder> python tools/conformance_page.py [--fast] [--only WORDS ...]

Runs the tests that tools/witnesses.toml names, the slow ones too (--fast: without those), and ends with status 1 where
one fails. --only: the witnesses whose names hold one of these words; the others stay on the page as they are.
SHA-256 of recorded files go to docs/conformance-files.txt, in the format of sha256sum.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE, FILES = ROOT / "docs" / "conformance.md", ROOT / "docs" / "conformance-files.txt"
NOT_RUN = "not run"
HEADER = """# Conformance: who proves int8sim, on how many values

Made by `python tools/conformance_page.py`; every line is a test that compares bit for bit, and fails at one difference.
A witness is somebody else's: a vendor's engine run live, vectors that a vendor recorded, RTL in simulation, the
processor's own instruction. Where a witness computes in float32, its title says how far it may differ.
Machine: {machine}.
"""


def main() -> int:
    """Run every witness, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="without the tests marked slow")
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORDS", help="part of a witness's name")
    given = parser.parse_args()
    witnesses, kept = tomllib.loads((ROOT / "tools" / "witnesses.toml").read_text())["witness"], sections()
    for entry in witnesses:
        if any(words in entry["name"] for words in given.only):
            kept[entry["name"]] = section(entry, measure(entry, given.fast))
    parts = [kept.get(entry["name"]) or section(entry, Counter()) for entry in witnesses]
    PAGE.write_text("\n".join([HEADER.format(machine=machine()), *parts]))
    FILES.write_text(digests(witnesses))
    return 1 if any(NOT_RUN in part.partition("\n")[0] for part in parts) else 0


def sections() -> dict[str, str]:
    """The page as it is: the text of each witness by its name."""
    found = re.split(r"^(?=## )", PAGE.read_text() if PAGE.exists() else "", flags=re.MULTILINE)[1:]
    return {text.removeprefix("## ").partition("\n")[0].rpartition(": ")[0]: text.rstrip("\n") + "\n" for text in found}


def measure(entry: dict[str, Any], fast: bool) -> Counter[str]:
    """Values compared by test and operator; empty where a test failed or nothing ran."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", f"--counts={written}"]
        command += [] if fast else ["-m", "slow or not slow"]
        status = subprocess.run([*command, *entry["tests"]], cwd=ROOT, check=False).returncode
        print(f"{entry['name']}: pytest ended with {status}", flush=True)
        return Counter(json.loads(written.read_text())) if status == 0 else Counter()


def section(entry: dict[str, Any], found: Counter[str]) -> str:
    """One witness's part of the page."""
    total = f"{sum(found.values()):,}" if found else NOT_RUN
    rows = "".join(f"\n| `{name.strip()}` | {count:,} |" for name, count in sorted(found.items()))
    table = f"| test | values compared |\n| --- | ---: |{rows}"
    return f"## {entry['name']}: {total}\n{source(entry)}\n\n{table}\n"


def source(entry: dict[str, Any]) -> str:
    """Where a witness can be had."""
    if "package" in entry:
        return f"{entry['package']} {version(entry['package'])}: {entry['where']}."
    if "files" in entry:
        return f"{entry['where']}; SHA-256 of each file as read here: [conformance-files.txt](conformance-files.txt)."
    if "recorded" in entry:
        digest = hashlib.sha256((ROOT / entry["recorded"]).read_bytes()).hexdigest()
        return f"{entry['where']}, SHA-256 `{digest}`."
    return f"{entry['where']}."


def digests(witnesses: list[dict[str, Any]]) -> str:
    """sha256sum's lines for every recorded file."""
    folder = Path(os.environ["INT8SIM_ORACLES"])
    paths = sorted({path for entry in witnesses for path in folder.glob(entry.get("files", "-")) if path.is_file()})
    return "".join(f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.relative_to(folder)}\n" for p in paths)


def machine() -> str:
    """The processor and what of it matters."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    wanted = ("avx2", "fma", "avx512f", "avx512vnni", "avxvnni")
    return f"{binding.get_host_cpu_name()} with {', '.join(name for name in wanted if features.get(name))}"


if __name__ == "__main__":
    sys.exit(main())
