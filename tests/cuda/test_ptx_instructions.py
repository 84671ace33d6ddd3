"""Every function of ptx.py is its instruction in the GPU's text. What it computes is in test_gpu_check.py."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda")

from numba import cuda, types

from int8sim.kernels.compile import bind
from int8sim.kernels.cuda import ptx
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.roles import convert_at
from int8sim.model.step import Step
from int8sim.spec.dp4a import dp4a

PARAMETERS = types.Tuple((types.int32, types.int32, types.int64))
TOOLS = Path(__file__).parents[2] / "tools"
INSTRUCTIONS = re.compile(r"dp[42]a_\w+|cvt_\w+|vadd4_\w+|add_sat_\w+|mma_\w+")
NAMES = sorted(name for name in dir(ptx) if INSTRUCTIONS.fullmatch(name))
SIGNS = {"ss": ("s", "s"), "su": ("s", "u"), "us": ("u", "s"), "uu": ("u", "u")}
SPECIAL = {
    "cvt_pack_sat_s8": "cvt.pack.sat.s8.s32.b32",
    "cvt_pack_sat_u8": "cvt.pack.sat.u8.s32.b32",
    "vadd4_sat_s8": "vadd4.s32.s32.s32.sat",
    "vadd4_sat_u8": "vadd4.u32.u32.u32.sat",
}
WORDS, ROWS = types.uint32[:, ::1], types.int64[:, ::1]


def as_a_step(x, p, out):
    i = cuda.grid(1)
    out[i, 0] = convert_at(as_int(x[i, 0]), as_int(x[i, 1]), as_int(x[i, 2]), p, 0)


@pytest.fixture(scope="module")
def asked():
    sys.path.insert(0, str(TOOLS))
    try:
        from gpu import asked
    finally:
        sys.path.remove(str(TOOLS))
    return asked


def assembly(kernel, *arguments, capability):
    """What was written as inline PTX, and the whole text."""
    text = cuda.compile_ptx(kernel.function.py_func, types.void(*arguments), cc=capability)[0]
    return re.findall(r"// begin inline asm\s+(\S+) [^\n]*\n\s*// end inline asm", text), text


def opcode(name: str) -> str:
    """PTX's own name."""
    if name.startswith("mma"):
        _, shape, *satfinite, mix = name.split("_")
        a, b = SIGNS[mix]
        return ".".join(["mma.sync.aligned", shape, "row.col", *satfinite, f"s32.{a}8.{b}8.s32"])
    if name.startswith("dp"):
        *parts, mix = name.split("_")
        return ".".join([*parts, *(f"{sign}32" for sign in SIGNS[mix])])
    return SPECIAL.get(name, name.replace("_", "."))


def form(asked, name: str):
    """A kernel of it, the role that it is bound to, and its arguments."""
    if name.startswith("mma"):
        return getattr(asked, f"of_{name.split('_')[1]}"), "convert_at", (WORDS, ROWS)
    if name.endswith("f32"):
        return asked.of_float, "convert", (types.float32[::1], types.int64[::1])
    if name.startswith("add"):
        return asked.of_two, "combine", (WORDS, types.int64[::1])
    if re.fullmatch(r"cvt_\w+_(f16|s32)", name):
        return asked.of_one, "convert", (WORDS, types.int64[::1])
    return asked.of_three, "convert_at", (WORDS, types.int64[::1])


@pytest.mark.parametrize("name", NAMES)
def test_the_instruction_is_there(asked, name):
    """Once, at the least capability that has it."""
    kernel, role, arguments = form(asked, name)
    bound = build(kernel, {role: (getattr(ptx, name), ())})
    found, _ = assembly(bound, *arguments, capability=(8, 0) if "m16n8" in name else (7, 5))
    assert found == [opcode(name)]


def test_there_are_as_many_as_the_manual_has():
    """dp4a, dp2a, cvt of float32, float16 and integers, cvt.pack, vadd4, add; mma of 3 shapes, 2 modes, 4 mixes."""
    assert len(NAMES) == 4 + 8 + 16 + 8 + 2 + 2 + 2 + 1 + 24


def test_a_spec_function_becomes_its_instructions(asked):
    """All forms of it, chosen as the kernel runs; and a step that is such a function, too."""
    step, _ = bind(Step(dp4a, {"a_signed": 0, "b_signed": 1}))
    found, _ = assembly(build(as_a_step, {"convert_at": step}), WORDS, PARAMETERS, ROWS, capability=(8, 0))
    assert sorted(found) == sorted(opcode(f"dp4a_{mix}") for mix in SIGNS)


def test_copies_are_whole_and_asynchronous(asked):
    """16 bytes in one access, in shared memory that is aligned for them, waited for group by group."""
    given = types.uint8[::1], types.int32[::1], types.int32[:, ::1]
    found, text = assembly(build(asked.copies), *given, capability=(8, 0))
    assert found == ["cp.async.cg.shared.global", *["cp.async.ca.shared.global"] * 4, *found[5:]]
    assert found[5:] == ["cp.async.wait_group", "cp.async.wait_group", "ldmatrix.sync.aligned.m8n8.x4.shared.b16"]
    expected = {
        r"cp\.async\.cg\.shared\.global \[%r\d+\], \[%rd\d+\], 16, %r\d+;": 1,
        r"cp\.async\.ca\.shared\.global \[%r\d+\], \[%rd\d+\], 4, %r\d+;": 4,
        r"cp\.async\.commit_group;": 2,
        r"cp\.async\.wait_group 1;": 1,
        r"cp\.async\.wait_group 0;": 1,
        r"ld\.shared\.v4\.u32": 2,
        r"st\.shared\.v4\.u32": 1,
        r"\.shared \.align 16 \.b8 \w+\[512\];": 2,
        r"ld\.shared\.u32": 0,
        r"\.local": 0,
    }
    assert {pattern: len(re.findall(pattern, text)) for pattern in expected} == expected
