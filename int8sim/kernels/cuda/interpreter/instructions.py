"""What every instruction does: by its opcode, how a statement becomes an action on threads."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from int8sim.kernels.cuda.interpreter import floats, integers, movement, warps
from int8sim.kernels.cuda.interpreter.conversions import conversion
from int8sim.kernels.cuda.interpreter.operands import parts, reader, writer
from int8sim.kernels.cuda.interpreter.products import dot, pack, packed_sum
from int8sim.kernels.cuda.interpreter.program import Instruction, Kind, Program
from int8sim.kernels.cuda.interpreter.threads import Action, Lanes, Run, Threads

Maker = Callable[[Program, Instruction], Action]
U32, PREDICATE = Kind("u", 32), Kind("p", 1)
COUNTED = {"shl": (1,), "shr": (1,), "shf": (2,), "bfe": (1, 2), "bfi": (2, 3), "lop3": (3,)}
"""Sources that are 32-bit counts, whatever the type."""
FENCES = frozenset({"membar", "fence"})


def runs(program: Program) -> dict[int, Run]:
    """The whole kernel, from where each run begins. Raises PtxError for an instruction that is not known."""
    found = {}
    for start, end in program.runs().items():
        own = program.instructions[start:end]
        opcode = own[0].opcode if own else ""
        together = "block" if opcode in {"bar", "barrier"} else "warp" if opcode in {"mma", "ldmatrix"} else ""
        found[start] = Run(tuple((each, action(program, each, end)) for each in own), end, together)
    return found


def action(program: Program, instruction: Instruction, end: int) -> Action:
    """What an instruction does, under its guard. Raises PtxError."""
    if instruction.opcode == "bra":
        return _jump(program, instruction, program.labels[instruction.operands[0]], end)
    if instruction.opcode in {"ret", "exit"}:
        return _jump(program, instruction, None, end)
    maker = MAKERS.get(instruction.opcode, elementwise)
    return _guarded(program, instruction, maker(program, instruction))


def _guarded(program: Program, instruction: Instruction, whole: Action) -> Action:
    if instruction.guard is None:
        return whole
    predicate = _guard(program, instruction)

    def some(threads: Threads, lanes: Lanes) -> None:
        chosen = lanes[predicate(threads, lanes)]
        if chosen.size:
            whole(threads, chosen)

    return some


def _guard(program: Program, instruction: Instruction) -> Callable[[Threads, Lanes], np.ndarray]:
    name, negated = instruction.guard or ("", False)
    return reader(program, instruction, f"{'!' if negated else ''}{name}", PREDICATE)


def _jump(program: Program, instruction: Instruction, target: int | None, end: int) -> Action:
    """bra, or the end of a thread: target None."""
    predicate = _guard(program, instruction) if instruction.guard else None

    def jump(threads: Threads, lanes: Lanes) -> None:
        taken = predicate(threads, lanes) if predicate else np.ones(lanes.shape, bool)
        if target is not None:
            threads.arrive(target, lanes[taken])
        threads.arrive(end, lanes[~taken])

    return jump


def elementwise(program: Program, instruction: Instruction) -> Action:
    """An instruction with one result, from each thread's own sources. Raises PtxError for one that is not known."""
    kind = instruction.kinds[-1] if instruction.kinds else U32
    function = _function(instruction, kind)
    to, *sources = instruction.operands
    result = _result(instruction, kind)
    reads = [reader(program, instruction, each, _source(instruction, kind, i)) for i, each in enumerate(sources)]
    write = writer(program, to, result)

    def compute(threads: Threads, lanes: Lanes) -> None:
        write(threads, lanes, function(kind, *(read(threads, lanes) for read in reads)))

    return compute


def _function(instruction: Instruction, kind: Kind) -> integers.Function:
    tables: Mapping[str, Mapping[str, integers.Function]] = {
        "s": integers.ARITHMETIC,
        "u": integers.ARITHMETIC,
        "b": integers.LOGIC,
        "p": integers.LOGIC,
        "f": floats.REAL,
    }
    function = tables[kind.letter].get(instruction.name)
    narrow = instruction.name.endswith(".sat") and kind != Kind("s", 32)
    if function is None or narrow or (kind.letter == "f" and kind.bits == 16):
        raise instruction.problem("the interpreter does not know this instruction")
    return function


def _result(instruction: Instruction, kind: Kind) -> Kind:
    if instruction.opcode in {"popc", "clz"}:
        return U32
    return Kind(kind.letter, 2 * kind.bits) if instruction.name.endswith(".wide") else kind


