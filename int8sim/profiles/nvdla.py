"""NVDLA, INT8, as NVIDIA's compiler programs it: two profiles, one per `--quantizationMode`.

`nvdla` is per-kernel, one scale for a whole weight tensor; `nvdla_per_filter` has one per output channel. In both:
weights at max / 127, half up, times the float32 reciprocal; bias int16 with a left shift in SDP X1; 15-bit scales,
truncated, and a right shift, half away; CACC saturates at 34 bits. Per-kernel the output converter rescales; per-filter
X1's MUL does, with an int16 operand for each channel and the shift of the largest, and the converter is (1, 0).

Arithmetic: nvdla/hw (master RTL, simulated). Derivations: nvdla/sw:umd/core/src/compiler, engine-ast/{BiasOp,ScaleOp,
BatchNormOp,SDPEltWiseOp}.cpp and include/priv/{LowPrecision,WeightTranslationUnit}.h. No softmax and no matrix product
of two activations: those stay in float32; the softmax is NVIDIA's runtime's, on the CPU.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from int8sim.model.accumulation import Loop
from int8sim.model.errors import BiasError, RatioError
from int8sim.model.step import Arithmetic, Array, Number
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Floats, Normalization, Profile, Scheme, Weights
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    amax_scale,
    channel_scales,
    clamp_scheme,
    dequantize_scheme,
    per_channel,
    quantize_scheme,
    symmetric_int8,
    times_half_up,
)
from int8sim.spec.affine import quantize_half_up
from int8sim.spec.float32 import float32
from int8sim.spec.integers import saturating_add, wrap
from int8sim.spec.multipliers import float32_ratio, nvdla_ratio, nvdla_scale, nvdla_shift
from int8sim.spec.nvdla import (
    SUM_BITS,
    add,
    average,
    convolution_output,
    convolution_output_per_channel,
    pdp_reciprocal,
    quantize,
)
from int8sim.spec.pooling import sum_codes

INT32_RANGE = -(1 << 31), (1 << 31) - 1
LARGEST_SHIFT = 63
LARGEST_QUIET_SHIFT = 31
LARGEST_POOL = 8  # the driver's table of reciprocals ends here
LARGEST_FACTOR = np.float32(127)
DEAD = 2.0**-126  # the scale of a filter of zeros, beside which every other is the largest


def weight_codes(weights: Floats, scales: Floats, low: int, high: int) -> Array:
    """clamp(floor(w * float32(1 / scale) + 0.5)), each step float32."""
    return times_half_up(weights, (np.float32(1) / scales).astype(np.float32), low, high)


def filter_scale(amax: float) -> float:
    """float32(amax / 127), of one filter; next to nothing for one of zeros.

    The compiler has 0 there, so that its multiplier is 0 and it does not count for the others' shift; its weights and
    bias are then quotients by 0, whatever a cast makes of them. Here the weights are 0 and a bias is refused.
    """
    return amax_scale(amax) or DEAD


def fold_in_steps(weight: Floats, bias: Floats, given: Normalization) -> tuple[Floats, Floats]:
    """(W * v) * gamma and ((b - mean) * v) * gamma + beta, v = 1 / sqrt(variance + epsilon), each step float32.

    The order in which the compiler merges Caffe's Convolution, BatchNorm, Scale and the Scale's bias, one after the
    other. Source: BiasOp.cpp, BatchNormOp.cpp and ConvCoreNode.cpp, tryToMergeWith...; BatchNormOp, factorsPerEntity.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # what is not finite is refused with the layer's name
        inverse = np.float32(1) / np.sqrt(given.variance + np.float32(given.epsilon))
    folded = bias - given.mean
    for factor in (*roots(inverse), given.gamma):
        weight = weight * factor.reshape(-1, *[1] * (weight.ndim - 1))
        folded = folded * factor
    return weight, folded + given.beta


def roots(factors: Floats) -> list[Floats]:
    """The factors [C] as one or more of at most 127, to be multiplied one after the other.

    One above 127, of a channel that hardly varies, becomes its square root, twice, or a higher root as often as the
    channel that needs most; the compiler takes no more account of how often a channel's own root is needed.
    """
    found = [_root(factor) for factor in factors.tolist()]
    most = max((count for _, count in found), default=1)
    columns = [[root if count > 1 or place == 0 else 1.0 for root, count in found] for place in range(most)]
    return [np.array(column, np.float32) for column in columns]


