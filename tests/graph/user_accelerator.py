"""A user's accelerator: a saturating 24-bit accumulator and a converter with branches and a helper of its own."""

from int8sim.model.accumulation import Loop
from int8sim.profiles.base import MOVE, Scheme
from int8sim.profiles.registry import profiles
from int8sim.spec.integers import saturate, saturating_add

KNEE = 1 << 14


def multiply(acc, gain):
    return acc * gain


def convert(acc, gain, shift, low, high):
    if acc > KNEE:
        acc = KNEE + ((acc - KNEE) >> 2)
    product = multiply(acc, gain)
    if shift > 0:
        product = (product + (1 << (shift - 1)) - (1 if product < 0 else 0)) >> shift
    return min(max(saturate(product, 8), low), high)


def derive(*, x, w, y, channels, bias, low, high):
    real = x.tensor_scale * max(w.scales) / y.tensor_scale
    gain = max(1, round(real * (1 << 12)))
    return {"output": {"gain": gain, "shift": 12, "low": low, "high": high}, "accumulate": {"bits": 24}}


SCHEMES = {
    "convolution": Scheme({"accumulate": saturating_add, "output": convert}, derive, Loop(24)),
    **{kind: profiles()["tensorrt"].schemes[kind] for kind in ("add", "clamp", "quantize", "dequantize")},
    "concat": MOVE,
    "move": MOVE,
}
