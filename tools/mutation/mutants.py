"""All mutants of a module: every node of its syntax tree that does arithmetic, by everything that may stand for it.

Left out: docstrings, annotations, type aliases, decorators, imports, `__all__`, and the text of an error.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mutation.operators import Names, replacements

Function = ast.FunctionDef | ast.AsyncFunctionDef
SKIPPED = (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.expr_context, ast.arg)


@dataclass(frozen=True)
class Slot:
    """A node's place: parent.field, or parent.field[index]."""

    parent: ast.AST
    field: str
    index: int | None

    @property
    def node(self) -> ast.AST:
        """What stands there."""
        value = getattr(self.parent, self.field)
        return value if self.index is None else value[self.index]

    def put(self, node: ast.AST) -> None:
        """Put another there."""
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


@dataclass(frozen=True)
class Mutant:
    """One change of one module. key: module, function, the change and its number among equal ones; no line numbers."""

    module: str
    function: str
    key: str
    slot: Slot
    new: ast.AST
    hot: bool
    """Whether live objects can take it over: a function, or constants of the module; not a class."""

    @property
    def target(self) -> str:
        """What it changes: module.function, or the module."""
        return f"{self.module}.{self.function}"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module's tree with the change in it, for as long as the context lasts."""
        old = self.slot.node
        self.slot.put(ast.fix_missing_locations(ast.copy_location(self.new, old)))
        try:
            yield
        finally:
            self.slot.put(old)


class Module:
    """A module's syntax tree and its mutants."""

    def __init__(self, name: str, label: str, path: Path, enums: dict[str, tuple[str, ...]]) -> None:
        self.name, self.label, self.text = name, label, path.read_text(encoding="utf-8")
        self.tree = ast.parse(self.text)
        self.names = Names(bound(self.tree), enums)

    @cached_property
    def mutants(self) -> list[Mutant]:
        """All, in the text's order, each effect once."""
        found: list[Mutant] = []
        for owner in self.tree.body:
            if wanted(owner):
                found += self._of(owner, owner.name if isinstance(owner, Function | ast.ClassDef) else "")
        return found

    def _of(self, owner: ast.stmt, function: str) -> Iterator[Mutant]:
        seen, numbers = {ast.unparse(owner)}, Counter[str]()
        at = self.tree.body.index(owner)
        for slot, chain in places(Slot(self.tree, "body", at), ()):
            around = context(slot, chain)
            for new in replacements(slot.node, slot.parent, self.names):
                mutant, before = (
                    Mutant(self.name, function, "", slot, new, not isinstance(owner, ast.ClassDef)),
                    line(around or slot.node),
                )
                with mutant.applied():
                    after, effect = line(around or slot.node), ast.unparse(self.tree.body[at])
                change = f"{'.'.join(filter(None, (self.label, function)))}: {before} -> {after}"
                numbers[change] += 1
                if effect not in seen:
                    seen.add(effect)
                    number = f" ({numbers[change]})" if numbers[change] > 1 else ""
                    yield replace(mutant, key=change + number)


def bound(tree: ast.Module) -> frozenset[str]:
    """The names that a module imports or defines as functions."""
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return frozenset(imported | {node.name for node in tree.body if isinstance(node, Function)})


def wanted(node: ast.stmt) -> bool:
    """Whether a statement of a module does arithmetic: no docstring, import, type alias or list of exports."""
    if isinstance(node, ast.Assign):
        exports = any(getattr(target, "id", "") == "__all__" for target in node.targets)
        return not exports and not isinstance(node.value, ast.Subscript)
    return not isinstance(node, ast.Expr | ast.Import | ast.ImportFrom)


def places(slot: Slot, chain: tuple[ast.AST, ...]) -> Iterator[tuple[Slot, tuple[ast.AST, ...]]]:
    """Every slot at and below this one, with the nodes above it, nearest first."""
    node = slot.node
    if isinstance(node, SKIPPED) or docstring(slot):
        return
    yield slot, chain
    for field in node._fields:
        if field in {"annotation", "returns", "decorator_list", "type_comment"}:
            continue
        value = getattr(node, field)
        if isinstance(value, ast.AST):
            yield from places(Slot(node, field, None), (node, *chain))
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, ast.AST):
                yield from places(Slot(node, field, index), (node, *chain))


def docstring(slot: Slot) -> bool:
    """Whether a text stands alone as a statement."""
    return isinstance(slot.node, ast.Expr) and isinstance(slot.node.value, ast.Constant)


def context(slot: Slot, chain: tuple[ast.AST, ...]) -> ast.AST | None:
    """The expression or statement that a constant or a name is shown in; None for a node that is shown itself."""
    if not isinstance(slot.node, ast.Constant | ast.Attribute) or isinstance(slot.parent, ast.arguments):
        return None
    return next(node for node in chain if isinstance(node, ast.expr | ast.stmt))


def line(node: ast.AST) -> str:
    """Its source, of a compound statement the first line."""
    return ast.unparse(node).strip().partition("\n")[0]
