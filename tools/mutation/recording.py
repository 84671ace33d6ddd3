"""Which fast test calls which function of the package, kept between runs: what judges a mutant."""

from __future__ import annotations

import json
import sys
from itertools import accumulate
from pathlib import Path
from typing import Any

from mutation.mutants import Mutant
from mutation.pool import forked
from mutation.project import Project, digest
from mutation.sessions import record

ELSEWHERE = 5  # seconds of tests of other modules that judge a mutant as well
WHOLE = 1 << 20  # seconds of processor time for a whole session


class Recording:
    """tests: {id: {"seconds", "calls", "failed"}} of all tests that judge; recorded again where a file has changed."""

    def __init__(self, project: Project, cache: Path, jobs: int) -> None:
        self.project, path = project, cache / "calls.json"
        old = json.loads(path.read_text("utf-8")) if path.exists() else {}
        stamps, package = {}, project.package_stamp()
        for file in project.test_files():
            stamps[file.relative_to(project.root).as_posix()] = digest(package, project.stamp([file]))
        kept = {name: old[name] for name in stamps if old.get(name, {}).get("stamp") == stamps[name]}
        stale = [name for name in stamps if name not in kept]
        if stale:
            found = self._record(stale, jobs)
            kept |= {name: {"stamp": stamps[name], "tests": found.get(name, {})} for name in stale}
            path.write_text(json.dumps(kept), "utf-8")
        self._judges: dict[tuple[str, bool], list[str]] = {}
        self.tests = {test: seen for name in sorted(kept) for test, seen in kept[name]["tests"].items()}

    def _record(self, names: list[str], jobs: int) -> dict[str, dict[str, Any]]:
        """By file. Stops the program if a test fails with nothing mutated."""
        print(f"recording what the tests of {len(names)} files call", file=sys.stderr, flush=True)
        files = [self.project.root / name for name in names]
        [(_, found)] = forked([files], lambda each: record(self.project, each, jobs), 1, lambda _: WHOLE)
        failed = [seen["failed"] for seen in found.values() if seen["failed"]]
        if failed:
            raise SystemExit(f"with nothing mutated {len(failed)} tests fail, among them {failed[0]}")
        by_file: dict[str, dict[str, Any]] = {}
        for test, seen in found.items():
            by_file.setdefault(test.partition("::")[0], {})[test] = seen
        return by_file

    def judges(self, mutant: Mutant) -> list[str]:
        """The tests that call the changed function; of a constant or a class, any of the module's functions, or none.

        All of the module's own files, then the quickest others, ELSEWHERE seconds of them; the quickest first.
        """
        place = mutant.target, mutant.hot
        if place not in self._judges:
            tests = sorted(self.tests, key=lambda test: self.tests[test]["seconds"])
            own = [test for test in tests if self._own(mutant, test) and self._calls(mutant, test)]
            others = [test for test in tests if not self._own(mutant, test) and self._calls(mutant, test)]
            spent = accumulate(self.tests[test]["seconds"] for test in others)
            self._judges[place] = own + [test for test, sum_ in zip(others, spent, strict=True) if sum_ < ELSEWHERE]
        return self._judges[place]

    def _own(self, mutant: Mutant, test: str) -> bool:
        """Whether a test's file is named after the module or its package: test_<name>.py or test_<name>_*.py."""
        stem = f"{Path(test.partition('::')[0]).stem}_"
        return any(stem.startswith(f"test_{name}_") for name in mutant.module.split("."))

    def _calls(self, mutant: Mutant, test: str) -> bool:
        names = self.tests[test]["calls"]
        if mutant.hot and mutant.function:
            return mutant.target in names
        return any(name.startswith(f"{mutant.module}.") for name in names) or (self._own(mutant, test) and not names)

    def stamp(self, mutant: Mutant) -> str:
        """A hash of the files of the tests that judge it."""
        files = {self.project.root / test.partition("::")[0] for test in self.judges(mutant)}
        return self.project.stamp(sorted(files))

    def seconds(self, mutant: Mutant) -> float:
        """How long the tests that judge it take."""
        return sum(self.tests[test]["seconds"] for test in self.judges(mutant))
