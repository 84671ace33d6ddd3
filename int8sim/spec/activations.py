"""Activation functions of real values: one float32 definition each, the same bits on every machine.

Each is computed in binary64 from +, -, * and /, and rounded to float32 once, unless it says otherwise.
"""

from __future__ import annotations

import math

from int8sim.spec.float32 import exp_binary64, float32

SIGMOID_END = 104.0  # e**-104 is less than half the smallest float32
TANH_END = 10.0  # 1 - tanh(10) is less than half a unit of the last place
SMALL = 2.0**-8  # below it tanh is its series, whose next term is 2**-52 of the value
ERF_SERIES = 0.5  # below it erf is its series, whose next term is 2**-50 of the value
ERF_END = 10.0  # e**-100 is the least that erfc's product is made of
SQRT_HALF = 0.70710678118654752440
TWO_BY_SQRT_PI = 1.12837916709551257390
GELU_TANH = 0.79788456080286535588, 0.044715  # sqrt(2 / pi), and Hendrycks and Gimpel's factor of the cube
ERF_TERMS = tuple((-1.0) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(10, -1, -1))
ERFC_TERMS = (  # erfc(a) * e**(a * a) over 0.5 .. 10.5 in powers of (a - 2) / (a + 2), by Chebyshev's nodes
    3.1463702869261167e-06,
    2.4805633719716046e-06,
    -1.3662512792194387e-05,
    -2.8065802097871395e-05,
    2.7457249612423353e-05,
    1.7447755381538467e-04,
    4.356191251321135e-05,
    -9.819920739710026e-04,
    -8.471432069508994e-04,
    6.9974627204502145e-03,
    3.732892363872651e-03,
    -7.897858104272841e-02,
    2.416581942441175e-01,
    -4.2718584741376164e-01,
    2.55395676310497e-01,
)


def sigmoid(x: float) -> float:
    """1 / (1 + e**-x), at most 0.50001 units of the last place from the exact value. x: float32, no NaN."""
    bounded = min(max(x * 1.0, -SIGMOID_END), SIGMOID_END)
    return float32(1.0 / (1.0 + exp_binary64(-bounded)))


def tanh(x: float) -> float:
    """The hyperbolic tangent, at most 0.50001 units of the last place from the exact value. x: float32, no NaN."""
    a = min(abs(x * 1.0), TANH_END)
    if a < SMALL:
        square = x * 1.0 * x
        return float32(x * (1.0 - square * (1.0 / 3.0 - square * (2.0 / 15.0))))
    t = exp_binary64(-2.0 * a)
    magnitude = (1.0 - t) / (1.0 + t)
    return float32(-magnitude if x < 0.0 else magnitude)


def hard_swish(x: float) -> float:
    """x * min(max(x + 3, 0), 6) / 6, each step rounded to float32: TensorFlow Lite's order."""
    gate = min(max(float32(x + float32(3.0)), float32(0.0)), float32(6.0))
    return float32(float32(x * gate) / float32(6.0))


def leaky_relu(x: float, slope: float) -> float:
    """x where x > 0, else float32(x * slope)."""
    return x if x > 0.0 else float32(x * slope)


def identity(x: float) -> float:
    """x itself: what a change of scale does to a real value."""
    return x


def hard_sigmoid(x: float, slope: float, shift: float) -> float:
    """x * slope + shift, not below 0 and not above 1, each step rounded to float32: ONNX Runtime's order."""
    return min(max(float32(float32(x * slope) + shift), float32(0.0)), float32(1.0))


def elu(x: float, slope: float) -> float:
    """x where x > 0, else slope * (e**x - 1), rounded once. x: float32, no NaN."""
    a = max(x * 1.0, -TANH_END * TANH_END)
    if a > -SMALL:
        below = a * (1.0 + a * (0.5 + a * (1.0 / 6.0 + a * (1.0 / 24.0 + a / 120.0))))
    else:
        below = exp_binary64(a) - 1.0
    return x if x > 0.0 else float32(slope * below)


def erf(x: float) -> float:
    """The error function, at most 0.50001 units of the last place from the exact value. x: float32, no NaN."""
    a = min(abs(x * 1.0), ERF_END)
    magnitude = erf_series(a) if a < ERF_SERIES else 1.0 - erfc_binary64(a)
    return float32(-magnitude if x < 0.0 else magnitude)


def erf_series(a: float) -> float:
    """erf(a) in binary64 for 0 <= a <= 1/2, by its Taylor series."""
    p = 0.0
    for term in ERF_TERMS:
        p = p * (a * a) + term
    return TWO_BY_SQRT_PI * a * p


def erfc_binary64(a: float) -> float:
    """1 - erf(a) in binary64 for 1/2 <= a <= 10, within 2**-40 of the exact value, relatively."""
    t = (a - 2.0) / (a + 2.0)
    p = 0.0
    for term in ERFC_TERMS:
        p = p * t + term
    return p * exp_binary64(-a * a)


def gelu(x: float) -> float:
    """x * (1 + erf(x / sqrt(2))) / 2, at most 0.50001 units of the last place from the exact value.

    Below -14.14 it is 0, less than a float32's least normal value beside the exact one. x: float32, no NaN.
    """
    a = min(abs(x * SQRT_HALF), ERF_END)
    if a < ERF_SERIES:
        part = erf_series(a)
        share = 1.0 - part if x < 0.0 else 1.0 + part
    else:
        rest = erfc_binary64(a) if a < ERF_END else 0.0
        share = rest if x < 0.0 else 2.0 - rest
    return float32(0.5 * x * share)


def gelu_tanh(x: float) -> float:
    """x / (1 + e**(-2 * u)), u = sqrt(2 / pi) * (x + 0.044715 * x**3): ONNX Gelu's approximation "tanh"."""
    factor, cube = GELU_TANH
    u = factor * (x * 1.0 + cube * (x * 1.0 * x * x))
    bounded = min(max(-2.0 * u, -SIGMOID_END), SIGMOID_END)
    share = 1.0 / (1.0 + exp_binary64(bounded)) if bounded < SIGMOID_END else 0.0
    return float32(x * share)
