"""Array forms in profiles/rules.py are the spec's scalar functions, element by element; real zero stays exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.model.table import Row
from int8sim.profiles import rules
from int8sim.profiles.registry import profiles
from int8sim.spec import affine
from int8sim.spec.float32 import float32


def values(rng):
    """Weights over many magnitudes, a third of them aimed at ties of a scale that is a power of two."""
    free = (rng.standard_normal(4000) * 2.0 ** rng.integers(-20, 8, 4000)).astype(np.float32)
    ties = (rng.integers(-300, 300, 2000) + 0.5).astype(np.float32) / np.float32(64)
    near = np.nextafter(ties, np.float32(0))
    return np.concatenate([free, ties, near])


@pytest.mark.parametrize(
    ("array_form", "scalar", "factor"),
    [
        (rules.times_half_away, affine.quantize_weight_half_away, lambda scale: np.float32(1) / scale),
        (rules.times_half_up, affine.quantize_half_up, lambda scale: np.float32(1) / scale),
        (rules.divide_half_even, lambda w, s, low, high: affine.quantize_half_even(w, s, 0, low, high), lambda s: s),
    ],
)
@pytest.mark.parametrize("scale", [1 / 64, 0.013, 3.7e-5])
def test_array_forms_equal_the_spec(array_form, scalar, factor, scale, compared):
    weights = values(np.random.default_rng(5))
    given_factor = np.float32(factor(np.float32(scale)))
    got = array_form(weights, np.array([given_factor]), -127, 127)
    expected = [scalar(weight, float(given_factor), -127, 127) for weight in weights.tolist()]
    assert got.tolist() == expected
    compared(len(expected), least=8000)


@pytest.mark.parametrize("name", profiles())
@pytest.mark.parametrize("preset", ["performance", "mixed"])
@given(low=st.floats(-1e3, 1e3, width=32), high=st.floats(-1e3, 1e3, width=32), positive=st.booleans())
def test_real_zero_has_a_code_and_the_range_is_covered(name, preset, low, high, positive):
    """Zero point inside the type; the ends of the range are at most one step beyond the codes."""
    low, high = min(low, high), max(low, high)
    amax = max(abs(low), abs(high))
    row = Row(float32(amax / 127), low, high)
    quant = profiles()[name].activations[preset](row, positive)
    assert quant.low <= quant.tensor_zero_point <= quant.high
    assert affine.dequantize(quant.tensor_zero_point, quant.tensor_scale, quant.tensor_zero_point) == 0.0
    bottom = (quant.low - quant.tensor_zero_point) * quant.tensor_scale
    top = (quant.high - quant.tensor_zero_point) * quant.tensor_scale
    if amax > 1e-30:
        assert top >= max(high, 0.0) - 1.001 * quant.tensor_scale
        assert positive or bottom <= min(low, 0.0) + 1.001 * quant.tensor_scale
