"""What the TOSA reference model is asked: every operand from a counter, so that any machine makes the same ones.

Needs numpy only: the tool that runs the model and the tests that compare with it both import this.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

CHANNELS = 256
RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-(2**15), 2**15 - 1), "uint16": (0, 2**16 - 1)}
RANGES |= {"int32": (-(2**31), 2**31 - 1)}
ROWS = 320


def counter(seed: int, count: int) -> np.ndarray:
    """uint64 [count]: SplitMix64 of seed * 2**32 + 0, 1, 2 ..."""
    z = (np.uint64(seed) << np.uint64(32)) + np.arange(count, dtype=np.uint64)
    z = (z + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def words(seed: int, shape: tuple[int, ...], low: Any, high: Any) -> np.ndarray:
    """int64, uniform in low .. high (numbers, or arrays that broadcast); less than 2**62 apart."""
    drawn = counter(seed, int(np.prod(shape))).reshape(shape)
    span = (np.asarray(high, np.int64) - np.asarray(low, np.int64) + 1).astype(np.uint64)
    return np.asarray(low, np.int64) + (drawn % span).astype(np.int64)


@dataclass(frozen=True)
class Case:
    """One graph. operator: a key of tools/make_tosa_golden.py's GRAPHS. arrays: operands, int64; numbers: the rest."""

    name: str
    operator: str
    arrays: dict[str, np.ndarray]
    numbers: dict[str, Any] = field(default_factory=dict)


