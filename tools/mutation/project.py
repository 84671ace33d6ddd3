"""The package that is mutated and the tests that judge it, as files: nothing here imports them."""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import Module


@dataclass(frozen=True)
class Project:
    """root: the folder of both. package: dotted name. tests: files or folders. compiler: a module that tests avoid.

    A test that calls a function of `compiler` is left out: it compares a mutant with a copy of its own text.
    """

    root: Path
    package: str
    tests: tuple[str, ...]
    compiler: str = ""

    def path(self, module: str) -> Path:
        """The file of a dotted module or package."""
        base = self.root.joinpath(*module.split("."))
        return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")

    def modules(self) -> list[Module]:
        """Every module of the package, by name."""
        base = self.root.joinpath(*self.package.split("."))
        names = sorted(self._dotted(path) for path in base.rglob("*.py"))
        enums = {k: v for name in names for k, v in members(ast.parse(self.path(name).read_text("utf-8"))).items()}
        return [Module(name, self.label(name), self.path(name), enums) for name in names]

    def _dotted(self, path: Path) -> str:
        parts = path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def label(self, module: str) -> str:
        """A module's name within the package; of the package itself, its last word."""
        return module.removeprefix(f"{self.package}.") if module != self.package else self.package.rpartition(".")[2]

    def test_files(self) -> list[Path]:
        """All of them."""
        paths = [self.root / name for name in self.tests]
        return sorted({file for path in paths for file in (path.rglob("test_*.py") if path.is_dir() else [path])})

    def stamp(self, files: list[Path]) -> str:
        """A hash of test files and of the helpers beside them."""
        folders = {file.parent for file in files}
        helpers = {path for folder in folders for path in folder.glob("*.py") if not path.name.startswith("test_")}
        return digest(*(path.read_text("utf-8") for path in sorted({*files, *helpers})))

    def package_stamp(self) -> str:
        """A hash of the whole package."""
        base = self.root.joinpath(*self.package.split("."))
        return digest(*(path.read_text("utf-8") for path in sorted(base.rglob("*.py"))))


def members(tree: ast.Module) -> dict[str, tuple[str, ...]]:
    """The IntEnum classes of a module with their members, aliases of one value left out."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("IntEnum") for base in node.bases):
            pairs = [(ast.unparse(item.value), item.targets[0]) for item in node.body if isinstance(item, ast.Assign)]
            values = {value: target.id for value, target in reversed(pairs) if isinstance(target, ast.Name)}
            found[node.name] = tuple(reversed(values.values()))
    return found


def digest(*texts: str) -> str:
    """SHA-256 of texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]
