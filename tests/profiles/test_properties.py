"""What holds for every profile's converters: monotone, saturating, exact at powers of two.

Profiles, presets and kinds come from the registry; a profile declares positive scales by having QuantParams at all
(`QuantParams.check`), and saturation by the parameters low and high of its output step.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim import strategies
from int8sim.golden.compare import is_defined
from int8sim.model.step import Step
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.registry import profiles
from int8sim.spec import litert, nvdla, requantize, tosa, wide
from int8sim.strategies.converters import asymmetric, groups, output_schemes

from ..spec.exact import half_away, half_even, half_up

PRESETS = [
    (name, preset)
    for name, profile in profiles().items()
    for preset in {rule: preset for preset, rule in profile.activations.items()}.values()  # each rule once
]


def base(name: str, preset: str) -> QuantParams:
    return profiles()[name].activations[preset](Row(1.0, -127.0, 127.0), False)


CONVERTERS = [
    (name, preset, kind, group)
    for name, preset in PRESETS
    for kind, scheme in output_schemes(profiles()[name], base(name, preset).dtype).items()
    for group in (groups(kind) if scheme.branches else [1])  # depthwise: a branch
]


def real_sum_is_defined(acc: int, multiplier: float, zero_point: int) -> bool:
    """The product fits the C cast, and the sum with the zero point does not wrap."""
    return requantize.real_half_away_is_defined(acc, multiplier) and abs(acc * multiplier) + abs(zero_point) < 2**31 - 1


INNER: dict[Callable[..., int], tuple[Callable[..., bool], int]] = {
    requantize.output_double: (requantize.double_is_defined, 2),
    requantize.output_double_up: (requantize.double_is_defined, 2),
    requantize.output_single: (requantize.single_is_defined, 2),
    requantize.output_real: (real_sum_is_defined, 2),
}
"""Output function -> the predicate of what it calls, and how many of its parameters that takes."""


def defined(step: Step, values: list[int]) -> list[int]:
    """Those at which the engine defines the step."""
    inner, count = INNER.get(step.function, (lambda value: True, 0))
    return [value for value in values if is_defined(step, (value,), 0) and inner(value, *step.at(0)[:count])]


def test_every_profile_saturates():
    """So that nothing below passes for want of a clamp: a profile without one needs properties of its own."""
    for converter in CONVERTERS:
        assert {"low", "high"} <= set(power_of_two(*converter, 0, 0).parameters), converter


@pytest.mark.parametrize(("name", "preset", "kind"), list(dict.fromkeys(each[:3] for each in CONVERTERS)))
@settings(max_examples=40)
@given(data=st.data())
def test_monotone_and_never_outside(name, preset, kind, data):
    step = data.draw(strategies.output_steps(name, kind=kind, preset=preset))
    drawn = data.draw(st.lists(strategies.accumulators(step=step), min_size=2, max_size=30))
    values = defined(step, sorted({*drawn, *(value + 1 for value in drawn)}))
    codes = [step(value) for value in values]
    assert codes == sorted(codes)
    assert all(step.parameters["low"] <= code <= step.parameters["high"] for code in codes)


def power_of_two(name: str, preset: str, kind: str, group: int, shift: int, zero_point: int) -> Step:
    """Scales whose ratio is exactly 2**-shift."""
    quant, rule = base(name, preset), profiles()[name].weights
    half = shift // 2
    x = QuantParams(2.0**-half, quant.zero_point, None, quant.dtype, quant.narrow)
    w = QuantParams(2.0 ** (half - shift), dtype=rule.dtype, narrow=rule.narrow)
    y = QuantParams(1.0, quant.zero_point + zero_point, None, quant.dtype, quant.narrow)
    scheme = output_schemes(profiles()[name], quant.dtype)[kind]
    own = {"channels": group, "bias": None, "group": group, "depth": 1}
    return scheme.steps(x=x, w=w, y=y, low=y.low, high=y.high, **own)["output"]


def once(rounding: Callable[[Fraction], int]) -> Callable[[int, int], int]:
    return lambda acc, shift: rounding(Fraction(acc) / Fraction(2) ** shift)


def twice(second: Callable[[Fraction], int]) -> Callable[[int, int], int]:
    """A 31-bit multiplier of 2**30, that is one half, half up, and what is left of the shift."""
    return lambda acc, shift: second(Fraction(half_up(Fraction(acc << max(1 - shift, 0), 2)), 1 << max(shift - 1, 0)))


def tosa_double(acc: int, shift: int) -> int:
    """RESCALE with a multiplier of 2**30: below a ratio of one half, 2**30 is added to the product, by its sign."""
    nudge = (1 if acc >= 0 else -1) if shift > 1 else 0
    return half_up(Fraction(acc + nudge) / Fraction(2) ** shift)


QUOTIENTS: dict[Callable[..., int], Callable[[int, int], int]] = {
    requantize.float_rne: once(half_even),
    requantize.quantize_sum: once(half_even),
    requantize.output_real: once(half_away),
    requantize.output_double: twice(half_away),
    requantize.output_double_up: twice(half_up),
    requantize.output_single: once(half_up),
    wide.output_wide: once(half_up),
    tosa.output_double: tosa_double,
    tosa.output_single: once(half_up),
    nvdla.convolution_output: once(half_away),
    nvdla.convolution_output_per_channel: once(half_away),
}
"""Output function -> the exact quotient acc / 2**shift, rounded as its scheme says."""


def quotient(step: Step) -> Callable[[int, int], int]:
    """Of LiteRT's depthwise kernels, which have two functions in one, by the loop that the channel is in."""
    if step.function is litert.output_lanes:
        return twice(half_up if step.parameters["vector"][0] else half_away)
    return QUOTIENTS[step.function]


def test_every_output_function_has_its_exact_quotient():
    assert all(quotient(power_of_two(*converter, 0, 0)) for converter in CONVERTERS)


@pytest.mark.parametrize(("name", "preset", "kind", "group"), CONVERTERS)
@settings(max_examples=40)
@given(data=st.data())
def test_exact_at_powers_of_two(name, preset, kind, group, data):
    shift = data.draw(st.integers(-4, 16))
    zero_point = data.draw(st.integers(-20, 20)) if asymmetric(profiles()[name], preset) else 0
    quant = base(name, preset)
    step = power_of_two(name, preset, kind, group, shift, zero_point)
    zero = quant.tensor_zero_point + zero_point
    code = data.draw(st.integers(quant.low - 40, quant.high + 40))
    multiple, odd = Fraction(code) * Fraction(2) ** shift, data.draw(st.integers(0, 1 << max(shift, 0)))

    def clamped(value: int) -> int:
        return min(max(value + zero, quant.low), quant.high)

    if multiple.denominator == 1:
        acc = int(multiple)
        assert step(acc) == clamped(code)
        assert step(acc + odd) == clamped(quotient(step)(acc + odd, shift))
        for tie in (acc + (1 << shift >> 1), acc - (1 << shift >> 1)) if shift > 0 else ():
            assert step(tie) == clamped(quotient(step)(tie, shift))
