"""Multipliers where a rounding, a limit or a type decides."""

from __future__ import annotations

import math

import pytest

from int8sim.spec.multipliers import mean_multiplier, nvdla_scale, nvdla_shift, tflite_multiplier


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (1.0 - 2.0**-32, (2**30, -1)),
        (1.0 - 2.0**-33, (2**30, -1)),
        (2.0**-32 * (1 - 2.0**-33), (2**30, 31)),
        (2.0**-32 * (1 - 2.0**-31), (0, 0)),
        (2.0**-31, (2**30, 30)),
        (2.0**30, (2**30, -31)),
    ],
)
def test_tflite_multiplier_gives_ints(real, expected):
    found = tflite_multiplier(real)
    assert found == expected
    assert [type(part) for part in found] == [int, int]


@pytest.mark.parametrize(("real", "shift"), [(0.5, 15), (1.0, 14), (-1.0, 14), (1.999, 14), (2.0, 13), (2.0**-20, 34)])
def test_nvdla_shift_written_out(real, shift):
    assert nvdla_shift(real) == shift
    assert nvdla_scale(real, shift) == math.trunc(real * 2**shift)


@pytest.mark.parametrize(
    ("real", "count", "expected"),
    [
        (1.0, 1, (2**30, -1)),
        (1.0, 3, (2**31 // 3, 0)),
        (1.0, 2**40, (2**62 // 2**40, 31)),  # at most 32 to the left
        (2.0**-20, 2**16, (2**42 // 2**16, 31)),  # at most 31 to the right in all
        (2.0**-31, 2**16, (2**31 // 2**16, 31)),
        (2.0**8, 2**40, (2**62 // 2**40, 23)),
        (2.0**8, 2**33, (2**62 // 2**33, 23)),
        (2.0**8, 2**32, (2**62 // 2**32, 23)),
        (2.0**8, 2**31, (2**61 // 2**31, 22)),
    ],
)
def test_mean_multiplier_written_out(real, count, expected):
    assert mean_multiplier(real, count) == expected
