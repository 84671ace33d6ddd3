"""Plain Python kernels and spec functions -> the text of one module, in the dialect of a target.

A kernel and everything it reaches are flattened into plain text, with constants as literals: no other file is needed to
run it, and its hash names all that it does. What differs between targets (decorators, float primitives, operators) is
one literal each: a Dialect.
"""

from __future__ import annotations

import ast
import enum
import functools
import hashlib
import importlib.util
import inspect
import linecache
import re
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from int8sim.kernels import roles
from int8sim.model.errors import CompileError
from int8sim.spec.integers import S32

Function = Callable[..., Any]
Kinds = tuple[str, ...]
"""How each parameter of a step is read: "scalar", "channel" (indexed by the output channel) or "table"."""
Place = tuple[str, str]
"""A module and a name in it."""

LIBRARIES = frozenset({"numpy", "math", "numba"})

IN_32_BITS: Mapping[type[ast.operator], str] = {
    ast.Add: "add_32",
    ast.Sub: "subtract_32",
    ast.Mult: "multiply_32",
    ast.BitAnd: "and_32",
    ast.LShift: "shift_left_32",
    ast.RShift: "shift_right_32",
}
"""Operators of an expression whose value is annotated S32, and the primitives that they become.

The value must be one that a 32-bit word holds, and so must whatever is shifted right; a shift count is 0 .. 31. All
else is exact modulo 2**32.
"""

EXTREMES = {"max": "greater", "min": "lesser"}
"""Functions of Python's own, and what a target calls those that choose as Python does."""
MADE = re.compile(r"\bnp\.(empty|full|zeros)\(|= \[")
"""An array or a list of the kernel's own."""


class Dialect(NamedTuple):
    """How a target wants the text.

    imports: lines. kernel, function: decorators, of the entry and of what it reaches; "{}" stands for `uncounted` where
    no function makes an array. twins: the spec's primitives with a second definition: spec function -> where it is.
    in_32_bits: the module with IN_32_BITS's primitives; None computes those operators as any other. product: what
    a * b becomes; None leaves it. extremes: the module with EXTREMES's; None leaves Python's. widens: constant ints
    go to functions as np.int64, or Numba compiles the callee once for each constant. stand_ins: modules of
    intrinsics, and where functions of the same names are that run as Python.
    replaced: spec functions, and what is flattened in place of each.
    """

    imports: tuple[str, ...]
    kernel: str
    function: str
    twins: Mapping[Function, Place]
    uncounted: str = ""
    in_32_bits: str | None = None
    product: Place | None = None
    extremes: str | None = None
    widens: bool = False
    stand_ins: Mapping[str, str] = MappingProxyType({})
    replaced: Mapping[Function, Function] = MappingProxyType({})


def generate(kernel: Function, bound: Mapping[str, tuple[Function, Kinds]], dialect: Dialect) -> str:
    """The text of the module: imports, every reached function, the kernel last, under its decorator.

    bound: by role, the spec function and its parameters' kinds. Raises CompileError.
    """
    module = _Module(bound, dialect)
    entry = module.function(kernel)
    counting = "" if any(map(MADE.search, module.texts)) else dialect.uncounted
    decorators = [*[dialect.function] * (len(module.texts) - 1), dialect.kernel]
    texts = [f"{each.format(counting)}\n{text}" for each, text in zip(decorators, module.texts, strict=True)]
    lines = [*module.sources(), *dialect.imports, *sorted(module.imports)]
    return "\n".join([*lines, "", *texts, f"kernel = {entry}", ""])


@functools.cache
def _source(filename: str) -> tuple[dict[str, str], dict[str, types.CodeType]]:
    """The module-level functions of a file as it is now, as text and as code: one read.

    A text begins with as many empty lines as stand before it in the file, so that its syntax has the file's numbers.
    """
    lines = linecache.getlines(filename)
    tree = ast.parse("".join(lines))
    texts = {
        node.name: "\n" * (node.lineno - 1) + "".join(lines[node.lineno - 1 : node.end_lineno])
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }
    codes = compile(tree, filename, "exec", dont_inherit=True).co_consts
    return texts, {code.co_name: code for code in codes if isinstance(code, types.CodeType)}


def _same(now: types.CodeType | None, live: types.CodeType) -> bool:
    """Whether the file still compiles to the function that runs: not edited after import, no stale bytecode."""
    return now is not None and _meaning(now) == _meaning(live)


def _meaning(code: types.CodeType) -> tuple[Any, ...]:
    """Instructions, names and constants, these with their types: 1 is not 1.0 here."""
    constants = [_meaning(c) if isinstance(c, types.CodeType) else (type(c), repr(c)) for c in code.co_consts]
    return code.co_code, code.co_names, constants


