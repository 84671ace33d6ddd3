import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import int8sim
from int8sim.model.errors import BadScaleError, InputMismatchError

F32 = np.float32
VALUES = st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=1, max_size=40)


@given(VALUES, st.integers(-60, 20))
def test_the_formula_in_numpy(values, exponent):
    x = np.array(values, F32).reshape(1, -1) * F32(2.0) ** F32(exponent)
    low, high = min(x.min(), F32(0)), max(x.max(), F32(0))
    scale = (high - low) / F32(255) if high > low else F32(1)
    if scale == 0:
        with pytest.raises(BadScaleError):
            int8sim.dynamic_quantize(x)
        return
    zero_point = np.rint(F32(0) - low / scale)
    codes, found, point = int8sim.dynamic_quantize(x)
    assert (F32(found).tobytes(), point) == (scale.tobytes(), int(zero_point))
    expected = np.clip(np.rint(x / scale) + zero_point, 0, 255).astype(np.uint8)
    assert (codes.dtype, codes.shape) == (np.uint8, x.shape)
    assert codes.tolist() == expected.tolist()


def test_a_range_of_255_at_scale_1():
    codes, scale, zero_point = int8sim.dynamic_quantize(np.array([[-100.0, -0.5, 0.5, 1.5, 155.0]], F32))
    assert (scale, zero_point, codes.tolist()) == (1.0, 100, [[0, 100, 100, 102, 255]])


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3)])
def test_nothing(shape):
    codes, scale, zero_point = int8sim.dynamic_quantize(np.empty(shape, F32))
    assert (codes.dtype, codes.shape, scale, zero_point) == (np.uint8, shape, 1.0, 0)


@pytest.mark.parametrize("values", [[np.nan, 1.0], [np.inf], [-np.inf, 2.0], [3e38, -3e38], [1e-45]], ids=str)
def test_ranges_that_give_no_scale(values):
    with pytest.raises(BadScaleError, match="the values are"):
        int8sim.dynamic_quantize(np.array(values, F32))


def test_other_dtypes():
    with pytest.raises(InputMismatchError, match="float64"):
        int8sim.dynamic_quantize(np.zeros(3))
