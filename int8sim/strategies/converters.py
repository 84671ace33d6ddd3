"""A profile's own converters: random scales turned into a Step by the profile itself, and accumulators for it."""

from __future__ import annotations

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from int8sim.model.errors import RatioError
from int8sim.model.step import Step
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams, dtype_range
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile


def _scales() -> st.SearchStrategy[float]:
    """float32 scales over twenty binades, powers of two among them."""
    mantissas = st.one_of(st.just(1.0), st.floats(1.0, 2.0, exclude_max=True, width=32))
    return st.tuples(mantissas, st.integers(-14, 4)).map(lambda pair: float(np.float32(pair[0] * 2.0 ** pair[1])))


@st.composite
def output_steps(draw: st.DrawFn, profile: str | Profile, *, kind: str = "convolution") -> Step:
    """The `output` step of a layer with one channel and random scales: convolution, fully_connected or matmul."""
    chosen = find_profile(profile)
    dtype = chosen.activations["mixed"](Row(1.0), False).dtype
    asymmetric = chosen.activations["mixed"] is not chosen.activations["performance"]
    zero_point = draw(st.integers(*dtype_range(dtype))) if asymmetric else 0
    x, y = QuantParams(draw(_scales()), dtype=dtype), QuantParams(draw(_scales()), zero_point, dtype=dtype)
    weight = QuantParams(draw(_scales()))
    scheme = chosen.schemes[kind]
    try:
        return scheme.steps(x=x, w=weight, y=y, channels=1, bias=None, low=y.low, high=y.high)["output"]
    except RatioError:
        reject()  # scales that the target refuses


def accumulators(*, bits: int = 32) -> st.SearchStrategy[int]:
    """Accumulators: every value, and small ones, where outputs are not saturated."""
    wide = st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    return st.one_of(wide, st.integers(-(1 << 15), 1 << 15))