def _scales(seed: int, source: str, target: str, wide: bool) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers and shifts [CHANNELS] for which values of the source spread over the target."""
    bits = 31 if wide else 15
    multiplier = words(seed, (CHANNELS,), 1 << (bits - 1), (1 << bits) - 1)
    multiplier[:8] = 1 << (bits - 1)  # exact halves: many ties
    reach = {"int8": 8, "uint8": 8, "int16": 15, "uint16": 15, "int32": 30}
    spread = words(seed + 1, (CHANNELS,), 0, 6)
    shift = bits + np.maximum(reach[source] - reach[target] - 2 + spread, 1 - bits + reach[source] + 1)
    return multiplier, np.clip(shift, 2, 62)


def rescale(seed: int, source: str, target: str, wide: bool, double: bool) -> Case:
    """RESCALE per channel: [ROWS, CHANNELS] values; the second half of the rows lies where the output steps."""
    multiplier, shift = _scales(seed, source, target, wide)
    low, high = RANGES[source]
    zero = {"int8": int(words(seed + 2, (), -128, 127)), "uint8": int(words(seed + 2, (), 0, 255)), "uint16": 32768}
    zeros = zero.get(source, 0), {"int8": -7, "uint8": 131, "uint16": 32768}.get(target, 0)
    limit = np.minimum(np.int64(1) << np.minimum(shift - 1, 50), 1 << 32) - abs(zeros[0])
    bottom, top = np.maximum(low, -limit), np.minimum(high, limit - 1)
    x = words(seed + 3, (ROWS, CHANNELS), bottom, top)
    steps = words(seed + 4, (ROWS // 2, CHANNELS), -140, 140)
    near = ((2 * steps + 1) * (2.0 ** (shift - 1)) / multiplier).astype(np.int64) + zeros[0]
    x[ROWS // 2 :] = np.clip(near + words(seed + 5, near.shape, -1, 1), bottom, top)
    numbers = {"source": source, "target": target, "wide": wide, "double": double, "zeros": zeros}
    rounding = ("double" if double else "single") if wide else "scale16"
    arrays = {"x": x, "multiplier": multiplier, "shift": shift}
    return Case(f"rescale {rounding} {source} to {target}", "rescale", arrays, numbers)


def _legal(source: str, target: str) -> bool:
    """An unsigned type neither with another nor with int32: the operator refuses both."""
    return not {source, target} <= {"uint8", "uint16", "int32"} or source == target == "int32"


def _rescales() -> list[Case]:
    kinds = tuple(RANGES)
    forms = [(True, False), (True, True), (False, False)]
    pairs = [(form, source, target) for form in forms for source in kinds for target in kinds if _legal(source, target)]
    return [rescale(1000 + 10 * i, source, target, *form) for i, (form, source, target) in enumerate(pairs)]


def average_pool(seed: int, kernel: tuple[int, int], stride: tuple[int, int], pad: tuple[int, int, int, int]) -> Case:
    """AVG_POOL2D over int8 [1, 64, 64, 16] with zero points."""
    x = words(seed, (1, 65, 65, 16), -128, 127)
    size = [(65 + pad[2 * i] + pad[2 * i + 1] - kernel[i]) // stride[i] * stride[i] for i in (0, 1)]
    x = x[:, : size[0] + kernel[0] - pad[0] - pad[1], : size[1] + kernel[1] - pad[2] - pad[3]]
    numbers = {"kernel": kernel, "stride": stride, "pad": pad, "zeros": (int(words(seed + 1, (), -128, 127)), 11)}
    return Case(f"average_pool {kernel} {stride} {pad}", "average_pool", {"x": np.ascontiguousarray(x)}, numbers)


POOLS = [
    ((2, 2), (1, 1), (0, 0, 0, 0)),
    ((3, 3), (1, 1), (1, 1, 1, 1)),
    ((3, 2), (1, 1), (2, 0, 1, 0)),
    ((5, 7), (1, 1), (2, 2, 3, 3)),
    ((7, 7), (1, 1), (3, 3, 3, 3)),
    ((1, 3), (1, 1), (0, 0, 1, 1)),
    ((6, 6), (1, 1), (0, 5, 5, 0)),
    ((4, 4), (1, 1), (3, 3, 3, 3)),
    ((9, 9), (1, 1), (4, 4, 4, 4)),
    ((3, 3), (1, 1), (0, 0, 0, 0)),
    ((5, 5), (1, 1), (4, 4, 4, 4)),
    ((8, 3), (1, 1), (7, 7, 2, 2)),
    ((11, 2), (1, 1), (5, 5, 1, 1)),
    ((2, 9), (1, 1), (1, 1, 8, 8)),
    ((13, 13), (1, 1), (6, 6, 6, 6)),
    ((10, 10), (1, 1), (9, 9, 9, 9)),
]


def convolution(seed: int, kernel: tuple[int, int], channels: int, depthwise: bool) -> Case:
    """CONV2D or DEPTHWISE_CONV2D of int8 with an input zero point and bias, then RESCALE per channel, double."""
    outputs = channels if depthwise else 64
    arrays = {
        "x": words(seed, (1, 64, 64, channels), -128, 127),
        "w": words(seed + 1, (outputs, *kernel, 1 if depthwise else channels), -128, 127),
        "bias": words(seed + 2, (outputs,), -20000, 20000),
        "multiplier": words(seed + 3, (outputs,), 1 << 30, (1 << 31) - 1),
        "shift": words(seed + 4, (outputs,), 38, 42),
    }
    name = "depthwise" if depthwise else "convolution"
    return Case(f"{name} {kernel} {channels}", name, arrays, {"zeros": (int(words(seed + 5, (), -128, 127)), -3)})


def cases() -> list[Case]:
    """Every case, over a million outputs for RESCALE in each form, for average pools and for convolutions."""
    found = _rescales()
    found += [average_pool(9000 + 10 * i, *pool) for i, pool in enumerate(POOLS)]
    sizes = [((3, 3), 8), ((1, 1), 24), ((5, 3), 4), ((2, 2), 16)]
    found += [convolution(9500 + 10 * i, *size, depthwise=False) for i, size in enumerate(sizes)]
    found += [convolution(9600 + 10 * i, size[0], 64, depthwise=True) for i, size in enumerate(sizes)]
    x = words(9700, (1024, 1024), -(2**31), 2**31 - 1)
    found.append(Case("arithmetic_right_shift", "shift", {"x": x, "by": words(9701, (1024, 1024), 0, 31)}))
    pairs = {"a": words(9800, (1024, 1024), -128, 127), "b": words(9801, (1024, 1024), -128, 127)}
    found.append(Case("multiply", "multiply", pairs, {"zeros": (5, -9)}))
    table = words(9900, (256,), -128, 127)
    found.append(Case("table int8", "table", {"x": words(9901, (4096, 256), -128, 127), "table": table}))
    steps = np.clip(np.cumsum(words(9910, (513,), -900, 900)), -(2**15), 2**15 - 1)
    everything = np.arange(-(2**15), 2**15).reshape(256, 256)
    found.append(Case("table int16", "table16", {"x": everything, "table": steps}))
    return found
