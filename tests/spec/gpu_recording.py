"""A GPU's answers to the 8-bit PTX instructions, as golden/gpu/ptx_<device>.npz holds them, beside the specification's.

| name in the file | contents |
| --- | --- |
| float32_in | uint32 [n], float32 patterns |
| float32_<s8, u8>_<rni, rzi, rmi, rpi>[_ftz, _sat] | uint32 [n], the register after cvt |
| sweep_<the same> | uint64 [259] over all 2**32 patterns: hash, NaN with an answer other than 0, registers that are not the extension of their low byte, and how many gave each low byte |
| float16_<s8, u8>_<rni ..> | uint32 [65536], the register after cvt of every float16 |
| words_in, words_<instruction> | uint32 [n, 3]: a, b, c; uint32 [n], the register after it |
| mma_a, mma_b, mma_c, mma_wrap, mma_satfinite | uint32 [tiles, 32, 4 or 2 or 4]: registers of m16n8k32 s8 |
| device, cuda | text |
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from int8sim.kernels.arrays import convert
from int8sim.spec import cvt, video
from int8sim.spec.cvt import extend, float16_to_int8, float32_to_int8, integer_to_integer, pack_saturate
from int8sim.spec.dp4a import dp2a, dp4a
from int8sim.spec.mma import mma

Words = Callable[[int, int, int], int]
ROUNDINGS = {"rni": cvt.RNI, "rzi": cvt.RZI, "rmi": cvt.RMI, "rpi": cvt.RPI}
VIDEO = {"vadd4", "vsub4", "vmin4", "vmax4", "vabsdiff4", "vavrg4"}
INT32 = 2**31


def conversion(variant: str) -> tuple[int, bool, bool]:
    """(rounding, signed, flush) of `s8_rni_ftz`. `.sat` changes nothing."""
    kind, rounding, *rest = variant.split("_")
    assert kind in {"s8", "u8"}
    assert set(rest) <= {"ftz", "sat"}
    return ROUNDINGS[rounding], kind == "s8", "ftz" in rest


def of_words(name: str) -> Words:
    """The spec function of an instruction by its PTX name, of the registers a, b, c."""
    opcode, *rest = name.split(".")
    signs = [part[0] == "s" for part in rest if part in {"s32", "u32", "s8", "u8"}]
    if opcode == "dp4a":
        return lambda a, b, c: dp4a(a, b, c, *signs)
    if opcode == "dp2a":
        return lambda a, b, c: dp2a(a, b, c, rest[0] == "hi", *signs)
    if opcode in VIDEO:
        return lambda a, b, c: getattr(video, opcode)(a, b, c, *signs, saturating="sat" in rest, adding="add" in rest)
    if rest[0] == "pack":
        return lambda a, b, c: pack_saturate(as_signed(a), as_signed(b), c, signs[0])
    if opcode == "cvt":
        return lambda a, _b, _c: integer_to_integer(a, 32, signs[1], 8, signs[0], "sat" in rest)
    sums = {"add": video.add_sat_s32, "sub": video.sub_sat_s32}
    return lambda a, b, _c: sums[opcode](as_signed(a), as_signed(b))


def as_signed(word: int) -> int:
    return (word ^ INT32) - INT32


def answers(recorded: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(name, the device's registers, the specification's) of everything but the sweeps."""
    for name in sorted(recorded):
        part, _, rest = name.partition("_")
        if rest in {"in", "a", "b", "c"} or part not in {"float32", "float16", "words", "mma"}:
            continue
        yield name, recorded[name], {"words": words, "mma": tiles}.get(part, floats)(recorded, part, rest)


def floats(recorded: Mapping[str, Any], part: str, variant: str) -> Any:
    rounding, signed, flush = conversion(variant)
    if part == "float16":
        return np.array([extend(float16_to_int8(pattern, rounding, signed)) for pattern in range(2**16)], np.uint32)
    values = recorded["float32_in"].view(np.float32)
    return convert(values, "int8" if signed else "uint8", rounding=rounding, flush=flush).astype(np.uint32)


def words(recorded: Mapping[str, Any], _part: str, name: str) -> Any:
    function = of_words(name)
    return np.array([extend(function(*row)) for row in recorded["words_in"].tolist()], np.uint32)


def tiles(recorded: Mapping[str, Any], _part: str, mode: str) -> Any:
    """m16n8k32 s8: C, as unsigned words in the file, is s32."""
    a, b, c = (recorded[f"mma_{name}"] for name in "abc")
    inputs = zip(a.tolist(), b.tolist(), c.view(np.int32).tolist(), strict=True)
    found = [mma(*each, satfinite=mode == "satfinite") for each in inputs]
    return np.array(found, np.int64).astype(np.uint32)


def sweep(start: int, stop: int, rounding: int, signed: int, flush: int, counts: Any) -> int:
    """A kernel: the hash of the patterns start .. stop - 1, and how many of them gave each low byte."""
    total = np.uint64(0)
    for bits in range(start, stop):
        low = float32_to_int8(bits, rounding, signed, flush) & 255
        counts[low] += 1
        z = np.uint64(bits << 8 | low)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        total += z ^ (z >> np.uint64(31))
    return total
