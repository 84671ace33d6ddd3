"""Tables of bytes by every instruction set: every code at every place of a vector, and behind the last whole one."""

import numpy as np
import pytest

from int8sim.kernels.cpu.look_up import LOOK_UPS, TOGETHER, prepare_look_up
from int8sim.kernels.cpu.pointwise import by_table
from int8sim.model.step import Step
from int8sim.model.tensor import TensorType

TABLES = np.random.default_rng(4).integers(0, 256, (3, 256)).astype(np.uint8)
every_form = pytest.mark.parametrize("form", LOOK_UPS.available())


def looked_up(form, table, codes):
    out = np.full(codes.size, 99, table.dtype)
    with LOOK_UPS.forced(form):
        prepare_look_up(table)(codes, table, out)
    return out


@every_form
@pytest.mark.parametrize("table", TABLES, ids=lambda table: str(table[0]))
def test_every_code_at_every_place(form, table, compared):
    codes = (np.arange(256 * TOGETHER) // TOGETHER + np.arange(256 * TOGETHER)).astype(np.uint8)
    assert {*zip(codes.tolist(), (np.arange(codes.size) % TOGETHER).tolist(), strict=True)} == {
        (code, place) for code in range(256) for place in range(TOGETHER)
    }
    assert np.array_equal(looked_up(form, table, codes), table[codes])
    compared(codes.size)


@every_form
@pytest.mark.parametrize("size", [0, 1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER + 7])
def test_every_length(form, size):
    codes = np.random.default_rng(size).integers(0, 256, size).astype(np.uint8)
    assert np.array_equal(looked_up(form, TABLES[0], codes), TABLES[0][codes])


def negated(code: int) -> int:
    """Of int8, saturated."""
    return min(-code, 127)


@every_form
def test_the_table_of_a_step(form):
    kind = TensorType((1, 256), "int8")
    codes = np.arange(-128, 128).astype(np.int8)
    with LOOK_UPS.forced(form):
        found = by_table(Step(negated, {}), kind, kind)(codes.view(np.uint8) ^ 0x80)
    assert ((found ^ 0x80).view(np.int8) == np.minimum(-codes.astype(int), 127)).all()
