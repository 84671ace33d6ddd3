"""A launch, executed: its arguments in a memory of its own, blocks by blocks, results back into the arguments."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from int8sim.kernels.cuda.assembly import Capability, ptx
from int8sim.kernels.cuda.device import Launch, executed_by, unwrapped
from int8sim.kernels.cuda.interpreter.instructions import runs
from int8sim.kernels.cuda.interpreter.memory import Global
from int8sim.kernels.cuda.interpreter.program import Kind, Program, program
from int8sim.kernels.cuda.interpreter.threads import Grid, Run, Sizes, Threads, execute
from int8sim.model.errors import PtxError
from int8sim.model.step import Array

AT_ONCE = 1 << 14
"""Threads whose registers stay in the processor's caches."""


@contextmanager
def interpreted(capability: Capability = (8, 0)) -> Iterator[None]:
    """Inside, backend "cuda" compiles every kernel to PTX for the capability, and interprets that. Raises PtxError."""
    with executed_by(lambda launch: run_launch(launch, capability)):
        yield


def run_launch(launch: Launch, capability: Capability = (8, 0)) -> None:
    """Every thread of a launch; its arrays hold the results. Raises PtxError, CompileError."""
    text = ptx(launch, capability)
    grid = Grid(_sizes(launch.blocks), _sizes(launch.threads))
    run_text(text, grid, [unwrapped(each) for each in launch.arguments])


def run_text(text: str, grid: Grid, arguments: list[Any]) -> None:
    """The one kernel of a text, with arguments as Numba's kernels take them. Raises PtxError."""
    made, actions = _prepared(text)
    flat = [each for argument in arguments for each in _flat(argument)]
    arrays = {_identity(each): each for each in flat if isinstance(each, np.ndarray)}
    memory, constants = _memory(made, list(arrays.values()))
    values = _values(flat, {each: memory.address(i) for i, each in enumerate(arrays)})
    if len(values) != len(made.parameters):
        raise PtxError(1, "the kernel", f"it takes {len(made.parameters)} parameters, and {len(values)} were given")
    parameters = {
        name: _filled(value, kind) for (name, kind), value in zip(made.parameters.items(), values, strict=True)
    }
    per_block, blocks = int(np.prod(grid.threads)), int(np.prod(grid.blocks))
    step = max(AT_ONCE // per_block, 1)
    with np.errstate(all="ignore"):
        for first in range(0, blocks, step):
            threads = Threads(made, memory, parameters, grid, first, min(step, blocks - first))
            threads.constants = constants
            execute(threads, actions)
    memory.give_back()


@functools.lru_cache(maxsize=256)
def _prepared(text: str) -> tuple[Program, Mapping[int, Run]]:
    made = program(text)
    return made, runs(made)


def _sizes(given: Any) -> Sizes:
    sizes = tuple(given) if isinstance(given, tuple | list) else (given,)
    x, y, z = (*map(int, sizes), 1, 1)[:3]
    return x, y, z


def _flat(argument: Any) -> Iterator[Any]:
    """Arrays and numbers, tuples taken apart."""
    if isinstance(argument, tuple):
        for each in argument:
            yield from _flat(each)
    else:
        yield argument


def _memory(made: Program, arrays: list[Array]) -> tuple[Global, dict[str, int]]:
    """The arguments' arrays and the kernel's own constants, and where these are."""
    own = {name: each for name, each in made.variables.items() if each.space != "shared"}
    values = [np.frombuffer(each.values.ljust(max(each.size, 1), b"\0"), np.uint8) for each in own.values()]
    memory = Global([*arrays, *values])
    return memory, {name: memory.address(len(arrays) + i) for i, name in enumerate(own)}


def _identity(array: Array) -> tuple[int, int]:
    """Its memory: one that is passed twice is there once."""
    return int(array.__array_interface__["data"][0]), array.nbytes


def _values(flat: list[Any], places: Mapping[tuple[int, int], int]) -> list[Array]:
    """What Numba passes: of an array two unused pointers, its size, itemsize, address, shape and strides."""
    values = []
    for each in flat:
        if isinstance(each, np.ndarray):
            numbers = (0, 0, each.size, each.itemsize, places[_identity(each)], *each.shape, *each.strides)
            values += [np.array([number], np.int64) for number in numbers]
        else:
            values.append(np.atleast_1d(np.asarray(each)))
    return values


def _filled(value: Array, kind: Kind) -> Array:
    """A parameter's word, which a wider parameter extends."""
    return value.view(f"u{value.itemsize}").astype(kind.word)
