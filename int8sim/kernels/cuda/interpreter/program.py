"""The text of a kernel as statements: parameters, registers, variables, instructions, and where jumps go."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from int8sim.model.errors import PtxError

TYPE = re.compile(r"(pred|[subf]\d+)$")
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
ENTRY = re.compile(r"\.entry\s+[\w$]+\s*\((?P<parameters>.*?)\)[^{]*\{", re.DOTALL)
PARAMETER = re.compile(r"\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+([\w$]+)")
VARIABLE = re.compile(
    r"\.(shared|global|const)\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+([\w$]+)(?:\[(\d*)\])?(?:\s*=\s*(.+))?"
)
LABEL = re.compile(r"\s*([\w$]+):(?!:)")
TOGETHER = frozenset({"bar", "barrier", "mma", "ldmatrix", "shfl", "vote"})
"""Instructions that several threads execute as one: each stands in a run of its own."""
JUMPS = frozenset({"bra", "ret", "exit"})


class Kind(NamedTuple):
    """A type of PTX: s, u, b, f or p (a predicate), and its bits."""

    letter: str
    bits: int

    @property
    def word(self) -> np.dtype[Any]:
        """How a register of it is kept."""
        return np.dtype(bool) if self.letter == "p" else np.dtype(f"u{self.bits // 8}")

    @property
    def dtype(self) -> np.dtype[Any]:
        """How its values compute."""
        letters = {"s": "i", "u": "u", "b": "u", "f": "f"}
        return self.word if self.letter == "p" else np.dtype(f"{letters[self.letter]}{self.bits // 8}")


def kind(name: str) -> Kind:
    """Of its name in the text: "u32"."""
    return Kind("p", 1) if name == "pred" else Kind(name[0], int(name[1:]))


class Instruction(NamedTuple):
    """One statement. guard: a predicate register and whether it is negated. name: the opcode with its modifiers."""

    line: int
    text: str
    guard: tuple[str, bool] | None
    opcode: str
    name: str
    kinds: tuple[Kind, ...]
    operands: tuple[str, ...]

    def problem(self, problem: str) -> PtxError:
        """The error that names this statement."""
        return PtxError(self.line, self.text, problem)


class Variable(NamedTuple):
    """Of a state space, at a place in it; what it begins with, if it does."""

    space: str
    size: int
    place: int
    values: bytes


class Program(NamedTuple):
    """A kernel. parameters: name -> kind, in order. registers: name, without its number, -> kind. labels: -> index."""

    parameters: dict[str, Kind]
    registers: dict[str, Kind]
    variables: dict[str, Variable]
    instructions: tuple[Instruction, ...]
    labels: dict[str, int]

    def register(self, name: str) -> Kind:
        """The kind of a register: %r12 is one of %r<20>."""
        found = self.registers.get(name) or self.registers.get(name.rstrip("0123456789"))
        if found is None:
            raise PtxError(0, name, "no such register was declared")
        return found

    def runs(self) -> dict[int, int]:
        """Where a run of instructions begins -> behind its last one: jumps and what is executed together end it."""
        alone = [i for i, each in enumerate(self.instructions) if each.opcode in TOGETHER]
        jumps = [i + 1 for i, each in enumerate(self.instructions) if each.opcode in JUMPS]
        starts = sorted({0, *self.labels.values(), *alone, *(i + 1 for i in alone), *jumps, len(self.instructions)})
        return dict(itertools.pairwise(starts))


def program(text: str) -> Program:
    """The one kernel of a text. Raises PtxError."""
    plain = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), text)
    entry = ENTRY.search(plain)
    if entry is None:
        raise PtxError(1, "the text", "it holds no kernel")
    parameters = {name: kind(each) for each, name in PARAMETER.findall(entry["parameters"])}
    made = Program(parameters, {}, {}, (), {})
    for line, statement in _statements(plain[: entry.start()], 1):
        _declare(made, line, statement)
    return _body(made, plain, entry.end())


def _body(made: Program, plain: str, start: int) -> Program:
    instructions: list[Instruction] = []
    for line, statement in _statements(plain[start:], plain.count("\n", 0, start) + 1):
        label = LABEL.match(statement)
        rest = statement[label.end() :].strip() if label else statement
        if label:
            made.labels[label[1]] = len(instructions)
        if rest.startswith("."):
            _declare(made, line, rest)
        elif rest:
            instructions.append(_instruction(line, rest))
    return made._replace(instructions=tuple(instructions))


def _statements(text: str, first: int) -> Iterator[tuple[int, str]]:
    """Line and text of each; a label stands alone, and so may the braces of a scope."""
    for found in re.finditer(r"[\w$]+:(?!:)|[^;{}]*(?:\{[^{}]*\}[^;{}]*)*;|[^;{}\n]*\n", text):
        statement = " ".join(found[0].rstrip(";").split())
        if statement:
            begins = found.start() + len(found[0]) - len(found[0].lstrip())
            yield first + text.count("\n", 0, begins), statement


def _declare(made: Program, line: int, statement: str) -> None:
    registers = re.match(r"\.reg\s+\.(\w+)\s+(.+)", statement)
    if registers:
        names = registers[2].split(",")
        made.registers.update({re.sub(r"<\d+>", "", name).strip(): kind(registers[1]) for name in names})
        return
    found = VARIABLE.search(statement)
    if found:
        made.variables[found[4]] = _variable(made, found)
    elif re.match(r"\.(local|extern|func|branchtargets)\b", statement):
        raise PtxError(line, statement, "the interpreter does not know this directive")


def _variable(made: Program, found: re.Match[str]) -> Variable:
    space, align, element, _, count, values = found.groups()
    dtype = kind(element).word
    given = [int(each, 0) for each in re.findall(r"-?\w+", values or "")]
    size = int(count or len(given) or 1) * dtype.itemsize
    filled = b"".join(int(each % (1 << 8 * dtype.itemsize)).to_bytes(dtype.itemsize, "little") for each in given)
    used = [
        each.place + each.size for each in made.variables.values() if (each.space == "shared") == (space == "shared")
    ]
    step = int(align or dtype.itemsize)
    return Variable(space, size, -(-max(used, default=0) // step) * step, filled.ljust(size if filled else 0, b"\0"))


def _instruction(line: int, statement: str) -> Instruction:
    guarded = re.match(r"@(!?)(%?[\w$]+)\s+(.+)", statement)
    guard = (guarded[2], guarded[1] == "!") if guarded else None
    rest = guarded[3] if guarded else statement
    full, _, operands = rest.partition(" ")
    opcode, *parts = full.split(".")
    name = ".".join([opcode, *(part for part in parts if not TYPE.match(part))])
    kinds = tuple(kind(part) for part in parts if TYPE.match(part))
    return Instruction(line, statement, guard, opcode, name, kinds, tuple(_split(operands)))


def _split(text: str) -> list[str]:
    """At the commas that stand in no brackets."""
    parts = re.findall(r"(?:\{[^}]*\}|\[[^\]]*\]|[^,])+", text)
    return [part.strip() for part in parts if part.strip()]
