"""A spec function as a function of C: a few numbers to one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types

from int8sim.export_c.module import Module
from int8sim.export_c.words import CType, Operand, operands, returned
from int8sim.model.step import Array, LookupTable, Number, Step

CHANNEL = "channel"
"""The last argument of a function whose numbers differ by output channel."""
KINDS = {
    "int64": (types.int64, ir.IntType(64)),
    "float32": (types.float32, ir.FloatType()),
    "float64": (types.float64, ir.DoubleType()),
}
"""Numba's and LLVM's types of the numbers that spec functions take."""


@dataclass(frozen=True, eq=False)
class Converter:
    """name: in C. values: of each parameter of the function, an operand where it is an argument in C.

    A number is fixed; so are an array, one value per output channel, and a table that the function looks up. title:
    what it is, for a comment. result: what C gets; by default as much as the function may give.
    """

    name: str
    function: Callable[..., Any]
    values: Mapping[str, Operand | Number]
    title: str
    result: CType | None = None


class Prototype(NamedTuple):
    """A function of the library. title: lines of a comment."""

    name: str
    result: CType
    operands: tuple[Operand, ...]
    title: tuple[str, ...]


def of_step(name: str, step: Step, title: str, result: CType | None = None) -> Converter:
    """A layer's step with its own numbers."""
    values = {key: step.parameters.get(key, operand) for key, operand in operands(step.function).items()}
    return Converter(name, step.function, values, title, result)


def add_converter(module: Module, given: Converter) -> Prototype:
    """Its entry point, added to the library. Raises CompileError, LibraryError, NumbaVersionError."""
    result, arguments = given.result or returned(given.function), tuple(_arguments(given))
    entry = module.entry(given.name, result.llvm, [each.kind.llvm for each in arguments])
    _extended(entry, result, arguments)
    builder = ir.IRBuilder(entry.append_basic_block())
    named = {operand.name: value for operand, value in zip(arguments, entry.args, strict=True)}
    pairs = [_taken(module, builder, key, value, named) for key, value in given.values.items()]
    found, kind = module.call(builder, given.function, [each for each, _ in pairs], [each for _, each in pairs])
    builder.ret(_narrow(builder, found, kind, result))
    return Prototype(given.name, result, arguments, (given.title, *_numbers(given)))


def _arguments(given: Converter) -> Iterator[Operand]:
    """Of the C function: the function's own that are free, and the channel where its numbers depend on it."""
    yield from (value for value in given.values.values() if isinstance(value, Operand))
    counts = [len(value) for value in given.values.values() if isinstance(value, np.ndarray)]
    if counts:
        yield Operand(CHANNEL, CType(32, signed=False), 0, min(counts) - 1)


def _extended(entry: Any, result: CType, arguments: tuple[Operand, ...]) -> None:
    for value, kind in ((entry.return_value, result), *zip(entry.args, [a.kind for a in arguments], strict=True)):
        for attribute in kind.attributes:
            value.add_attribute(attribute)


def _taken(
    module: Module, builder: Any, key: str, value: Operand | Number, named: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Numba's type and LLVM's value of one argument of the compiled function."""
    if isinstance(value, Operand):
        return _widened(builder, named[key], value)
    if isinstance(value, LookupTable):
        table = as_numbers(value.values)
        return types.CPointer(KINDS[table.dtype.name][0]), _address(module, builder, table)
    numbers = as_numbers(value)
    kind, llvm = KINDS[numbers.dtype.name]
    if numbers.ndim:
        return kind, builder.load(builder.gep(_address(module, builder, numbers), [named[CHANNEL]]), typ=llvm)
    return kind, ir.Constant(llvm, numbers.item())


def as_numbers(value: Any) -> Array:
    """A number, or an array of them, as int64 or the float that it is."""
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.int64)


def _address(module: Module, builder: Any, numbers: Array) -> Any:
    return builder.bitcast(module.constant(numbers), KINDS[numbers.dtype.name][1].as_pointer())


def _widened(builder: Any, value: Any, operand: Operand) -> tuple[Any, Any]:
    """An argument of C as the spec function takes it: int64, float32, or float64 where it takes that."""
    if operand.kind.bits:
        wide = builder.sext if operand.kind.signed else builder.zext
        return types.int64, wide(value, ir.IntType(64)) if operand.kind.bits < 64 else value
    if operand.double:
        return types.float64, value
    return types.float32, builder.fptrunc(value, ir.FloatType())


def _narrow(builder: Any, value: Any, kind: Any, result: CType) -> Any:
    """The spec function's result as C gets it."""
    if not result.bits:
        return value if kind == types.float64 else builder.fpext(value, ir.DoubleType())
    bits = value.type.width
    if bits == result.bits:
        return value
    wide = builder.zext if kind == types.boolean else builder.sext
    return wide(value, result.llvm) if bits < result.bits else builder.trunc(value, result.llvm)


def _numbers(given: Converter) -> Iterator[str]:
    """What is fixed, a line each."""
    for key, value in given.values.items():
        if isinstance(value, LookupTable):
            yield f"{key}: a table of {len(value.values)}"
        elif isinstance(value, np.ndarray):
            yield f"{key}: by channel, {value.min()} .. {value.max()}"
        elif not isinstance(value, Operand):
            yield f"{key} = {value}"
