"""Instructions that move values: mov, ld, st, cvta, asynchronous copies, atomic operations.

Source: NVIDIA, PTX ISA 9.0, Data Movement and Conversion Instructions; atom, red.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from int8sim.kernels.cuda.interpreter.memory import Global, Space
from int8sim.kernels.cuda.interpreter.operands import SHARED_WINDOW, address, parts, reader, writer
from int8sim.kernels.cuda.interpreter.program import Instruction, Kind, Program
from int8sim.kernels.cuda.interpreter.threads import Action, Copy, Lanes, Threads
from int8sim.model.step import Array

CACHES = r"(\.(nc|ca|cg|cs|cv|lu|wb|wt|relaxed|weak|volatile|gpu|cta|sys|L1::\w+|L2::\w+))*"
LOAD = re.compile(
    rf"ld(\.volatile|\.relaxed|\.weak)?(\.(?P<space>param|global|shared|const))?{CACHES}(\.v(?P<count>[24]))?$"
)
STORE = re.compile(rf"st(\.volatile|\.relaxed|\.weak)?(\.(?P<space>global|shared))?{CACHES}(\.v(?P<count>[24]))?$")
COPY = re.compile(r"cp\.async\.c[ag]\.shared\.global(\.L2::\w+)?$")


def memory(threads: Threads, space: str, lanes: Lanes, places: Array) -> tuple[Space, Array]:
    """Where an address leads: a space, and the places in it, of each thread's own block."""
    if space == "":
        space = "shared" if places.size and places[0] < Global.BASE else "global"
        places = places - SHARED_WINDOW if space == "shared" else places
    if space == "shared":
        return threads.shared, places + threads.block[lanes] * threads.shared.stride
    return threads.memory, places


def move(program: Program, instruction: Instruction) -> Action:
    """mov: a register, a number, an address; several registers into a wider one, and back."""
    (kind,), (to, source) = instruction.kinds, instruction.operands
    if source.startswith("{"):
        return _join(program, instruction, kind, to, parts(source))
    if to.startswith("{"):
        return _take_apart(program, instruction, kind, parts(to), source)
    if source in program.variables and program.variables[source].space != "shared":
        write = writer(program, to, kind)
        return lambda threads, lanes: write(threads, lanes, np.array([threads.constants[source]], np.uint64))
    read, write = reader(program, instruction, source, kind), writer(program, to, kind)
    return lambda threads, lanes: write(threads, lanes, read(threads, lanes))


