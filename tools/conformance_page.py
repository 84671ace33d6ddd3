"""Make docs/conformance.md: every witness, how many values were compared with it, and where it can be had.

    INT8SIM_ORACLES=<folder> python tools/conformance_page.py [--fast]

Runs the tests that tools/witnesses.toml names, the slow ones too (--fast: without those), and ends with status 1 where
one fails. SHA-256 of recorded files go to docs/conformance-files.txt, in the format of sha256sum.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
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
HEADER = """# Conformance: who proves int8sim, on how many values

Made by `python tools/conformance_page.py`; every line is a test that compares bit for bit, and fails at one difference.
A witness is somebody else's: a vendor's engine run live, vectors that a vendor recorded, RTL in simulation, the
processor's own instruction. Machine: {machine}.
"""


def main() -> int:
    """Run every witness, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="without the tests marked slow")
    fast = parser.parse_args().fast
    witnesses = tomllib.loads((ROOT / "tools" / "witnesses.toml").read_text())["witness"]
    counts = [measure(entry, fast) for entry in witnesses]
    PAGE.write_text(page(witnesses, counts))
    FILES.write_text(digests(witnesses))
    return 0 if all(counts) else 1


def measure(entry: dict[str, Any], fast: bool) -> Counter[str]:
    """Values compared by test and operator; empty where a test failed or nothing ran."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "counts.json"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", f"--counts={written}"]
        command += [] if fast else ["-m", "slow or not slow"]
        status = subprocess.run([*command, *entry["tests"]], cwd=ROOT, check=False).returncode
        print(f"{entry['name']}: pytest ended with {status}", flush=True)
        return Counter(json.loads(written.read_text())) if status == 0 else Counter()


def page(witnesses: list[dict[str, Any]], counts: list[Counter[str]]) -> str:
    """The page's text."""
    parts = [HEADER.format(machine=machine())]
    for entry, found in zip(witnesses, counts, strict=True):
        total = f"{sum(found.values()):,}" if found else "not run"
        parts += [f"## {entry['name']}: {total}", f"{source(entry)}\n", "| test | values compared |\n| --- | ---: |"]
        parts[-1] += "".join(f"\n| `{name.strip()}` | {count:,} |" for name, count in sorted(found.items()))
        parts[-1] += "\n"
    return "\n".join(parts)


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