def _root(factor: float) -> tuple[float, int]:
    root, count = factor, 1
    while LARGEST_FACTOR < root < math.inf:
        count += 1
        root = float32(math.pow(factor, float32(1 / count)))
    return root, count


def bias_operand(bias: Floats, scales: Floats) -> tuple[Array, int]:
    """(int16 operands as int64, left shift): 32-bit codes, half up, then an arithmetic right shift into 16 bits.

    scales: input scale times weight scale, float32 [O]. The shift is what the greatest magnitude needs beyond 16 bits;
    all zeros give 16, as the compiler's logarithm of 0 does. A greatest one that is a power of two, 2**15 or more, and
    positive, does not fit after all and wraps to -2**15. Source: scaleBiasToInt16. Raises BiasError.
    """
    wide = [_wide(*each) for each in zip(range(len(bias)), bias.tolist(), scales.tolist(), strict=True)]
    greatest = max(map(abs, wide), default=0)
    bits = math.ceil(math.log(greatest) / math.log(2)) + 1 if greatest else 32
    shift = min(max(bits - 16, 0), 16)
    return np.array([wrap(code >> shift, 16) for code in wide], np.int64), shift


def _wide(channel: int, bias: float, scale: float) -> int:
    """One channel's bias as a 32-bit code."""
    value = 0.0 if bias == 0.0 else float32(bias / scale) if scale > 0.0 else math.nan
    if not abs(value) < INT32_RANGE[1]:
        raise BiasError(channel, bias, scale)
    return quantize_half_up(value, 1.0, *INT32_RANGE)


def converter(real: float) -> tuple[int, int]:
    """A converter's 15-bit scale and right shift for a ratio of scales. Raises RatioError.

    The compiler refuses a ratio of 2**15 and more, which would need a left shift, and a shift that 6 bits do not hold.
    """
    shift = nvdla_shift(real) if 0.0 < real < math.inf else -1
    if not 0 <= shift <= LARGEST_SHIFT:
        raise RatioError(real, "2**-49 to below 2**15")
    return nvdla_scale(real, shift), shift


def multipliers(reals: list[float]) -> tuple[list[int], int]:
    """Int16 operands and the one right shift, the largest ratio's; small channels lose bits. Raises RatioError.

    A shift of 0 is none to the compiler, which then scales each channel by its own. Source: factorizeScalars. With
    filters of zeros only, all operands are 0.
    """
    if max(reals) < math.sqrt(DEAD):
        return [0] * len(reals), 1
    _, shift = converter(max(reals))
    return [nvdla_scale(real, shift or nvdla_shift(real)) for real in reals], shift


def _ratios(x: QuantParams, w: QuantParams, y: QuantParams, bias: Floats | None) -> list[float]:
    """One for each weight scale. A layer without a bias is a Scale by 1 to the compiler: it multiplies first there."""
    order = nvdla_ratio if bias is not None else float32_ratio
    return [order(x.tensor_scale, scale, y.tensor_scale) for scale in w.scales]


def _bias(x: QuantParams, w: QuantParams, channels: int, bias: Floats | None) -> dict[str, Number]:
    """SDP X1's ALU; with nothing to add, zeros and no shift."""
    if bias is None:
        return {"bias": np.zeros(channels, np.int64), "bias_shift": 0}
    scales = np.array([float32(x.tensor_scale * scale) for scale in channel_scales(w, channels)], np.float32)
    operands, shift = bias_operand(bias, scales)
    return {"bias": operands, "bias_shift": shift}


def _per_kernel(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: Floats | None, low: int, high: int
) -> Parameters:
    (real,) = _ratios(x, w, y, bias)
    scale, truncate = converter(real)
    alu = _bias(x, w, channels, bias)
    return _steps({**alu, "scale": scale, "truncate": truncate, "low": low, "high": high})


