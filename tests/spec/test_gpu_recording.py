"""The specification against what a GPU answered, where golden/gpu holds a recording; and the comparison itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from int8sim.kernels.compile import build
from int8sim.spec.rounding import Rounding

from . import gpu_recording
from .exact import clip, from_bits, rounded, signed
from .gpu_recording import answers, conversion, of_words, sweep

FOLDER = Path(__file__).parents[2] / "golden" / "gpu"
NONE = pytest.param(None, id="none", marks=pytest.mark.skip("golden/gpu holds no recording of a GPU, ptx_*.npz"))
RECORDINGS = [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("ptx_*.npz"))] or [NONE]
VARIANTS = [f"{kind}_{r}{f}" for kind in ("s8", "u8") for r in ("rni", "rzi", "rmi", "rpi") for f in ("", "_ftz")]
VARIANTS += ["s8_rni_sat", "u8_rni_sat"]
ANSWERS = {
    "dp4a.s32.s32": 4,
    "dp4a.s32.u32": 4,
    "dp4a.u32.s32": 260,
    "dp4a.u32.u32": 260,
    "dp2a.lo.s32.s32": 4,
    "dp2a.lo.s32.u32": 4,
    "dp2a.lo.u32.s32": 65_540,
    "dp2a.lo.u32.u32": 65_540,
    "dp2a.hi.s32.s32": 5,
    "dp2a.hi.s32.u32": 5,
    "dp2a.hi.u32.s32": 5,
    "dp2a.hi.u32.u32": 5,
    "cvt.pack.sat.s8.s32.b32": 0x0005FF01,
    "cvt.pack.sat.u8.s32.b32": 0x00050001,
    "add.sat.s32": 0,
    "sub.sat.s32": -2,
    "cvt.sat.s8.s32": -1,
    "cvt.sat.u8.s32": 0,
    "cvt.sat.s8.u32": 127,
    "cvt.sat.u8.u32": 255,
    "vadd4.s32.s32.s32.sat": 0xFFFFFF00,
    "vadd4.u32.u32.u32.sat": 0xFFFFFFFF,
    "vadd4.s32.s32.s32": 0xFFFFFF00,
    "vsub4.s32.s32.s32.sat": 0xFFFFFFFE,
    "vsub4.u32.u32.u32.sat": 0xFFFFFFFE,
    "vmin4.s32.s32.s32": 0xFFFFFFFF,
    "vmax4.s32.s32.s32": 1,
    "vmin4.u32.u32.u32": 1,
    "vmax4.u32.u32.u32": 0xFFFFFFFF,
    "vabsdiff4.s32.s32.s32.sat": 0x01010102,
    "vabsdiff4.u32.u32.u32": 0xFFFFFFFE,
    "vavrg4.s32.s32.s32": 0xFFFFFF00,
    "vavrg4.u32.u32.u32": 0x80808080,
}
"""Of a = 0xFFFFFFFF, b = 1, c = 5."""


def load(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)


@pytest.mark.parametrize("path", RECORDINGS)
def test_every_register(path, compared):
    recorded, count = load(path), 0
    for name, device, found in answers(recorded):
        wrong = np.flatnonzero(device.reshape(-1) != found.reshape(-1))
        assert wrong.size == 0, f"{name} on {recorded['device']}: {wrong.size} differ, first at {wrong[:5]}"
        count += found.size
    compared(count, least=1_000_000, what=str(recorded["device"]))


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("path", RECORDINGS)
def test_every_float32(path, variant, compared):
    """The hash and the counts over all 2**32 patterns; no NaN gives anything but 0, and every register is extended."""
    found, counts = swept(variant, 0, 2**32)
    assert load(path)[f"sweep_{variant}"].tolist() == [found, 0, 0, *counts]
    compared(2**32)


def swept(variant: str, start: int, stop: int) -> tuple[int, list[int]]:
    counts = np.zeros(256, np.int64)
    rounding, is_signed, flush = conversion(variant)
    return int(build(sweep)(start, stop, int(rounding), int(is_signed), int(flush), counts)), counts.tolist()


def mixed(z: int) -> int:
    """splitmix64's last steps."""
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return z ^ (z >> 31)


