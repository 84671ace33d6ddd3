"""gemmlowp's exponential and reciprocal as its text has them, written without looking at int8sim.spec."""

from __future__ import annotations

from .exact import clip, divide_by_power_of_two, doubling_high_multiply

LOW, HIGH = -(2**31), 2**31 - 1
FACTORS = [1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242]  # exp(-1/4), exp(-1/2) ... with 31 bits


def saturated(value: int) -> int:
    return clip(value, LOW, HIGH)


def exp_definition(a: int, integer_bits: int) -> int:
    """exp_on_negative_values; a: at most 0, with that many integer bits."""
    if a == 0:
        return HIGH
    one = 2 ** (31 - integer_bits)
    fraction = a % (one // 4) - one // 4
    x = saturated(fraction * 2**integer_bits) + 2**28
    x2 = doubling_high_multiply(x, x)
    x3 = doubling_high_multiply(x2, x)
    x4 = doubling_high_multiply(x2, x2)
    inner = doubling_high_multiply(divide_by_power_of_two(x4, 2) + x3, 715827883) + x2
    result = 1895147668 + doubling_high_multiply(1895147668, x + divide_by_power_of_two(inner, 1))
    quarters = (fraction - a) // (one // 4)
    for bit, factor in enumerate(FACTORS):
        if quarters // 2**bit % 2:
            result = doubling_high_multiply(result, factor)
    return result


def two_over_one_plus(a: int) -> int:
    """2 / (1 + a) with 2 integer bits, a with none: three Newton steps, with saturating shifts."""
    half_denominator = (a + HIGH + 1) // 2
    x = 1515870810 + doubling_high_multiply(half_denominator, -1010580540)
    for _ in range(3):
        x += saturated(doubling_high_multiply(x, 2**29 - doubling_high_multiply(half_denominator, x)) * 4)
    return x


def logistic_definition(a: int) -> int:
    """logistic; a: 4 integer bits."""
    share = saturated(two_over_one_plus(exp_definition(-abs(a), 4)) * 2)
    return 2**30 if a == 0 else share if a > 0 else HIGH - share


def tanh_definition(a: int) -> int:
    """tanh; a: 4 integer bits, which are 5 of twice a."""
    magnitude = saturated((two_over_one_plus(exp_definition(-abs(a), 5)) - 2**29) * 4)
    return 0 if a == 0 else magnitude if a > 0 else -magnitude