class _Module:
    """The functions of one generated module, each flattened once."""

    def __init__(self, bound: Mapping[str, tuple[Function, Kinds]], dialect: Dialect) -> None:
        self.bound, self.dialect = bound, dialect
        self.names: dict[Function, str] = {}
        self.texts: list[str] = []
        self.imports: set[str] = set()
        self.foreign: set[str] = set()

    def function(self, function: Function) -> str:
        """The flat name of a function; its text, and that of all it reaches, is there afterwards."""
        function = self.dialect.replaced.get(function, function)
        if function not in self.names:
            self.names[function] = f"{function.__module__}.{function.__name__}".replace(".", "_")
            self.texts.append(f"{self._text(function)}\n")
        return self.names[function]

    def _text(self, function: Function) -> str:
        live, name, label = function.__code__, function.__name__, f"{function.__module__}.{function.__qualname__}"
        texts, codes = _source(live.co_filename)
        if function.__closure__ or function.__qualname__ != name or (name in codes and name not in texts):
            raise CompileError(label, "it must be a function at module level, with no closure")
        if not _same(codes.get(name), live):
            raise CompileError(label, f"{live.co_filename} has changed since it was imported; start a new process")
        tree = _bare(cast("ast.FunctionDef", ast.parse(texts[name]).body[0]), self.names[function])
        tree.args.defaults = [self._default(value, function) for value in function.__defaults__ or ()]
        return ast.unparse(ast.fix_missing_locations(_Flatten(self, function).visit(tree)))

    def _default(self, value: Any, function: Function) -> ast.expr:
        """A parameter's default in the running process, where the file may say another one by now."""
        node = ast.Constant(value)
        return node if value is None else self.reference(value, node, function)

    def reference(self, value: Any, node: ast.expr, function: Function) -> ast.expr:
        """What stands in the generated text for a global that `function` refers to."""
        if isinstance(value, types.FunctionType):
            return self._callee(value)
        if isinstance(value, bool | int | str | tuple):
            literal: Any = int(value) if isinstance(value, enum.IntEnum) else value
            return ast.Constant(literal)
        if isinstance(value, float) and value - value == 0.0:
            return ast.Constant(value)
        if hasattr(value, "_defn"):  # one of Numba's intrinsics
            return self.intrinsic(value)
        raise CompileError(
            f"{function.__module__}.{function.__qualname__}",
            f"it refers to {ast.unparse(node)}, a {type(value).__name__}; pass that as a parameter",
        )

    def _callee(self, value: types.FunctionType) -> ast.expr:
        if value in self.dialect.twins:
            return self.imported(*self.dialect.twins[value])
        if value.__module__ == roles.__name__:
            function: Any = self.bound[value.__name__][0]
            if not isinstance(function, types.FunctionType):
                return self.intrinsic(function)
            return ast.Name(self._role(value), ast.Load())
        return ast.Name(self.function(value), ast.Load())

    def _role(self, placeholder: types.FunctionType) -> str:
        """The glue of a bound role: the spec function with its parameters taken from the tuple `p`."""
        role, glue = placeholder.__name__, f"role_{placeholder.__name__}"
        if placeholder not in self.names:
            self.names[placeholder] = glue
            function, kinds = self.bound[role]
            operands = list(inspect.signature(placeholder).parameters)[:-2]
            read = {"channel": "p[{}][channel]"}
            given = [*operands, *(read.get(kind, "p[{}]").format(i) for i, kind in enumerate(kinds))]
            call = f"{self.function(function)}({', '.join(given)})"
            header = f"def {glue}({', '.join([*operands, 'p', 'channel'])}):"
            self.texts.append(f"{header}\n    return {call}\n")
        return glue

    def intrinsic(self, value: Any) -> ast.expr:
        """One of Numba's intrinsics, or what stands for it."""
        module = value._defn.__module__  # noqa: SLF001
        return self.imported(self.dialect.stand_ins.get(module, module), value._name)  # noqa: SLF001

    def imported(self, module: str, attribute: str) -> ast.expr:
        """The name under which the generated text imports something."""
        flat = f"{module}.{attribute}".replace(".", "_")
        self.imports.add(f"from {module} import {attribute} as {flat}")
        self.foreign.add(module)
        return ast.Name(flat, ast.Load())

    def sources(self) -> list[str]:
        """A comment with the hash of every imported module, so that an edit there gives another name too."""
        return [f"# {module} {_file_hash(module)}" for module in sorted(self.foreign)]


@functools.cache
def _file_hash(module: str) -> str:
    spec = importlib.util.find_spec(module)
    return hashlib.sha256(Path(cast("str", cast("Any", spec).origin)).read_bytes()).hexdigest()


