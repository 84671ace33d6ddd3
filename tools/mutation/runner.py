"""Every mutant against the tests that judge it.

A changed function or constant is put into the live module, in a child forked from a session that has collected all
tests. A changed class must reach every importer and its instances: there the child imports everything itself.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import json
import sys
import types
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mutation.exhaustion import same_everywhere
from mutation.mutants import Module, Mutant
from mutation.pool import forked
from mutation.project import Project, digest
from mutation.recording import Recording
from mutation.sessions import Finder, Items, Session, collected, first_failure, session

FACTOR = 3  # a mutant has so many times the processor time that its tests take unmutated
PRELOADED = ("numpy", "numba")  # imported once, and not by every child that imports everything else itself
TIMEOUT, SURVIVED, EXHAUSTED = "timeout", "", "equal on all arguments: "

Tell = Callable[[Mutant, str], None]


class Runner:
    """Outcomes: the id of the test that fails, TIMEOUT, SURVIVED, or EXHAUSTED and how many arguments there are."""

    def __init__(self, project: Project, recording: Recording, jobs: int, cache: Path, seconds: int) -> None:
        self.project, self.recording, self.jobs, self.least = project, recording, jobs, seconds
        self.path = cache / "results.jsonl"
        self.killers: dict[str, list[str]] = defaultdict(list)

    def run(self, modules: list[Module], tell: Tell) -> None:
        """Tells the outcome of every mutant, first of those that are known from an earlier run."""
        known = dict(map(json.loads, self.path.read_text("utf-8").splitlines())) if self.path.exists() else {}
        stamps = {
            m.key: digest(m.key, module.text, self.recording.stamp(m)) for module in modules for m in module.mutants
        }
        mutants = [mutant for module in modules for mutant in module.mutants]
        for mutant in mutants:
            if stamps[mutant.key] in known:
                tell(mutant, known[stamps[mutant.key]])
        fresh = [mutant for mutant in mutants if stamps[mutant.key] not in known]
        with self.path.open("a", encoding="utf-8") as file:

            def keep(mutant: Mutant, outcome: str) -> None:
                file.write(json.dumps([stamps[mutant.key], outcome]) + "\n")
                file.flush()
                self.killers[mutant.target].append(outcome)
                tell(mutant, outcome)

            trees = {module.name: module.tree for module in modules}
            self._cold([mutant for mutant in fresh if not mutant.hot], trees, keep)
            self._hot([mutant for mutant in fresh if mutant.hot], trees, keep)

    def ordered(self, mutant: Mutant) -> list[str]:
        """The tests that judge it; first those that caught the same function's other mutants, the latest before all."""
        tests = dict.fromkeys(self.recording.judges(mutant))
        latest = dict.fromkeys(test for test in reversed(self.killers[mutant.target]) if test in tests)
        return list(latest | tests)

    def limit(self, mutant: Mutant) -> int:
        """Seconds of processor time."""
        return self.least + int(FACTOR * self.recording.seconds(mutant))

    def _cold(self, mutants: list[Mutant], trees: dict[str, ast.Module], tell: Tell) -> None:
        def judge(mutant: Mutant) -> str:
            with mutant.applied():
                code = compile(trees[mutant.module], str(self.project.path(mutant.module)), "exec", dont_inherit=True)
            sys.meta_path.insert(0, Finder(mutant.module, code))
            return collected(self.project.root, self.ordered(mutant))

        for name in PRELOADED if mutants else ():
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        for mutant, outcome in forked(mutants, judge, self.jobs, self.limit):
            tell(mutant, TIMEOUT if outcome is None else outcome)

    def _hot(self, mutants: list[Mutant], trees: dict[str, ast.Module], tell: Tell) -> None:
        def loop(plugin: Session, items: Items) -> None:
            def judge(mutant: Mutant) -> str:
                try:
                    before = put(mutant, trees[mutant.module])
                except Exception as error:  # of a constant's own expression
                    return f"{type(error).__name__} on import"
                failed = first_failure([items[test] for test in self.ordered(mutant)], plugin)
                count = 0 if failed or before is None else same_everywhere(before, live(mutant))
                return f"{EXHAUSTED}{count:,}" if count else failed

            for mutant, outcome in forked(mutants, judge, self.jobs, self.limit):
                tell(mutant, TIMEOUT if outcome is None else outcome)

        failed = session(self.project.root, self.project.test_files(), Session(loop)) if mutants else ""
        if failed:
            raise SystemExit(f"the session broke off: {failed}")


def live(mutant: Mutant) -> types.FunctionType:
    """The function that runs."""
    function: Any = getattr(sys.modules[mutant.module], mutant.function)
    return function


def put(mutant: Mutant, tree: ast.Module) -> types.FunctionType | None:
    """The mutant's code or values into the live objects that every importer uses; a copy of a changed function."""
    owner = sys.modules[mutant.module]
    scope = {"__name__": owner.__name__, "__builtins__": __builtins__}
    with mutant.applied():
        code = compile(tree, str(owner.__file__), "exec", dont_inherit=True)
    exec(code, scope)  # the mutant itself
    if not mutant.function:
        rebind(owner, scope)
        return None
    function, new = live(mutant), scope[mutant.function]
    old = types.FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    old.__annotations__ = function.__annotations__
    function.__code__, function.__defaults__ = new.__code__, new.__defaults__
    return old


def rebind(owner: types.ModuleType, scope: Mapping[str, Any]) -> None:
    """Constants that are others now, in their module and in all that import them; defaults that are made of them."""
    for name, value in scope.items():
        old = getattr(owner, name, value)
        if isinstance(old, types.FunctionType):
            old.__defaults__ = value.__defaults__
        elif isinstance(old, int | float | tuple | str) and not name.startswith("__") and old != value:
            for module in importers(owner, name, old):
                setattr(module, name, value)


def importers(owner: types.ModuleType, name: str, value: object) -> list[types.ModuleType]:
    """The module and those that import the name from it, directly or by way of one that does."""
    same = [module for module in list(sys.modules.values()) if vars(module).get(name) is value]
    found = [owner]
    for module in found:  # it grows
        found += [each for each in same if each not in found and imports(each, module.__name__, name)]
    return found


def imports(module: types.ModuleType, origin: str, name: str) -> bool:
    """Whether its text says `from origin import name`."""
    nodes = ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8")))
    taken = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.module == origin]
    return any(alias.name == name and not alias.asname for node in taken for alias in node.names)
