"""Machine code of the kernels, by NVIDIA's assembler: no spills, no stack, within what an architecture has."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.kernels.cuda import ptxas
from int8sim.kernels.cuda.assembly import ptx
from int8sim.model.errors import AssemblerError, MissingPackageError

from . import networks

REGISTERS, OF_A_BLOCK, SHARED = 255, 1 << 16, 48 << 10
"""Registers of a thread and of a block, and static shared memory, in every capability from 7.5 on.

Source: NVIDIA, CUDA C++ Programming Guide, Compute Capabilities, Technical Specifications.
"""


def check(name: str) -> int:
    """How many were assembled."""
    made = 0
    for launch in networks.launches(name):
        for capability in networks.capabilities(name):
            taken = ptxas.resources(ptx(launch, capability), capability)
            assert (taken.stack, taken.spills) == (0, 0), launch.kernel.name
            assert taken.registers <= REGISTERS
            assert taken.registers * int(np.prod(launch.threads)) <= OF_A_BLOCK
            assert taken.shared <= SHARED
            made += 1
    return made


@pytest.mark.parametrize("name", networks.FAST)
def test_networks(name, compared):
    compared(check(name), what=f"cubins, {name}")


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in networks.names() if each not in networks.FAST])
def test_every_network(name, compared):
    compared(check(name), what=f"cubins, {name}")


def test_what_the_assembler_refuses_is_shown():
    with pytest.raises(AssemblerError, match=r"sm_80: .*Unknown symbol|refuses a kernel for sm_80"):
        ptxas.resources(
            ".version 9.0\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\nadd.s32 %r1;\n}", (8, 0)
        )


def test_a_missing_assembler_is_named(monkeypatch):
    monkeypatch.setattr(ptxas, "find_spec", lambda _: None)
    monkeypatch.setattr(ptxas.shutil, "which", lambda _: None)
    with pytest.raises(MissingPackageError, match="assembling PTX needs the package nvidia-cuda-nvcc"):
        ptxas.assembler()
