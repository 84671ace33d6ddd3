"""Averages where one rounding less, or a tie the other way, gives another code."""

from __future__ import annotations

import pytest

from int8sim.spec.pooling import (
    average_dequantized,
    average_half_away,
    average_real,
    mean_double,
    mean_rne,
    sum_real,
)

from .exact import (
    clip,
    float32_product,
    float32_quotient,
    float32_sum,
    half_even_clipped,
    multiply_by_quantized_multiplier,
)


@pytest.mark.parametrize(
    ("total", "x", "scale", "expected"),
    [
        (14.882667541503906, -209, 2.5009758472442627, -507.8213195800781),
        (-10.450267791748047, -191, 0.05351061001420021, -20.670795440673828),
        (0.3025710880756378, -238, 0.20289577543735504, -47.98662567138672),
    ],
)
def test_sum_real_rounds_the_product(total, x, scale, expected):
    assert sum_real(total, x, scale, 0) == float32_sum(total, float32_product(x, scale)) == expected


def test_average_half_away_gives_ints_on_both_sides_of_zero():
    found = [average_half_away(total, 49, -128, 127) for total in (-25, -24, -1, 0, 1, 24, 25, 59)]
    assert found == [-1, 0, 0, 0, 0, 0, 1, 1]
    assert {type(code) for code in found} == {int}


@pytest.mark.parametrize(
    ("total", "count", "scale", "zero_point", "expected"),
    [
        (-1033.8828125, 22, 0.5136029720306396, 47, -45),  # the mean is rounded
        (-2904.26025390625, 17, 6.699563026428223, -8, -33),
        (1018.380615234375, 56, 0.2694128453731537, -7, 60),
        (1350.2076416015625, 20, 1.0977298021316528, -65, -4),  # the quotient by the scale is rounded
        (5319.56201171875, 16, 6.214442253112793, 68, 122),
        (513.8633422851562, 31, 0.32824230194091797, -72, -22),
        (45.463706970214844, 20, 0.9092745780944824, -41, -38),  # the sum with the zero point is rounded
        (3618.902099609375, 38, 5.441958904266357, -66, -48),
        (-348.4422302246094, 60, 11.614771842956543, -81, -82),
        (311.0, 2, 1.0, 61, 216),  # ties, to even
        (5.0, 2, 1.0, 0, 2),
        (7.0, 2, 1.0, 0, 4),
        (-5.0, 2, 1.0, 0, -2),
    ],
)
def test_average_real_rounds_at_every_step(total, count, scale, zero_point, expected):
    value = float32_sum(float32_quotient(float32_quotient(total, count), scale), zero_point)
    found = average_real(total, count, scale, zero_point, -128, 255)
    assert found == half_even_clipped(value, -128, 255) == expected


@pytest.mark.parametrize(
    ("total", "multiplier", "expected"),
    [
        (-704160979, 1.427230529316148e-07, -100),  # the total is rounded to float32
        (-467432015, 1.572421126638801e-07, -73),
        (-487341653, 8.515586102930683e-08, -42),
        (24775, 0.0024419778492301702, 60),  # the product is rounded
        (29939, 0.003557233139872551, 106),
        (29551, 0.0023857061751186848, 70),
        (5, 0.5, 2),  # ties, to even
        (7, 0.5, 4),
        (-5, 0.5, -2),
    ],
)
def test_mean_rne_rounds_at_every_step(total, multiplier, expected):
    assert mean_rne(total, 9, multiplier, 0, -128, 127) == expected
    assert mean_rne(total, 9, multiplier, 3, -128, 127) == clip(expected + 3, -128, 127)


@pytest.mark.parametrize(
    ("total", "count", "from_scale", "scale", "expected"),
    [
        (383376895, 27, 3.692866812343709e-05, 6.205389976501465, 85),  # the total is rounded to float32
        (-789097055, 58, 4.304153844714165e-05, 9.521713256835938, -61),
        (409902115, 24, 3.57900389644783e-05, 5.482216835021973, 111),
        (21474, 14, 0.017553988844156265, 0.26268595457077026, 102),  # the product is rounded
        (-24772, 50, 0.024242661893367767, 0.774889349937439, -16),
        (12028, 22, 0.038407377898693085, 0.5915031433105469, 35),
        (-19719, 6, 0.02052207849919796, 1.7985550165176392, -37),  # the mean is rounded
        (17089, 18, 0.045246656984090805, 0.42742955684661865, 101),
        (26818, 17, 0.03365107625722885, 0.4636293649673462, 114),
        (-24709, 42, 0.018471339717507362, 0.38129350543022156, -28),  # the quotient by the scale is rounded
        (15392, 17, 0.05930979922413826, 0.4773314595222473, 112),
        (18265, 14, 0.021632682532072067, 0.5819159746170044, 48),
        (5, 2, 1.0, 1.0, 2),  # ties, to even
        (7, 2, 1.0, 1.0, 4),
        (-5, 2, 1.0, 1.0, -2),
    ],
)
def test_average_dequantized_rounds_at_every_step(total, count, from_scale, scale, expected):
    assert average_dequantized(total, count, from_scale, scale, -128, 127) == expected


@pytest.mark.parametrize("shift", [-12, -1, 0, 1, 9])
@pytest.mark.parametrize("total", [-(2**19) - 1, -300, -1, 0, 1, 77, 2**19 + 1])
def test_mean_double_with_shifts_of_both_signs(total, shift):
    expected = clip(multiply_by_quantized_multiplier(total, 0x55555555, shift) - 5, -(2**15), 2**15 - 1)
    assert mean_double(total, 9, 0x55555555, shift, -5, -(2**15), 2**15 - 1) == expected


def test_a_count_beyond_24_bits_is_rounded():
    """2**24 + 1 is 2**24 in float32, and the mean a tie: to even."""
    assert average_real(1.5 * 2**24, 2**24 + 1, 1.0, 0, -128, 127) == 2
    assert average_dequantized(3 * 2**23, 2**24 + 1, 1.0, 1.0, -128, 127) == 2
