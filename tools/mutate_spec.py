"""Change the specification in every way the syntax tree offers, and list the changes that no fast test notices.

    python tools/mutate_spec.py                          all of int8sim/spec, thousands of mutants
    python tools/mutate_spec.py --module requantize      some modules
    python tools/mutate_spec.py --sample 20 --seed 1     a sample
    python tools/mutate_spec.py --list-survivors         only the mutants that live, as tools/spec_equivalent.toml keys

A mutant is killed by a failing test or by its time limit; it is equivalent by tools/spec_equivalent.toml, which gives
the proof, or because it was compared with the original on all arguments; else it survives. Docstrings and annotations
are not mutated: an operand's word (S32) is data that tests/spec/test_operand_limits.py reads, and another changes no
output. Tests that compile a function are not asked: the compiler refuses a text that is not the file's.

Exit status 1 where survivors are 3 % or more, a proof names a mutant that is not generated, or is refuted by a test.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
sys.path.insert(0, str(TOOLS))

from mutation.project import Project  # noqa: E402 (the folder must be on the path)
from mutation.recording import Recording  # noqa: E402
from mutation.report import Report  # noqa: E402
from mutation.runner import Runner  # noqa: E402

TESTS = ["tests/spec", "tests/calibration/test_entropy.py", "tests/profiles"]


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--module", nargs="+", default=[], help="modules by their name within the package")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="children at a time")
    parser.add_argument("--json", type=Path, help="write every mutant's outcome here")
    parser.add_argument("--sample", type=int, default=0, help="only so many mutants, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list-survivors", action="store_true", help="print their keys only")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="outcomes of unchanged texts are kept here")
    parser.add_argument("--root", type=Path, default=TOOLS.parent, help="the folder of the package and its tests")
    parser.add_argument("--package", default="int8sim.spec")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="test files and folders, relative to the root")
    parser.add_argument("--seconds", type=int, default=20, help="processor time a mutant has at least")
    parser.add_argument("--proofs", type=Path, default=TOOLS / "spec_equivalent.toml")
    return parser.parse_args()


def default_cache() -> Path:
    """The user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "int8sim-mutation"


def main() -> int:
    """The exit status."""
    given = arguments()
    os.environ.pop("INT8SIM_ORACLES", None)  # what everybody can run must notice
    project = Project(given.root.resolve(), given.package, tuple(given.tests), "int8sim.kernels.compile")
    sys.path.insert(0, str(project.root))
    if project.package.partition(".")[0] in sys.modules:
        raise SystemExit(f"{project.package} is imported already, so that no constant of it can be changed")
    given.cache.mkdir(parents=True, exist_ok=True)
    modules = [module for module in project.modules() if not given.module or module.label in given.module]
    report = Report(modules, given.proofs, quiet=given.list_survivors)
    if given.sample:
        sample(modules, given.sample, given.seed)
    recording = Recording(project, given.cache, given.jobs)
    Runner(project, recording, given.jobs, given.cache, given.seconds).run(modules, report.tell)
    if given.json:
        given.json.write_text(json.dumps(report.outcomes, indent=1) + "\n", "utf-8")
    return report.end()


def sample(modules: list, count: int, seed: int) -> None:
    """Leave `count` mutants of all."""
    every = [mutant.key for module in modules for mutant in module.mutants]
    kept = set(random.Random(seed).sample(every, min(count, len(every))))
    for module in modules:
        module.mutants = [mutant for mutant in module.mutants if mutant.key in kept]


if __name__ == "__main__":
    sys.exit(main())
