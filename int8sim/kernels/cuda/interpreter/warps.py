"""What the threads of a warp, or of a block, execute as one: barriers, matrix products, exchanges.

Source: NVIDIA, PTX ISA 9.0, bar, mma, ldmatrix, shfl.sync, vote.sync; where a fragment's elements lie: spec/mma.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

import numpy as np

from int8sim.kernels.cuda.interpreter.movement import memory
from int8sim.kernels.cuda.interpreter.operands import address, parts, reader, writer
from int8sim.kernels.cuda.interpreter.program import Instruction, Kind, Program
from int8sim.kernels.cuda.interpreter.threads import WARP, Action, Lanes, Threads
from int8sim.model.step import Array
from int8sim.spec.mma import a_position, b_position, c_position

WORD = Kind("b", 32)
MMA = re.compile(r"mma\.sync\.aligned\.(m8n8k16|m16n8k16|m16n8k32)\.row\.col(?P<clamps>\.satfinite)?$")
MATRICES = re.compile(r"ldmatrix\.sync\.aligned\.m8n8\.x(?P<count>[124])(?P<turned>\.trans)?\.shared$")
Position = Callable[[int, int], tuple[int, int]]


def barrier(_program: Program, instruction: Instruction) -> Action:
    """bar.sync: all threads of the block are here, and see what the others wrote."""
    if instruction.name not in {"bar.sync", "barrier.sync", "barrier.sync.aligned"} or len(instruction.operands) != 1:
        raise instruction.problem("the interpreter does not know this barrier")
    return lambda threads, lanes: threads.shared.barrier(np.unique(threads.block[lanes]))


@functools.cache
def _places(position: Position, count: int) -> tuple[Array, Array]:
    """Rows and columns of a warp's elements, [32, count]."""
    found = np.array([[position(thread, element) for element in range(count)] for thread in range(WARP)])
    return found[..., 0], found[..., 1]


def matrix_product(program: Program, instruction: Instruction) -> Action:
    """mma: D = A * B + C of every warp that is here."""
    form = MMA.match(instruction.name)
    if form is None or [each.bits for each in instruction.kinds] != [32, 8, 8, 32]:
        raise instruction.problem("the interpreter does not know this form of mma")
    to, *sources = map(parts, instruction.operands)
    writes = [writer(program, each, WORD) for each in to]
    reads = [[reader(program, instruction, each, WORD) for each in source] for source in sources]
    a_kind, b_kind = instruction.kinds[1:3]

    def action(threads: Threads, lanes: Lanes) -> None:
        a, b, c = (_fragment(threads, lanes, source) for source in reads)
        rows = _matrix(a, a_kind, a_position, (8 if len(to) == 2 else 16, 16 * b.shape[2]))
        columns = _matrix(b, b_kind, b_position, (16 * b.shape[2], 8))
        totals = np.matmul(rows, columns)[(slice(None), *_places(c_position, len(to)))].astype(np.int64)
        sums = c.view(np.int32) + totals
        found = np.clip(sums, -(1 << 31), (1 << 31) - 1) if form["clamps"] else sums
        for i, write in enumerate(writes):
            write(threads, lanes, found[..., i].reshape(-1).astype(np.uint32))

    return action


def _fragment(threads: Threads, lanes: Lanes, sources: list[Callable[..., Array]]) -> Array:
    """uint32 [warps, 32, registers]."""
    words = [np.broadcast_to(read(threads, lanes), lanes.shape) for read in sources]
    return np.stack(words, axis=-1).reshape(-1, WARP, len(sources))


def _matrix(fragment: Array, kind: Kind, position: Position, shape: tuple[int, int]) -> Array:
    """float64 [warps, *shape]: sums of products of bytes are exact in it."""
    elements = fragment.view(kind.dtype)
    found = np.empty((len(fragment), *shape))
    found[(slice(None), *_places(position, elements.shape[2]))] = elements
    return found


def load_matrices(program: Program, instruction: Instruction) -> Action:
    """ldmatrix: threads 8 m .. 8 m + 7 name the rows of matrix m; thread t gets word t % 4 of row t // 4."""
    form = MATRICES.match(instruction.name)
    if form is None or form["turned"]:
        raise instruction.problem("the interpreter does not know this form of ldmatrix")
    writes = [writer(program, each, WORD) for each in parts(instruction.operands[0])]
    reads = address(program, instruction, instruction.operands[1])
    thread = np.arange(WARP)

    def action(threads: Threads, lanes: Lanes) -> None:
        _, places = memory(threads, "shared", lanes, reads(threads, lanes))
        rows = places.reshape(-1, WARP)
        if (rows[:, : 8 * len(writes)] & 15).any():
            raise instruction.problem("an address is no multiple of 16")
        for i, write in enumerate(writes):
            words = rows[:, 8 * i + thread // 4] + 4 * (thread % 4)
            write(threads, lanes, threads.shared.load(instruction, words.reshape(-1), 4, threads.numbers[lanes]))

    return action
