"""What stands behind an opcode: registers, numbers, addresses, as arrays of the threads that execute it."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from int8sim.kernels.cuda.interpreter.program import Instruction, Kind, Program
from int8sim.kernels.cuda.interpreter.threads import Lanes, Threads
from int8sim.model.step import Array

Reader = Callable[[Threads, Lanes], Array]
Writer = Callable[[Threads, Lanes, Array], None]
REAL = re.compile(r"0[fF]([0-9a-fA-F]{8})$|0[dD]([0-9a-fA-F]{16})$")
INTEGER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|\d+)U?$")
ADDRESS = re.compile(r"\[\s*([%\w$.]+)\s*(?:\+\s*(-?\w+))?\s*\]$")
SHARED_WINDOW = 1 << 40
"""Where shared memory begins among generic addresses."""


def reader(program: Program, instruction: Instruction, operand: str, kind: Kind) -> Reader:
    """The operand's values as of `kind`: [n], or [1] where all threads have one. Raises PtxError."""
    constant = _constant(program, operand, kind)
    if constant is not None:
        return lambda _threads, _lanes: constant
    if operand.startswith("!"):
        inner = reader(program, instruction, operand[1:], kind)
        return lambda threads, lanes: ~inner(threads, lanes)
    if not operand.startswith("%"):
        raise instruction.problem(f"operand {operand} is no register and no number")
    return lambda threads, lanes: _as_kind(_register(instruction, threads, operand, lanes), kind)


def _register(instruction: Instruction, threads: Threads, name: str, lanes: Lanes) -> Array:
    try:
        values = threads.read(name)
    except KeyError:
        raise instruction.problem(f"register {name} is read before anything is written to it") from None
    return values if lanes.size == threads.count else values[lanes]


def _as_kind(values: Array, kind: Kind) -> Array:
    """The low bits of a register's words, read as the kind's."""
    if values.dtype != kind.word:
        values = values.astype(kind.word)
    return values.view(kind.dtype)


def _constant(program: Program, operand: str, kind: Kind) -> Array | None:
    real = REAL.match(operand)
    if real:
        return _word(int(real[1] or real[2], 16), kind)
    if INTEGER.match(operand):
        value = int(operand.rstrip("U"), 0)
        return np.array([value != 0]) if kind.letter == "p" else _word(value, kind)
    if operand in program.variables and program.variables[operand].space == "shared":
        return _word(program.variables[operand].place, kind)
    return None


def _word(value: int, kind: Kind) -> Array:
    return np.array([value % (1 << kind.bits)], kind.word).view(kind.dtype)


def writer(program: Program, operand: str, kind: Kind) -> Writer:
    """Values of `kind` into a register, extended where it is wider: by the sign of an s, else by zeros."""
    if operand == "_":
        return lambda _threads, _lanes, _values: None
    own = program.register(operand)
    wide = np.dtype(f"{'i' if kind.letter == 's' else 'u'}{own.word.itemsize}")

    def write(threads: Threads, lanes: Lanes, values: Array) -> None:
        words = values.view(kind.word) if kind.letter in "fp" else values
        if words.dtype != own.word:
            words = words.astype(wide).view(own.word)
        threads.write(operand, own, lanes, words)

    return write


def address(program: Program, instruction: Instruction, operand: str) -> Reader:
    """int64 places in the operand's state space."""
    found = ADDRESS.match(operand)
    if found is None:
        raise instruction.problem(f"{operand} is no address")
    offset = int(found[2] or "0", 0)
    name = found[1]
    bits = program.register(name).bits if name.startswith("%") else 64
    base = reader(program, instruction, name, Kind("u", bits))
    return lambda threads, lanes: np.broadcast_to(base(threads, lanes).astype(np.int64) + offset, lanes.shape)


def parts(operand: str) -> list[str]:
    """The registers of {a, b}, or the one operand."""
    return [each.strip() for each in operand.strip("{}").split(",")]
