"""What stands for the GPU's instructions in Numba's CUDA simulator: the specification, on Python numbers.

The names are those of primitives.py and ptx.py; ptx.py's arithmetic is found by the parts of a name. Each thread of a
block is a thread of the system there: what a warp does together waits at the block's barrier, so that all warps of a
block must do it equally often. Shared memory begins as rubbish, and a copy is made when it is waited for, no sooner.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from int8sim.spec import cvt, mma, video
from int8sim.spec.dp4a import WORD, dp2a, dp4a
from int8sim.spec.float32 import float32_bits
from int8sim.spec.integers import wrap

Words = tuple[int, int, int, int]
Function = Callable[..., Any]

as_int = int


def as_index(value: int) -> int:
    """As primitives.as_index. Raises IndexError for what would count from the end here and lie far beyond it there."""
    if value < 0:
        raise IndexError(f"{value} is no index")
    return int(value)


as_real = float

ROUNDINGS = {"rni": cvt.RNI, "rzi": cvt.RZI, "rmi": cvt.RMI, "rpi": cvt.RPI}
RUBBISH = 0x5A5A5A5A
LOCK = threading.Lock()


def __getattr__(name: str) -> Function:
    """An arithmetic instruction of ptx.py."""
    opcode, *modes = name.split("_")
    if opcode not in MAKERS:
        raise AttributeError(name)
    return MAKERS[opcode](modes)


def _signed(modes: Sequence[str]) -> tuple[bool, bool]:
    """Of a and of b: the last mode, as "su"."""
    return modes[-1][0] == "s", modes[-1][1] == "s"


def _dp4a(modes: Sequence[str]) -> Function:
    return lambda a, b, c: dp4a(int(a), int(b), int(c), *_signed(modes))


def _dp2a(modes: Sequence[str]) -> Function:
    return lambda a, b, c: dp2a(int(a), int(b), int(c), modes[0] == "hi", *_signed(modes))


def _cvt(modes: Sequence[str]) -> Function:
    if modes[0] == "pack":
        return lambda a, b, c: cvt.pack_saturate(word(a), word(b), int(c) & WORD, modes[-1] == "s8")
    signed, source = modes[-2] == "s8", modes[-1]
    if source == "s32":
        return lambda a: cvt.int32_to_int8(word(a), signed)
    rounding, flush = ROUNDINGS[modes[0]], "ftz" in modes
    if source == "f16":
        return lambda bits: cvt.float16_to_int8(int(bits) & 0xFFFF, rounding, signed)
    return lambda x: cvt.float32_to_int8(float32_bits(float(x)), rounding, signed, flush)


def _vadd4(modes: Sequence[str]) -> Function:
    signs = (modes[-1] == "s8",) * 3
    return lambda a, b, c: video.vadd4(int(a), int(b), int(c), *signs, saturating=True)


def _add(_: Sequence[str]) -> Function:
    return lambda a, b: video.add_sat_s32(word(a), word(b))


def _mma(modes: Sequence[str]) -> Function:
    """By a warp together; the number of registers tells the shape."""

    def whole(given: Sequence[Any]) -> list[Any]:
        a, b, c = ([tuple(map(word, fragment)) for fragment in each] for each in zip(*given, strict=True))
        return [tuple(found) for found in mma.mma(a, b, c, *_signed(modes), satfinite="satfinite" in modes)]

    return lambda a, b, c: _together((a, b, c), whole)


MAKERS: dict[str, Callable[[Sequence[str]], Function]] = {
    "dp4a": _dp4a,
    "dp2a": _dp2a,
    "cvt": _cvt,
    "vadd4": _vadd4,
    "add": _add,
    "mma": _mma,
}


def word(value: Any) -> int:
    """The low 32 bits, as a signed integer."""
    return wrap(int(value), 32)


def _together(value: Any, function: Callable[[list[Any]], list[Any]]) -> Any:
    """The thread's own of the results that a function of the values of a warp's threads has for each of them."""
    thread: Any = threading.current_thread()
    warp, lane = divmod(thread.thread_id, mma.THREADS)
    warps = vars(thread._manager).setdefault("warps", {})  # noqa: SLF001
    given, found = warps.setdefault(warp, ([None] * mma.THREADS, []))
    given[lane] = value
    thread.syncthreads()
    if lane == 0:
        found[:] = function(given)
    thread.syncthreads()
    return found[lane]


def shared_words(count: int) -> Any:
    """An array of the block: one for each line that asks."""
    caller, thread = sys._getframe(1), threading.current_thread()  # noqa: SLF001
    with LOCK:
        arrays = vars(thread._manager).setdefault("arrays", {})  # type: ignore[attr-defined]  # noqa: SLF001
        place = caller.f_code.co_filename, caller.f_lineno
        return arrays.setdefault(place, np.full(count, RUBBISH, np.int32))


def _memory(array: Any, index: int, size: int) -> Any:
    """So many bytes of an array from a value on. Raises IndexError where the GPU's access would not be aligned."""
    whole = array.view(np.uint8).reshape(-1)
    start = int(index) * array.itemsize
    if start % size or not 0 <= start <= whole.size - size:
        raise IndexError(f"{size} bytes at byte {start} of {whole.size}: not aligned to {size}, or not in the array")
    return whole[start : start + size]


def load_16(array: Any, index: int) -> Words:
    """As ptx.load_16."""
    first, second, third, fourth = _memory(array, index, 16).view(np.int32).tolist()
    return first, second, third, fourth


def store_16(array: Any, index: int, words: Sequence[int]) -> None:
    """As ptx.store_16."""
    _memory(array, index, 16).view(np.int32)[:] = [word(each) for each in words]


def cp_async_16(shared: Any, index: int, array: Any, at: int, given: int) -> None:
    """As ptx.cp_async_16."""
    _begin(shared, index, array, at, given, 16)


def cp_async_4(shared: Any, index: int, array: Any, at: int, given: int) -> None:
    """As ptx.cp_async_4."""
    _begin(shared, index, array, at, given, 4)


def _groups() -> list[list[tuple[Any, Any]]]:
    """Of the thread's copies that were not waited for; the last one is still open."""
    found: list[list[tuple[Any, Any]]] = vars(threading.current_thread()).setdefault("groups", [[]])
    return found


def _begin(shared: Any, index: int, array: Any, at: int, given: int, size: int) -> None:
    source = _memory(array, at, size) if given else np.empty(0, np.uint8)
    _groups()[-1].append((_memory(shared, index, size), source[: int(given)]))


def cp_async_commit() -> None:
    """As ptx.cp_async_commit."""
    _groups().append([])


def cp_async_wait(pending: int) -> None:
    """As ptx.cp_async_wait."""
    groups = _groups()
    done = max(len(groups) - 1 - pending, 0)
    for target, source in (copy for group in groups[:done] for copy in group):
        target[:] = 0
        target[: source.size] = source
    del groups[:done]


def ldmatrix_x4(shared: Any, index: int) -> Words:
    """As ptx.ldmatrix_x4."""
    found: Words = _together(load_16(shared, index), _rows_to_words)
    return found


def _rows_to_words(rows: list[Any]) -> list[Any]:
    return [tuple(rows[8 * matrix + t // 4][t % 4] for matrix in range(4)) for t in range(mma.THREADS)]
