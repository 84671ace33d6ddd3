"""The Acme NPU: a 24-bit accumulator that saturates after each 8 products, 12-bit multipliers, ties toward zero."""

import math

from int8sim.model.accumulation import CHANNELS_LAST, Loop
from int8sim.model.errors import RatioError
from int8sim.profiles import rules
from int8sim.profiles.base import Profile, Scheme
from int8sim.profiles.onnxruntime import bias_codes
from int8sim.spec.integers import clamp, saturate
from int8sim.spec.pooling import sum_codes


def accumulate(acc, products):
    return saturate(acc + products, 24)


def rescale(value, multiplier, shift):
    product = value * multiplier
    return (product + (1 << (shift - 1)) - (product > 0)) >> shift


def convert(acc, multiplier, shift, low, high):
    return clamp(rescale(acc, multiplier, shift), low, high)


def add(a, b, a_multiplier, b_multiplier, shift, low, high):
    return clamp(rescale(a * a_multiplier + b * b_multiplier, 1, shift), low, high)


def average(total, count, low, high):
    return clamp(rescale(total, (4096 + count // 2) // count, 12), low, high)


def fixed_point(*reals):  # 12-bit multipliers, and the one shift that the greatest needs
    shift = 12 - math.frexp(max(reals))[1]
    if not 1 <= shift <= 40:
        raise RatioError(max(reals), "2**-29 to below 2**11")
    return *(min(round(math.ldexp(real, shift)), 4095) for real in reals), shift


def converter(*, x, w, y, low, high):
    multiplier, shift = fixed_point(x.tensor_scale * w.tensor_scale / y.tensor_scale)
    return {"output": {"multiplier": multiplier, "shift": shift, "low": low, "high": high}}


def adder(*, a, b, y, low, high):
    first, second, shift = fixed_point(a.tensor_scale / y.tensor_scale, b.tensor_scale / y.tensor_scale)
    return {"combine": {"a_multiplier": first, "b_multiplier": second, "shift": shift, "low": low, "high": high}}


def averager(*, low, high):
    return {"finish": {"low": low, "high": high}}


SUMS = Scheme({"accumulate": accumulate, "output": convert}, converter, Loop(bits=24, products=8, order=CHANNELS_LAST))
MEAN = Scheme({"step": sum_codes, "finish": average}, averager)
SCHEMES = dict.fromkeys(("convolution", "fully_connected", "matmul"), SUMS) | rules.COMMON
SCHEMES |= {"add": Scheme({"combine": add}, adder), "average_pool": MEAN, "global_average_pool": MEAN}
SAME = rules.MOVES | {"concat", "average_pool", "global_average_pool"}
ABOUT = "acme_npu", "Acme NPU, INT8", "Acme NPU Architecture Manual, chapter 7"
NPU = Profile(*ABOUT, rules.SYMMETRIC, rules.PER_TENSOR, SCHEMES, bias_codes, same_scale=SAME)
