"""Ask a GPU everything that int8sim claims of it, and measure its kernels: one JSON, in eight minutes.

    python3 tools/gpu_check.py OUT.json                the first CUDA device
    python3 tools/gpu_check.py OUT.json --simulator    Numba's simulator of one, reduced sizes, no figures of speed
    python3 tools/gpu_check.py OUT.json --interpreter  the same by int8sim's interpreter of PTX

It needs numba, numba-cuda with a CUDA compiler, numpy and h5py; torch, where it is installed, is measured beside. Each
section runs in a process of its own, so that one that crashes the device takes no other with it, and says ok, failed or
skipped, and why. Exit status 0: nothing differs, 1: something differs or failed, 2: bad usage, or no device.

Kept as golden/gpu/<device>.json, the file is what docs/cuda.md and `int8sim doctor` quote.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent
sys.path[:0] = [str(TOOLS), str(ROOT)]

SECTIONS = {
    "machine": ("machine", "facts", 20),
    "words": ("instructions", "words", 40),
    "copies": ("instructions", "copies", 15),
    "products": ("instructions", "products", 40),
    "conversions": ("instructions", "conversions", 30),
    "floats": ("instructions", "floats", 60),
    "matrices": ("layers", "matrices", 30),
    "networks": ("networks", "networks", 110),
    "speed": ("speed", "speed", 90),
    "schemes": ("layers", "schemes", 50),
    "calibration": ("networks", "calibration", 30),
    "layers": ("layers", "layers", 80),
    "hashes": ("instructions", "hashes", 100),
}
"""Module in tools/gpu, function, seconds; in this order."""


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the JSON file")
    parser.add_argument("--simulator", action="store_true", help="Numba's CUDA simulator, reduced sizes")
    parser.add_argument("--interpreter", action="store_true", help="PTX executed by the processor, reduced sizes")
    parser.add_argument("--seconds", type=float, default=450.0, help="sections end after so long, or 30 s later")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), metavar="SECTION")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--before", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.reduced = given.simulator or given.interpreter
    return given


def main() -> int:
    """The exit status."""
    given = arguments()
    if given.child:
        run_sections(given)
        return 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        sections = ask(given, Path(folder), begun + given.seconds)
    content = summary(sections, given, time.monotonic() - begun)
    temporary = given.out.with_name(f"{given.out.name}.partial")
    temporary.write_text(json.dumps(content, indent=1) + "\n")
    temporary.replace(given.out)
    show(content)
    if all(each["status"] == "skipped" for each in sections.values()):
        return 2
    return int(any(each["status"] == "failed" for each in sections.values()))


def ask(given: argparse.Namespace, folder: Path, until: float) -> dict[str, Any]:
    """What every section told. Where there is no device that could crash, one process runs them all."""
    found: dict[str, Any] = {}
    for names in [given.sections] if given.reduced else [[name] for name in given.sections]:
        absent = found.get("machine", {"status": ""})["status"] == "skipped"
        if absent or time.monotonic() > until:
            reason = found["machine"]["reason"] if absent else f"{given.seconds:.0f} s were over"
            unasked = {
                "status": "skipped",
                "reason": reason,
                "seconds": 0.0,
                "lines": [],
                "compared": 0,
                "different": 0,
            }
            found |= {name: dict(unasked) for name in names}
            continue
        print(f"{', '.join(names)} ...", file=sys.stderr, flush=True)
        before = folder / "before.json"
        before.write_text(json.dumps({name: each["lines"] for name, each in found.items()}))
        found |= child(given, names, folder / f"{names[0]}.jsonl", before, until - time.monotonic())
    return found


def child(given: argparse.Namespace, names: Sequence[str], lines: Path, before: Path, seconds: float) -> dict[str, Any]:
    """What the sections told in a process of their own, however it ended. seconds: that are left for all."""
    from gpu.report import gathered

    command = [sys.executable, __file__, str(given.out), "--child", str(lines), "--before", str(before)]
    command += [
        "--seconds",
        str(seconds),
        "--sections",
        *names,
        *["--simulator"] * given.simulator,
        *["--interpreter"] * given.interpreter,
    ]
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1" if given.simulator else "0"}
    limit = 3600 if given.reduced else 30 + min(seconds, sum(SECTIONS[name][2] for name in names))
    try:
        done = subprocess.run(command, env=environment, timeout=limit, check=False, stderr=subprocess.PIPE, text=True)
        reason = f"its process ended with status {done.returncode}: {done.stderr.strip()[-2000:]}"
    except subprocess.TimeoutExpired:
        reason = f"stopped after {limit:.0f} s"
    return gathered(lines, names, reason)


def run_sections(given: argparse.Namespace) -> None:
    """In the child: every section's lines as they come, and how it ended."""
    import warnings

    from gpu.report import tell

    if given.simulator:
        warnings.simplefilter("ignore", RuntimeWarning)  # NumPy's words wrap, as they should
    before = json.loads(given.before.read_text())
    for name in given.sections:
        tell(given.child, name, "begun", None)
        start = time.monotonic()
        with executor(given):
            status, reason = section(name, given, before)
        tell(given.child, name, "ended", [status, reason, time.monotonic() - start])


def executor(given: argparse.Namespace) -> AbstractContextManager[None]:
    """Who runs the kernels: the device or Numba's simulator, unless they are interpreted."""
    if not given.interpreter:
        return nullcontext()
    from int8sim.kernels.cuda.interpreter.execute import interpreted

    return interpreted()


def section(name: str, given: argparse.Namespace, before: dict[str, Any]) -> tuple[str, str]:
    """ok, skipped or failed, and why."""
    from importlib import import_module

    from gpu.report import SkippedError, tell

    module, function, seconds = SECTIONS[name]
    told = before.setdefault(name, [])
    try:
        from gpu.budget import Budget
        from gpu.machine import capability

        budget = Budget(given.reduced, capability(), time.monotonic() + min(seconds, given.seconds), before)
        for line in getattr(import_module(f"gpu.{module}"), function)(budget):
            tell(given.child, name, "line", line)
            told.append(vars(line))
    except SkippedError as reason:
        return "skipped", str(reason)
    except Exception:  # whatever it is, it is told
        return "failed", traceback.format_exc(limit=-6)
    return "ok", ""


def summary(sections: dict[str, Any], given: argparse.Namespace, seconds: float) -> dict[str, Any]:
    """The file."""
    machine = sections.get("machine", {"lines": []})["lines"]
    return {
        "machine": machine[0]["facts"] if machine else {},
        "executed by": "simulator" if given.simulator else "interpreter" if given.interpreter else "device",
        "seconds": round(seconds, 1),
        "compared": sum(each["compared"] for each in sections.values()),
        "different": sum(each["different"] for each in sections.values()),
        "sections": sections,
    }


def show(content: dict[str, Any]) -> None:
    """On the screen."""
    for name, each in content["sections"].items():
        counts = f"{each['compared']:>16,} compared {each['different']:>10,} differ {each['seconds']:>7.1f} s"
        print(f"{name:12} {each['status']:8} {counts}  {each['reason'].strip().splitlines()[-1:] or ''}")
    print(f"{content['compared']:,} values compared, {content['different']:,} differ")


if __name__ == "__main__":
    sys.exit(main())
