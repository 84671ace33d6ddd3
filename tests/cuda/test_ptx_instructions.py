"""Every function of ptx.py is its instruction in the GPU's text. What it computes is in test_gpu_check.py."""

from __future__ import annotations

import re
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

TOOLS = Path(__file__).parents[2] / "tools"
SIGNS = {"ss": ("s", "s"), "su": ("s", "u"), "us": ("u", "s"), "uu": ("u", "u")}
SPECIAL = {
    "cvt_pack_sat_s8": "cvt.pack.sat.s8.s32.b32",
    "cvt_pack_sat_u8": "cvt.pack.sat.u8.s32.b32",
    "vadd4_sat_s8": "vadd4.s32.s32.s32.sat",
    "vadd4_sat_u8": "vadd4.u32.u32.u32.sat",
}
FORMS = {
    r"(dp[42]a|vadd4|cvt_pack)_\w+": ("x[0], x[1], x[2]", types.uint32, (7, 5), 4 + 8 + 2 + 2),
    r"add_sat_\w+": ("x[0], x[1]", types.uint32, (7, 5), 1),
    r"cvt_\w+_(f16|s32)": ("x[0]", types.uint32, (7, 5), 8 + 2),
    r"cvt_\w+_f32": ("x[0]", types.float32, (7, 5), 16),
    r"mma_m8n8k16_\w+": ("(x[0],), (x[1],), (x[2], x[3])", types.uint32, (7, 5), 8),
    r"mma_m16n8k16_\w+": ("(x[0], x[1]), (x[2],), (x[3], x[4], x[5], x[6])", types.uint32, (8, 0), 8),
    r"mma_m16n8k32_\w+": ("(x[0], x[1], x[2], x[3]), (x[4], x[5]), (x[6], x[7], x[8], x[9])", types.uint32, (8, 0), 8),
}
"""By name: operands, their type, the least capability, and how many NVIDIA's manual has."""


def assembly(function, *arguments, capability):
    """What was written as inline PTX, and the whole text."""
    text = cuda.compile_ptx(function, types.void(*arguments), cc=capability)[0]
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


@pytest.mark.parametrize("form", FORMS)
def test_each_instruction_is_there_once(form):
    """In one kernel of all that take the same operands, in their order, at the least capability that has them."""
    operands, kind, capability, count = FORMS[form]
    names = [name for name in dir(ptx) if re.fullmatch(form, name)]
    assert len(names) == count
    result = "[0]" if form.startswith("mma") else ""
    lines = [f"    out[{i}] = {name}({operands}){result}" for i, name in enumerate(names)]
    scope = {name: getattr(ptx, name) for name in names}
    exec("\n".join(["def kernel(x, out):", *lines]), scope)
    found, _ = assembly(scope["kernel"], kind[::1], types.int64[::1], capability=capability)
    assert found == [opcode(name) for name in names]


def as_a_step(x, p, out):
    i = cuda.grid(1)
    out[i, 0] = convert_at(as_int(x[i, 0]), as_int(x[i, 1]), as_int(x[i, 2]), p, 0)


def test_a_spec_function_becomes_its_instructions():
    """All forms of it, chosen as the kernel runs; and a step that is such a function, too."""
    step, _ = bind(Step(dp4a, {"a_signed": 0, "b_signed": 1}))
    kernel = build(as_a_step, {"convert_at": step}).function.py_func
    numbers = types.Tuple((types.int32, types.int32, types.int64))
    found, _ = assembly(kernel, types.uint32[:, ::1], numbers, types.int64[:, ::1], capability=(8, 0))
    assert sorted(found) == sorted(opcode(f"dp4a_{mix}") for mix in SIGNS)


def test_copies_are_whole_and_asynchronous(monkeypatch):
    """16 bytes in one access, in shared memory that is aligned for them, waited for group by group."""
    monkeypatch.syspath_prepend(str(TOOLS))
    from gpu import asked

    kernel = build(asked.copies).function.py_func
    given = types.uint8[::1], types.int32[::1], types.int32[:, ::1]
    found, text = assembly(kernel, *given, capability=(8, 0))
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
