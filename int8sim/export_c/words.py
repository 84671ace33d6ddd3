"""The types that C, SystemVerilog's DPI and LLVM have for an operand: the narrowest that holds its word."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args, get_type_hints

from llvmlite import ir

from int8sim.model.step import function_name
from int8sim.proof.converters import FLOAT64
from int8sim.spec.integers import Word

SYSTEMVERILOG = {8: "byte", 16: "shortint", 32: "int", 64: "longint"}
"""Two-state integers of DPI-C by their bits; signed unless they say unsigned."""

RESERVED = """auto bit break byte case char const continue default do double else enum extern float for goto if import
inline input int long logic module output package real reg register restrict return shared short signed sizeof static
struct switch typedef union unsigned void volatile while wire"""
"""Words of C, and some of SystemVerilog, that cannot name anything."""


@dataclass(frozen=True)
class CType:
    """An integer of 8, 16, 32 or 64 bits, or (bits 0) a real number: double, which holds every float32."""

    bits: int
    signed: bool = True

    @property
    def c(self) -> str:
        """In C, of stdint.h."""
        return f"{'' if self.signed else 'u'}int{self.bits}_t" if self.bits else "double"

    @property
    def systemverilog(self) -> str:
        """In an import of DPI-C."""
        return f"{SYSTEMVERILOG[self.bits]}{'' if self.signed else ' unsigned'}" if self.bits else "real"

    @property
    def llvm(self) -> Any:
        """In LLVM."""
        return ir.IntType(self.bits) if self.bits else ir.DoubleType()

    @property
    def attributes(self) -> tuple[str, ...]:
        """How a caller extends an argument, or a function its result, of less than a register: x86-64's ABI."""
        return (("signext" if self.signed else "zeroext"),) if 0 < self.bits < 32 else ()


REAL, ANY = CType(0), CType(64)


@dataclass(frozen=True)
class Operand:
    """An argument of an exported function. low, high: the values that it may have; 0, 0 of a real number.

    double: whether a real number is float64; else it is a float32, and what is none is rounded to one.
    """

    name: str
    kind: CType
    low: int = 0
    high: int = 0
    double: bool = False

    @property
    def spelled(self) -> str:
        """Its name, which may be a word of C or SystemVerilog."""
        return f"{self.name}_" if self.name in RESERVED.split() else self.name

    @property
    def values(self) -> str:
        """Which it may have, for a person."""
        if not self.kind.bits:
            return "a float64" if self.double else "a float32"
        return f"{self.low} .. {self.high}" if self.kind != ANY else "what the function takes"


def holding(word: Word) -> CType:
    """The narrowest integer that has every value of a word."""
    return CType(next(bits for bits in SYSTEMVERILOG if word.bits <= bits), word.signed)


def of_word(name: str, word: Word) -> Operand:
    """An operand of a word's range."""
    return Operand(name, holding(word), word.low, word.high)


def operands(function: Callable[..., Any]) -> dict[str, Operand]:
    """Every parameter of a spec function by name, as its annotation says: a word, a bool, an int, or a real number."""
    hints = get_type_hints(function, include_extras=True)
    found = (_operand(name, hints.get(name, int)) for name in inspect.signature(function).parameters)
    return {each.name: replace(each, double=(function_name(function), each.name) in FLOAT64) for each in found}


def returned(function: Callable[..., Any]) -> CType:
    """What C gets of a spec function: everything that an int may be where no word says less."""
    return _operand("return", get_type_hints(function, include_extras=True).get("return", int)).kind


def _operand(name: str, hint: Any) -> Operand:
    words = [each for each in get_args(hint)[1:] if isinstance(each, Word)]
    if words or hint is bool:
        return of_word(name, words[0] if words else Word(1, signed=False))
    return Operand(name, REAL) if hint is float else of_word(name, Word(64, signed=True))