def _bare(tree: ast.FunctionDef, name: str) -> ast.FunctionDef:
    """Without decorators, annotations and docstring, under its flat name."""
    tree.name, tree.decorator_list, tree.returns = name, [], None
    for argument in [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]:
        argument.annotation = None
    if ast.get_docstring(tree, clean=False) is not None:
        tree.body = tree.body[1:]
    return tree


def _is_library(owner: Any) -> bool:
    return isinstance(owner, types.ModuleType) and owner.__name__.partition(".")[0] in LIBRARIES


class _Flatten(ast.NodeTransformer):
    """Replaces every reference to a global by a literal, a flat name or an import."""

    def __init__(self, module: _Module, function: Function) -> None:
        self.module, self.dialect, self.function = module, module.dialect, function
        self.local = {*function.__code__.co_varnames, *function.__code__.co_cellvars}

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        """A local that is stated to be an S32 is computed in 32 bits: twice as many lanes as Numba's int64."""
        if node.value is None:
            return ast.Pass()
        narrow = self.dialect.in_32_bits and self.function.__globals__.get(ast.unparse(node.annotation)) is S32
        value = self._in_32_bits(node.value) if narrow else self.visit(node.value)
        return ast.copy_location(ast.Assign([self.visit(node.target)], value), node)

    def _in_32_bits(self, node: ast.expr) -> ast.expr:
        name = IN_32_BITS.get(type(node.op)) if isinstance(node, ast.BinOp) else None
        if not isinstance(node, ast.BinOp) or name is None:
            return cast("ast.expr", self.visit(node))
        operands = [self._widened(self._in_32_bits(each)) for each in (node.left, node.right)]
        primitive = self.module.imported(cast("str", self.dialect.in_32_bits), name)
        return ast.copy_location(ast.Call(primitive, operands, []), node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """A product, where the target has its own."""
        self.generic_visit(node)
        if not (isinstance(node.op, ast.Mult) and self.dialect.product):
            return node
        product = self.module.imported(*self.dialect.product)
        return ast.copy_location(ast.Call(product, [node.left, node.right], []), node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        """Refused: a kernel that stops halfway leaves no tensor."""
        function = self.function
        raise CompileError(
            f"{function.__module__}.{function.__qualname__}",
            f"it raises an error, {function.__code__.co_filename}:{node.lineno}; give a result for every operand",
        )

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Constant ints go to the text's own functions as the dialect wants them; extremes are the target's."""
        callee = self._resolve_call(node)
        self.generic_visit(node)
        if self.dialect.extremes and isinstance(node.func, ast.Name) and self._is_extreme(node.func.id):
            return self._folded(self.module.imported(self.dialect.extremes, EXTREMES[node.func.id]), node.args)
        if isinstance(callee, types.FunctionType) and callee not in self.dialect.twins:
            node.args = [self._widened(argument) for argument in node.args]
        return node

    def _is_extreme(self, name: str) -> bool:
        return name in EXTREMES and name not in self.local and name not in self.function.__globals__

    def _folded(self, extreme: ast.expr, values: list[ast.expr]) -> ast.expr:
        """Of two, then of that and the next, as Python's."""
        return functools.reduce(lambda a, b: ast.Call(extreme, [a, b], []), values)

    def _widened(self, node: ast.expr) -> ast.expr:
        if not (self.dialect.widens and isinstance(node, ast.Constant) and type(node.value) is int):
            return node
        self.module.imports.add("import numpy as np")
        function = ast.Attribute(ast.Name("np", ast.Load()), "int64", ast.Load())
        return ast.copy_location(ast.Call(function, [node], []), node)

    def _resolve_call(self, node: ast.Call) -> Any:
        root: ast.expr = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        scope = self.function.__globals__
        known = isinstance(root, ast.Name) and root.id not in self.local and root.id in scope
        return self._resolve(node.func) if known and not _is_library(scope[cast("ast.Name", root).id]) else None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._replace(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        return self._replace(node)

    def _replace(self, node: ast.Name | ast.Attribute) -> ast.AST:
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        scope = self.function.__globals__
        if not isinstance(root, ast.Name) or root.id in self.local or root.id not in scope:
            return self.generic_visit(node)
        owner = scope[root.id]
        if _is_library(owner):
            self.module.imports.add(f"import {owner.__name__} as {root.id}")
            return node
        value = self._resolve(node)
        if value is None:
            return self.generic_visit(node)
        return ast.copy_location(self.module.reference(value, node, self.function), node)

    def _resolve(self, node: ast.expr) -> Any:
        """The object a dotted name stands for: module attributes and enum members; None for anything else."""
        if isinstance(node, ast.Name):
            return self.function.__globals__[node.id]
        owner = self._resolve(node.value) if isinstance(node, ast.Attribute) else None
        if isinstance(owner, types.ModuleType | enum.EnumMeta):
            return getattr(owner, cast("ast.Attribute", node).attr)
        return None
