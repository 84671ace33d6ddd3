"""What the kernels are compiled to: the instructions that they are there for, and none that would change a bit."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from int8sim.kernels.cuda.assembly import ptx
from int8sim.kernels.cuda.device import Launch

from . import networks

OPCODE = re.compile(r"(?m)^\s*(?:@!?%p\d+\s+)?([a-z][\w.:]+)[ ;\t]")
FUSED = "int8sim_kernels_cuda_primitives_fma"
"""How a kernel's text calls the fused product, where the specification has one."""

EXPECTED = {
    "narrow_tile": {"dp4a.u32.s32": 32, "bar.sync": 4},
    "wide_tile": {"dp4a.u32.s32": 64, "bar.sync": 4},
    "mma_tile": {
        "mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32": 16,
        "ldmatrix.sync.aligned.m8n8.x4.shared.b16": 6,
        "cp.async.cg.shared.global": 12,
        "cp.async.commit_group": 3,
    },
    "quantize with quantize_half_even": {"cvt.rni.s32.f32": 1, "div.rn.f32": 1},
    "quantize with quantize_half_away": {"cvt.rzi.s64.f32": 1, "div.rn.f32": 1},
    "combined with add_fma": {"fma.rn.f32": 2},
    "convolve_real": {"fma.rn.f32": 1},
}
"""By a kernel's name, or by its name with the functions of its roles: how often an instruction stands in it at least.

Loops may be unrolled, more often for one capability than for another.
"""

BINARY64 = frozenset({"output_real", "quantize"})
"""Functions of the specification that compute in binary64, by their names in a kernel's: LiteRT's fully connected layer
multiplies by a double; NVDLA's first converter has one product of a float32 and a constant."""

FORBIDDEN = {
    r"\.ftz": "subnormals are flushed",
    r"\.approx|^div\.full": "the result is approximate",
    r"^(mul|mad)\.f": "a product that ptxas may fuse with a sum",
    r"\.local": "values lie in memory",
    r"^call": "a function is called, whose text is not here",
}


def opcodes(text: str) -> Counter[str]:
    """How often each instruction stands in the text."""
    return Counter(OPCODE.findall(text))


def problems(launch: Launch, text: str) -> list[str]:
    """What must not stand there."""
    found = opcodes(text)
    said = [f"{name}: {why}" for name in found for pattern, why in FORBIDDEN.items() if re.search(pattern, name)]
    if re.search(r"^\s*\.(local|extern)", text, re.MULTILINE):
        said.append("a stack, or a function that is not here")
    source = Path(launch.kernel.function.py_func.__code__.co_filename).read_text()
    if FUSED not in source:
        said += [f"{name}: the specification has no fused product" for name in found if name.startswith("fma")]
    if not BINARY64 & set(re.findall(r"\w+", launch.kernel.name.partition(" with ")[2])):
        said += [f"{name}: the specification has no binary64 here" for name in found if ".f64" in name]
    return said


def expected(launch: Launch) -> dict[str, int]:
    name = launch.kernel.name
    return {**EXPECTED.get(name.partition(" with ")[0], {}), **EXPECTED.get(name, {})}


def check(name: str) -> int:
    """How many texts were looked at."""
    texts = [(launch, ptx(launch, each)) for launch in networks.launches(name) for each in networks.capabilities(name)]
    for launch, text in texts:
        found = opcodes(text)
        assert not problems(launch, text), launch.kernel.name
        missing = {each: least for each, least in expected(launch).items() if found[each] < least}
        assert not missing, f"{launch.kernel.name}: {found}"
    return len(texts)


@pytest.mark.parametrize("name", networks.FAST)
def test_networks(name, compared):
    compared(check(name), what=f"texts, {name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in networks.names() if each not in networks.FAST])
def test_every_network(name, compared):
    compared(check(name), what=f"texts, {name}")
