"""What the specification says of each function of int8sim.kernels.cuda.ptx: a step by its name, and loops around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cuda.twins import TWINS
from int8sim.kernels.roles import Parameters, combine, convert, convert_at
from int8sim.model.step import Array, Step
from int8sim.spec import cvt, dp4a, mma, video

SIGNS = {"ss": (1, 1), "su": (1, 0), "us": (0, 1), "uu": (0, 0)}
ROUNDINGS = {"rni": cvt.RNI, "rzi": cvt.RZI, "rmi": cvt.RMI, "rpi": cvt.RPI}
TYPES = ("s8", "u8")
SHAPES = {"m8n8k16": (1, 1, 2), "m16n8k16": (2, 1, 4), "m16n8k32": (4, 2, 4)}
"""Registers of a thread: of A, of B, of C and D."""


def _signs(mix: str) -> dict[str, int]:
    return dict(zip(("a_signed", "b_signed"), SIGNS[mix], strict=True))


def _lanes(signed: int) -> dict[str, int]:
    """vadd4.sat with every lane in its place."""
    signs = dict.fromkeys(("d_signed", "a_signed", "b_signed"), signed)
    rest = {"adding": 0, "mask": video.ALL, "a_select": video.FROM_A, "b_select": video.FROM_B}
    return {**signs, "saturating": 1, **rest}


WORDS = {
    **{f"dp4a_{mix}": Step(dp4a.dp4a, _signs(mix)) for mix in SIGNS},
    **{f"dp2a_lo_{mix}": Step(dp4a.dp2a, {"high": 0, **_signs(mix)}) for mix in SIGNS},
    **{f"dp2a_hi_{mix}": Step(dp4a.dp2a, {"high": 1, **_signs(mix)}) for mix in SIGNS},
    **{f"cvt_sat_{each}_s32": Step(cvt.int32_to_int8, {"signed": int(each == "s8")}) for each in TYPES},
    **{f"cvt_pack_sat_{each}": Step(cvt.pack_saturate, {"signed": int(each == "s8")}) for each in TYPES},
    **{f"vadd4_sat_{each}": Step(video.vadd4, _lanes(int(each == "s8"))) for each in TYPES},
    "add_sat_s32": Step(video.add_sat_s32, {}),
}
"""Of 32-bit registers."""
HALVES = {
    f"cvt_{mode}_{each}_f16": Step(cvt.float16_to_int8, {"rounding": int(rounding), "signed": int(each == "s8")})
    for each in TYPES
    for mode, rounding in ROUNDINGS.items()
}
"""Of a float16's bits."""
TWINNED = {name: step for name, step in {**WORDS, **HALVES}.items() if step.function in TWINS}
"""Functions that a kernel has the instruction for."""
FLOATS = {
    f"cvt_{mode}{flush}_{each}_f32": (int(each == "s8"), int(rounding), int(bool(flush)))
    for flush in ("", "_ftz")
    for each in TYPES
    for mode, rounding in ROUNDINGS.items()
}
"""Signed, rounding, flush: of a float32."""
PRODUCTS = {
    f"mma_{shape}{mode}_{mix}": (shape, *SIGNS[mix], int(bool(mode)))
    for shape in SHAPES
    for mode in ("", "_satfinite")
    for mix in SIGNS
}
"""Shape, signs of A and of B, satfinite."""
SIGNED = ("cvt", "add")
"""Their registers are signed words."""


def operands(name: str) -> int:
    """How many registers an instruction of WORDS or HALVES takes."""
    return 1 if name in HALVES or name.startswith("cvt_sat") else 2 if name.startswith("add") else 3


def registers(name: str, rows: Array, *, compiled: bool) -> Array:
    """The result of an instruction for every row of uint32 [n, 3], int64 [n]; else interpreted."""
    step = {**WORDS, **HALVES}[name]
    role, kernel = {1: ("convert", each_one), 2: ("combine", each_two), 3: ("convert_at", each_three)}[operands(name)]
    words = rows.astype(np.uint32).view(np.int32) if name.startswith(SIGNED) and name in WORDS else rows
    words = words.astype(np.int64)
    if name.startswith("cvt_pack"):
        words[:, 2] &= dp4a.WORD
    if not compiled:
        return np.array([step(*row[: operands(name)]) for row in words.tolist()], np.int64)
    built, values = bind(step)
    found = np.empty(len(rows), np.int64)
    build(kernel, {role: built})(words, values, found)
    return found


def each_one(x: Array, p: Parameters, out: Array) -> None:
    """int64 [n, 3] to int64 [n]."""
    for i in range(x.shape[0]):
        out[i] = convert(x[i, 0], p, 0)


def each_two(x: Array, p: Parameters, out: Array) -> None:
    """Of the first two words."""
    for i in range(x.shape[0]):
        out[i] = combine(x[i, 0], x[i, 1], p, 0)


def each_three(x: Array, p: Parameters, out: Array) -> None:
    """Of all."""
    for i in range(x.shape[0]):
        out[i] = convert_at(x[i, 0], x[i, 1], x[i, 2], p, 0)


def tiles(name: str, given: Array) -> Array:
    """D of every thread, int64 [tiles, 32, 2 or 4]; given: uint32 [tiles, 32, registers of A, B and C]."""
    shape, a_signed, b_signed, satfinite = PRODUCTS[name]
    a, b, _ = SHAPES[shape]
    words: list[Any] = given.astype(np.uint32).view(np.int32).tolist()
    found = [mma.mma(*_parts(tile, a, b), bool(a_signed), bool(b_signed), bool(satfinite)) for tile in words]
    return np.array(found, np.int64)


def _parts(tile: Sequence[Sequence[int]], a: int, b: int) -> tuple[Any, Any, Any]:
    return [row[:a] for row in tile], [row[a : a + b] for row in tile], [row[a + b :] for row in tile]


def digest(start: int, stop: int, modes: tuple[int, int, int], counts: Array) -> int:
    """As asked.sweep's hash and counts, by the specification alone."""
    total = np.uint64(0)
    for bits in range(start, stop):
        low = cvt.float_to_integer(bits, 32, 8, modes[0], modes[1], modes[2]) & 255
        counts[low] += 1
        z = np.uint64(bits << 8 | low)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        total += z ^ (z >> np.uint64(31))
    return int(total)
