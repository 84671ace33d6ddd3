"""Activation functions of real values: one float32 definition each, the same bits on every machine.

Each is computed in binary64 from +, -, * and /, and rounded to float32 once.
"""

from __future__ import annotations

from int8sim.spec.float32 import exp_binary64, float32

SIGMOID_END = 104.0  # e**-104 is less than half the smallest float32
TANH_END = 10.0  # 1 - tanh(10) is less than half a unit of the last place
SMALL = 2.0**-8  # below it tanh is its series, whose next term is 2**-52 of the value


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