def _join(program: Program, instruction: Instruction, kind: Kind, to: str, sources: list[str]) -> Action:
    own = Kind("b", kind.bits // len(sources))
    reads, write = [reader(program, instruction, each, own) for each in sources], writer(program, to, kind)

    def action(threads: Threads, lanes: Lanes) -> None:
        total = np.zeros(lanes.shape, kind.word)
        for i, read in enumerate(reads):
            total |= read(threads, lanes).astype(kind.word) << kind.word.type(i * own.bits)
        write(threads, lanes, total.view(kind.dtype))

    return action


def _take_apart(program: Program, instruction: Instruction, kind: Kind, to: list[str], source: str) -> Action:
    own = Kind("b", kind.bits // len(to))
    read = reader(program, instruction, source, Kind("b", kind.bits))
    writes = [writer(program, each, own) for each in to]

    def action(threads: Threads, lanes: Lanes) -> None:
        whole = read(threads, lanes)
        for i, write in enumerate(writes):
            write(threads, lanes, (whole >> kind.word.type(i * own.bits)).astype(own.word))

    return action


def convert_address(program: Program, instruction: Instruction) -> Action:
    """cvta: between generic addresses and those of a state space."""
    (kind,), (to, source) = instruction.kinds, instruction.operands
    read, write = reader(program, instruction, source, kind), writer(program, to, kind)
    window = kind.dtype.type(SHARED_WINDOW if "shared" in instruction.name else 0)
    if ".to." in instruction.name:
        window = -window
    return lambda threads, lanes: write(threads, lanes, read(threads, lanes) + window)


def load(program: Program, instruction: Instruction) -> Action:
    """ld: of one value or a vector; extended where the register is wider."""
    form = LOAD.match(instruction.name)
    if form is None:
        raise instruction.problem("the interpreter does not know this form of ld")
    (kind,), (to, place) = instruction.kinds, instruction.operands
    writes = [writer(program, each, kind) for each in parts(to)]
    if form["space"] == "param":
        return _load_parameter(instruction, kind, writes[0], place)
    reads, count = address(program, instruction, place), int(form["count"] or 1)
    width, space = kind.bits // 8, "global" if form["space"] == "const" else form["space"] or ""

    def action(threads: Threads, lanes: Lanes) -> None:
        where, places = memory(threads, space, lanes, reads(threads, lanes))
        _aligned(instruction, places, width * count)
        for i, write in enumerate(writes):
            values = where.load(instruction, places + i * width, width, threads.numbers[lanes])
            write(threads, lanes, values.view(kind.dtype))

    return action


def _load_parameter(instruction: Instruction, kind: Kind, write: Callable[..., None], place: str) -> Action:
    name = place.strip("[] ")

    def action(threads: Threads, lanes: Lanes) -> None:
        if name not in threads.parameters:
            raise instruction.problem(f"{name} is no parameter")
        write(threads, lanes, threads.parameters[name].view(kind.dtype))

    return action


def store(program: Program, instruction: Instruction) -> Action:
    """st: of one value or a vector; the low bits of a wider register."""
    form = STORE.match(instruction.name)
    if form is None:
        raise instruction.problem("the interpreter does not know this form of st")
    (kind,), (place, source) = instruction.kinds, instruction.operands
    word = Kind("b", kind.bits)
    values = [reader(program, instruction, each, word) for each in parts(source)]
    reads, width, space = address(program, instruction, place), kind.bits // 8, form["space"] or ""

    def action(threads: Threads, lanes: Lanes) -> None:
        where, places = memory(threads, space, lanes, reads(threads, lanes))
        _aligned(instruction, places, width * len(values))
        for i, value in enumerate(values):
            where.store(instruction, places + i * width, width, threads.numbers[lanes], value(threads, lanes))

    return action


def _aligned(instruction: Instruction, places: Array, width: int) -> None:
    if (places & (width - 1)).any():
        raise instruction.problem(f"an address is no multiple of {width}")


def begin_copy(program: Program, instruction: Instruction) -> Action:
    """cp.async: what is not read of its bytes becomes 0; it is there when its group has been waited for."""
    if COPY.match(instruction.name) is None:
        raise instruction.problem("the interpreter does not know this form of cp.async")
    to, source, size, *given = instruction.operands
    target, origin, width = address(program, instruction, to), address(program, instruction, source), int(size)
    count = reader(program, instruction, given[0] if given else size, Kind("u", 32))

    def action(threads: Threads, lanes: Lanes) -> None:
        places, read = (np.array(each(threads, lanes)) for each in (target, origin))
        used = np.broadcast_to(count(threads, lanes), lanes.shape).copy()
        _aligned(instruction, places, width)
        _aligned(instruction, read[used > 0], width)

        def finish(threads: Threads, chosen: Lanes) -> None:
            some = np.searchsorted(lanes, chosen)
            _copy(instruction, threads, chosen, places[some], read[some], used[some], width)

        threads.copies.append(Copy(lanes, threads.groups[lanes].copy(), finish))

    return action


def _copy(
    instruction: Instruction, threads: Threads, lanes: Lanes, to: Array, source: Array, used: Array, width: int
) -> None:
    shared, places = memory(threads, "shared", lanes, to)
    for byte in range(width):
        values = np.zeros(lanes.shape, np.uint8)
        some = used > byte
        values[some] = threads.memory.load(instruction, source[some] + byte, 1, threads.numbers[lanes[some]])
        shared.store(instruction, places + byte, 1, threads.numbers[lanes], values)


def close_group(_program: Program, _instruction: Instruction) -> Action:
    """cp.async.commit_group."""

    def action(threads: Threads, lanes: Lanes) -> None:
        threads.groups[lanes] += 1

    return action


def wait_for_groups(_program: Program, instruction: Instruction) -> Action:
    """cp.async.wait_group: all but the newest groups; wait_all: everything."""
    pending = int(instruction.operands[0]) if instruction.operands else -1

    def action(threads: Threads, lanes: Lanes) -> None:
        waiting = np.zeros(threads.count, bool)
        waiting[lanes] = True
        left = []
        for copy in threads.copies:
            done = waiting[copy.lanes] & (copy.groups < threads.groups[copy.lanes] - pending)
            if done.any():
                copy.finish(threads, copy.lanes[done])
            if not done.all():
                left.append(Copy(copy.lanes[~done], copy.groups[~done], copy.finish))
        threads.copies = left

    return action


ATOMIC: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "min": np.minimum,
    "max": np.maximum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "exch": lambda _, value: value,
}


def atomic(program: Program, instruction: Instruction) -> Action:
    """atom and red of integers, thread by thread; atom gives what was there before."""
    form = re.match(
        r"(atom|red)(?:\.relaxed)?(?:\.(?:gpu|cta))?(?:\.(global|shared))?(?:\.(?:gpu|cta))?\.(\w+)$", instruction.name
    )
    (kind,) = instruction.kinds
    if form is None or form[3] not in ATOMIC or kind.letter == "f":
        raise instruction.problem("the interpreter does not know this atomic operation")
    *to, place, source = instruction.operands
    write = writer(program, to[0], kind) if to else None
    reads, value, width = (
        address(program, instruction, place),
        reader(program, instruction, source, kind),
        kind.bits // 8,
    )
    function, space = ATOMIC[form[3]], form[2] or ""

    def action(threads: Threads, lanes: Lanes) -> None:
        where, places = memory(threads, space, lanes, reads(threads, lanes))
        words = where.words(instruction, places, width, threads.numbers[lanes]).view(kind.dtype)
        values, before = np.broadcast_to(value(threads, lanes), lanes.shape), np.zeros(lanes.shape, kind.dtype)
        for i, row in enumerate((places - where.base) // width):
            before[i] = words[row]
            words[row] = function(words[row], values[i])
        if write:
            write(threads, lanes, before)

    return action