@pytest.mark.parametrize("variant", ["s8_rni", "u8_rpi", "s8_rmi_ftz"])
@pytest.mark.parametrize("start", [0x007FFF00, 0x42FE0000, 0xC2FF0000, 0xFF7FFF00])
def test_the_sweeps_hash(variant, start):
    """Of a few hundred patterns, against the definition."""
    kind, mode, *flush = variant.split("_")
    rounding = {"rni": Rounding.HALF_EVEN, "rpi": Rounding.CEIL, "rmi": Rounding.FLOOR}[mode]
    low, high = (-128, 127) if kind == "s8" else (0, 255)
    lows = []
    for pattern in range(start, start + 512):
        value = from_bits(pattern)
        value = 0.0 if value != value or (flush and abs(value) < 2.0**-126) else clip(value, low - 1, high + 1)
        lows.append(clip(rounded(value, rounding), low, high) % 256)
    expected = sum(mixed((start + i) << 8 | byte) for i, byte in enumerate(lows)) % 2**64
    found, counts = swept(variant, start, start + 512)
    assert found == expected
    assert counts == [lows.count(byte) for byte in range(256)]


def made(count: int = 40) -> dict[str, np.ndarray]:
    """A file of the same names with a few answers that need no specification."""
    source = np.random.default_rng(count)
    a, b, c = words = source.integers(0, 2**32, (3, count), np.uint32)
    dots = (a.view(np.int8).astype(int) * b.view(np.int8)).reshape(-1, 4).sum(1)
    ones = np.full((1, 32, 4), 0x01010101, np.uint32)
    accumulators = source.integers(2**31 - 40, 2**31 + 40, (1, 32, 4)).astype(np.uint32)
    exact = accumulators.view(np.int32) + np.int64(32)
    return {
        "device": np.array("none"),
        "words_in": words.T.copy(),
        "words_dp4a.s32.s32": (dots + c).astype(np.uint32),
        "words_add.sat.s32": np.clip(a.view(np.int32) + np.int64(1) * b.view(np.int32), -(2**31), 2**31 - 1).astype(
            np.uint32
        ),
        "float32_in": np.array([1.5, -2.5, 300.0, -300.0], np.float32).view(np.uint32),
        "float32_s8_rni": np.array([2, -2, 127, -128]).astype(np.uint32),
        "float32_u8_rpi_ftz": np.array([2, 0, 255, 0], np.uint32),
        "mma_a": ones,
        "mma_b": ones[..., :2],
        "mma_c": accumulators,
        "mma_wrap": exact.astype(np.uint32),
        "mma_satfinite": np.clip(exact, -(2**31), 2**31 - 1).astype(np.uint32),
    }


def test_a_made_up_recording_agrees_and_one_changed_register_is_found():
    recorded = made()
    found = {name: np.flatnonzero(device != answer).tolist() for name, device, answer in answers(recorded)}
    assert set(found) == {name for name in recorded if name.partition("_")[2] not in {"", "in", "a", "b", "c"}}
    assert not any(found.values()), found
    for name in found:
        changed = {**recorded, name: recorded[name].copy()}
        changed[name].reshape(-1)[3] ^= 1
        wrong = {each: np.flatnonzero(device != answer).tolist() for each, device, answer in answers(changed)}
        assert wrong == {**found, name: [3]}


@pytest.mark.parametrize("name", ANSWERS)
def test_every_recorded_instruction_has_its_function(name):
    assert of_words(name)(0xFFFFFFFF, 0x00000001, 0x00000005) == ANSWERS[name]


def test_signs_of_registers():
    assert [gpu_recording.as_signed(word) for word in (0, 2**31 - 1, 2**31, 2**32 - 1)] == [
        signed(word, 32) for word in (0, 2**31 - 1, 2**31, 2**32 - 1)
    ]