def _source(instruction: Instruction, kind: Kind, index: int) -> Kind:
    if index in COUNTED.get(instruction.opcode, ()):
        return U32
    wide = instruction.name == "mad.wide" and index == 2
    return Kind(kind.letter, 2 * kind.bits) if wide else kind


def compare(program: Program, instruction: Instruction) -> Action:
    """setp: a comparison, joined with a predicate if the name says so; its opposite goes to a second one."""
    _, relation, *join = instruction.name.split(".")
    kind = instruction.kinds[0]
    table = floats.COMPARISONS if kind.letter == "f" else integers.COMPARISONS
    joins = {"and": np.logical_and, "or": np.logical_or, "xor": np.logical_xor}
    if relation not in table or not set(join) <= set(joins):
        raise instruction.problem("the interpreter does not know this comparison")
    to, a, b, *with_ = instruction.operands
    writes = [writer(program, each, PREDICATE) for each in re.split(r"\|", to)]
    reads = [reader(program, instruction, each, kind) for each in (a, b)]
    other = reader(program, instruction, with_[0], PREDICATE) if join else None

    def action(threads: Threads, lanes: Lanes) -> None:
        found = table[relation](*(read(threads, lanes) for read in reads))
        for write, values in zip(writes, (found, ~found), strict=False):
            write(threads, lanes, joins[join[0]](values, other(threads, lanes)) if other else values)

    return action


def select(program: Program, instruction: Instruction) -> Action:
    """selp: a where the predicate holds, else b."""
    (kind,), (to, a, b, predicate) = instruction.kinds, instruction.operands
    reads = [reader(program, instruction, each, kind) for each in (a, b)]
    chosen, write = reader(program, instruction, predicate, PREDICATE), writer(program, to, kind)

    def action(threads: Threads, lanes: Lanes) -> None:
        first, second = (read(threads, lanes) for read in reads)
        write(threads, lanes, np.where(chosen(threads, lanes), first, second))

    return action


def convert(program: Program, instruction: Instruction) -> Action:
    """cvt."""
    if instruction.name == "cvt.pack.sat":
        return three_words(pack(instruction.kinds[0]), program, instruction)
    to, source = instruction.kinds
    function = conversion(instruction)
    read = reader(program, instruction, instruction.operands[1], source)
    write = writer(program, instruction.operands[0], to)
    return lambda threads, lanes: write(threads, lanes, function(read(threads, lanes)))


def three_words(function: Callable[..., np.ndarray], program: Program, instruction: Instruction) -> Action:
    """Words of 32 bits out of three (the third may be missing)."""
    to, *sources = instruction.operands
    reads = [reader(program, instruction, each, U32) for each in [*sources, "0"][:3]]
    write = writer(program, to, U32)
    return lambda threads, lanes: write(threads, lanes, function(*(read(threads, lanes) for read in reads)))


def _copies(program: Program, instruction: Instruction) -> Action:
    makers: Mapping[str, Maker] = {
        "cp.async.commit_group": movement.close_group,
        "cp.async.wait_group": movement.wait_for_groups,
        "cp.async.wait_all": movement.wait_for_groups,
    }
    return makers.get(instruction.name, movement.begin_copy)(program, instruction)


def _nothing(_program: Program, _instruction: Instruction) -> Action:
    return lambda _threads, _lanes: None


def _dot(program: Program, instruction: Instruction) -> Action:
    if instruction.name not in {"dp4a", "dp2a.lo", "dp2a.hi"}:
        raise instruction.problem("the interpreter does not know this instruction")
    return three_words(dot(instruction), program, instruction)


def _packed(program: Program, instruction: Instruction) -> Action:
    if instruction.name not in {"vadd4", "vadd4.sat"} or len(parts(instruction.operands[0])) != 1:
        raise instruction.problem("the interpreter does not know this instruction")
    return three_words(packed_sum(instruction), program, instruction)


MAKERS: Mapping[str, Maker] = {
    "mov": movement.move,
    "ld": movement.load,
    "st": movement.store,
    "cvta": movement.convert_address,
    "cp": _copies,
    "atom": movement.atomic,
    "red": movement.atomic,
    "setp": compare,
    "selp": select,
    "cvt": convert,
    "dp4a": _dot,
    "dp2a": _dot,
    "vadd4": _packed,
    "bar": warps.barrier,
    "barrier": warps.barrier,
    "mma": warps.matrix_product,
    "ldmatrix": warps.load_matrices,
    **dict.fromkeys(FENCES, _nothing),
}
"""Opcodes that are more than a function of a thread's own values."""
