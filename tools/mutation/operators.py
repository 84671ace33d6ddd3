"""What may stand in place of one node of the syntax tree: one mutation operator a function."""

# ruff: noqa: ARG001 (operators are called alike)
from __future__ import annotations

import ast
import builtins
import copy
import ctypes
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatch

NEIGHBOURS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq, ast.LtE, ast.GtE),
    ast.NotEq: (ast.Eq, ast.Lt, ast.Gt),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
CONFUSED: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.FloorDiv, ast.Div),
    ast.FloorDiv: (ast.Mult, ast.Div),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.LShift: (ast.RShift,),
    ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr, ast.BitXor),
    ast.BitOr: (ast.BitAnd, ast.BitXor),
    ast.BitXor: (ast.BitOr, ast.BitAnd),
}
ORDERED = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.LShift, ast.RShift)
SIBLINGS = (
    ("min", "max"),
    ("floor", "ceil", "trunc"),
    ("double", "double_up", "single"),
    ("cacc_clip", "cacc_clip_ideal"),
)
"""Functions of one signature that are taken for each other, where the module knows both."""
COMMUTATIVE = {"single", "_product", "high_multiply", "fma", "clamp"}
"""Functions whose first two operands may change places: a product, or a maximum, is the same."""
REMOVED = {"abs", "float", "float16", "float32", "int", "saturate", "wrap", "clamp"}
"""Calls that are also replaced by their first operand: one rounding, one saturation less."""


@dataclass(frozen=True)
class Names:
    """What a module's text can mean: names bound in it, and IntEnum classes of the whole package with their members."""

    bound: frozenset[str]
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)


def call(function: str | ast.expr, *arguments: ast.expr) -> ast.Call:
    """A call expression."""
    name = ast.Name(function, ast.Load()) if isinstance(function, str) else function
    return ast.Call(name, list(arguments), [])