def _per_filter(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: Floats | None, low: int, high: int
) -> Parameters:
    operands, truncate = multipliers(_ratios(x, w, y, bias))
    alu, every = _bias(x, w, channels, bias), operands * (channels // len(operands))
    return _steps({**alu, "operand": per_channel(every, int), "truncate": truncate, "low": low, "high": high})


def _steps(output: Mapping[str, Number]) -> Parameters:
    return {"output": output, "accumulate": {"bits": SUM_BITS}}


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    del b
    scale, truncate = converter(float32(a.tensor_scale / y.tensor_scale))
    return {"combine": {"scale": scale, "truncate": truncate, "low": low, "high": high}}


def _average(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    del x, y
    height, width = map(pdp_reciprocal, window)
    return {"finish": {"reciprocal_width": width, "reciprocal_height": height, "low": low, "high": high}}


def remarks(arithmetic: Arithmetic, inputs: Sequence[QuantParams], bias: Floats | None) -> Iterator[str]:
    """What the compiler warns of, or should: a shift above 31, an operand of 0, a bias that wraps, an unequal sum."""
    if "combine" in arithmetic and len({each.scales for each in inputs}) > 1:
        scales = " and ".join(f"{each.tensor_scale:.6g}" for each in inputs)
        yield f"it adds codes at scales {scales} as they are, so the sum is wrong; give its inputs one scale"
    for step in arithmetic.values():
        shift, operands = step.parameters.get("truncate", 0), step.parameters.get("operand")
        if isinstance(shift, int) and shift > LARGEST_QUIET_SHIFT:
            yield f"its right shift is {shift}, and the compiler warns of one above 31; check the ranges of the table"
        if isinstance(operands, np.ndarray) and not operands.all():
            channels = np.flatnonzero(operands == 0).tolist()
            yield f"its multiplier is 0 in channels {channels}, whose weights are too small beside the others'"
        codes = step.parameters.get("bias")
        if bias is not None and isinstance(codes, np.ndarray):
            yield from _wrapped(bias, codes)


def _wrapped(bias: Floats, codes: Array) -> Iterator[str]:
    for channel in np.flatnonzero((bias > 0) & (codes < 0)).tolist():
        yield (
            f"the bias of channel {channel}, {bias[channel]:.6g}, wraps to {codes[channel]}, as in the compiler: it is "
            "a power of two in units of the scales; another range of the layer's input avoids it"
        )


AVERAGE = Scheme({"step": sum_codes, "finish": average}, _average)
PER_KERNEL = Scheme({"accumulate": saturating_add, "output": convolution_output}, _per_kernel, Loop(SUM_BITS))
PER_FILTER = Scheme(
    {"accumulate": saturating_add, "output": convolution_output_per_channel}, _per_filter, Loop(SUM_BITS)
)

NVDLA = Profile(
    name="nvdla",
    title="NVDLA INT8, integers as NVIDIA's compiler derives them, arithmetic as the RTL computes it",
    source="nvdla/hw (master) vmod/nvdla; nvdla/sw umd/core/src/compiler",
    activations={"performance": symmetric_int8, "mixed": symmetric_int8},
    weights=Weights(frozenset(), amax_scale, weight_codes, narrow=False),
    schemes={
        "convolution": PER_KERNEL,
        "fully_connected": PER_KERNEL,
        "add": Scheme({"combine": add}, _add),
        "average_pool": AVERAGE,
        "global_average_pool": AVERAGE,
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(quantize),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
    },
    same_scale=MOVES | {"average_pool", "global_average_pool", "concat"},
    equal_inputs=frozenset({"add"}),
    largest_pool=LARGEST_POOL,
    fold=fold_in_steps,
    host=frozenset({"softmax"}),
    remarks=remarks,
)

NVDLA_PER_FILTER = replace(
    NVDLA,
    name="nvdla_per_filter",
    title="NVDLA INT8 with a weight scale per output channel, as its compiler's --quantizationMode per-filter",
    weights=replace(NVDLA.weights, per_channel=frozenset({"convolution", "fully_connected"}), scale=filter_scale),
    schemes={**NVDLA.schemes, "convolution": PER_FILTER, "fully_connected": PER_FILTER},
)