@singledispatch
def replacements(node: ast.AST, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The nodes that may stand for `node`; none for a kind that is not mutated."""
    yield from ()


@replacements.register
def constant(node: ast.Constant, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The other bool; an int one more, one less and 0; a float one unit of the last place up and down, and doubled."""
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield from map(ast.Constant, dict.fromkeys(v for v in (value + 1, value - 1, 0) if v != value))
    elif isinstance(value, float):
        single = isinstance(parent, ast.Call) and getattr(parent.func, "id", "") == "float32"
        yield from map(ast.Constant, (*beside(value, single), 2.0 * value or 1.0))
    elif isinstance(value, str):
        yield ast.Constant(f"{value}?")


def beside(value: float, single: bool) -> tuple[float, float]:
    """The neighbours of a float: in float32 where it is one, or is made one on the spot (single); else in binary64."""
    nearest = ctypes.c_float(value).value
    if not math.isfinite(nearest) or (nearest != value and not single):
        return math.nextafter(value, math.inf), math.nextafter(value, -math.inf)
    if nearest == 0.0:
        return 2.0**-149, -(2.0**-149)
    pattern = struct.unpack("<i", struct.pack("<f", nearest))[0]
    above, below = struct.unpack("<2f", struct.pack("<2i", pattern + 1, pattern - 1))
    return above, below


@replacements.register
def comparison(node: ast.Compare, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Each comparison of a chain by its neighbours."""
    for at, now in enumerate(node.ops):
        for other in NEIGHBOURS[type(now)]:
            yield ast.Compare(node.left, [*node.ops[:at], other(), *node.ops[at + 1 :]], node.comparators)


@replacements.register
def binary(node: ast.BinOp, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The operators it is confused with, the other order of its operands, a shift by one more and one less."""
    for other in CONFUSED[type(node.op)]:
        yield ast.BinOp(node.left, other(), node.right)
    if isinstance(node.op, ORDERED):
        yield ast.BinOp(node.right, node.op, node.left)
    if isinstance(node.op, ast.LShift | ast.RShift) and not isinstance(node.right, ast.Constant):
        for step in (ast.Add(), ast.Sub()):
            yield ast.BinOp(node.left, node.op, ast.BinOp(node.right, step, ast.Constant(1)))


@replacements.register
def augmented(node: ast.AugAssign, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The operators it is confused with, and a plain assignment."""
    for other in CONFUSED[type(node.op)]:
        yield ast.AugAssign(node.target, other(), node.value)
    yield ast.Assign([node.target], node.value, lineno=node.lineno)


@replacements.register
def unary(node: ast.UnaryOp, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Without its sign, its complement, its negation."""
    yield node.operand


@replacements.register
def boolean(node: ast.BoolOp, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The other connective; one operand less."""
    yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    for at in range(len(node.values)):
        rest = node.values[:at] + node.values[at + 1 :]
        yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)


@replacements.register
def conditional(node: ast.IfExp, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The condition negated."""
    yield ast.IfExp(node.test, node.orelse, node.body)


@replacements.register(ast.If)
@replacements.register(ast.While)
def branch(node: ast.If | ast.While, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """The condition negated; the statement deleted."""
    negated = copy.copy(node)
    negated.test = ast.UnaryOp(ast.Not(), node.test)
    yield negated
    yield ast.Pass()


@replacements.register
def comprehension(node: ast.comprehension, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """A condition negated."""
    for at, test in enumerate(node.ifs):
        negated = copy.copy(node)
        negated.ifs = [*node.ifs[:at], ast.UnaryOp(ast.Not(), test), *node.ifs[at + 1 :]]
        yield negated


@replacements.register(ast.Assign)
@replacements.register(ast.AnnAssign)
@replacements.register(ast.Return)
@replacements.register(ast.Expr)
@replacements.register(ast.For)
@replacements.register(ast.Raise)
def statement(node: ast.stmt, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Deleted, inside functions."""
    if not isinstance(parent, ast.Module | ast.ClassDef):
        yield ast.Pass()


@replacements.register
def member(node: ast.Attribute, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Every other member of the IntEnum, every other Rounding among them; the other infinity."""
    owner = node.value.id if isinstance(node.value, ast.Name) else ""
    members = names.enums.get(owner, ())
    for other in members if node.attr in members else ():
        if other != node.attr:
            yield ast.Attribute(node.value, other, ast.Load())
    if (owner, node.attr) == ("math", "inf"):
        yield ast.UnaryOp(ast.USub(), node)


@replacements.register
def several(node: ast.Tuple, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Two neighbouring values exchanged, where the tuple is read."""
    if isinstance(node.ctx, ast.Load) and not isinstance(parent, ast.Subscript | ast.For):
        for at in range(len(node.elts) - 1):
            yield ast.Tuple(swapped(node.elts, at), node.ctx)


@replacements.register
def calling(node: ast.Call, parent: ast.AST, names: Names) -> Iterator[ast.AST]:
    """Operands exchanged, a sibling function, a rounding or saturation less, saturation for wrapping."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    for at in range(name in COMMUTATIVE, 0 if name in {"min", "max"} else len(node.args) - 1):
        yield ast.Call(node.func, swapped(node.args, at), node.keywords)
    for other in siblings(name, node, names):
        yield ast.Call(other, node.args, node.keywords)
    if name in REMOVED:
        yield node.args[0]
    if name in {"min", "max"} and len(node.args) == 2:
        yield from node.args
    yield from overflow(name, node)
    yield from rounding(name, node)


def swapped(items: list[ast.expr], at: int) -> list[ast.expr]:
    """The items with two neighbours exchanged."""
    return [*items[:at], items[at + 1], items[at], *items[at + 2 :]]


def siblings(name: str, node: ast.Call, names: Names) -> Iterator[ast.expr]:
    """The functions that this one is taken for."""
    for other in next((family for family in SIBLINGS if name in family), ()):
        if other == name or (
            isinstance(node.func, ast.Name) and other not in names.bound and not hasattr(builtins, other)
        ):
            continue
        yield (
            ast.Attribute(node.func.value, other, ast.Load())
            if isinstance(node.func, ast.Attribute)
            else ast.Name(other, ast.Load())
        )


def overflow(name: str, node: ast.Call) -> Iterator[ast.expr]:
    """saturate(x, bits) for wrap(x, bits) and the reverse, where the module may not know the other: written out."""
    if name == "wrap":
        yield ast.parse("min(max({0}, -(1 << ({1}) - 1)), (1 << ({1}) - 1) - 1)".format(*texts(node)), mode="eval").body
    if name == "saturate":
        yield ast.parse(
            "({0} + (1 << ({1}) - 1)) % (1 << ({1})) - (1 << ({1}) - 1)".format(*texts(node)), mode="eval"
        ).body


def rounding(name: str, node: ast.Call) -> Iterator[ast.expr]:
    """Half even by half up and by truncation; truncation by half even."""
    if name in {"half_even", "round"}:
        yield call("int", *node.args)
        yield ast.parse(f"int(({texts(node)[0]} + 0.5) // 1)", mode="eval").body
    if name == "int":
        yield call("round", *node.args)


def texts(node: ast.Call) -> list[str]:
    """The operands' source."""
    return [ast.unparse(argument) for argument in node.args]
