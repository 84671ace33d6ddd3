"""ONNX Runtime's CPU kernels for quantized operators, x86 with AVX2 and FMA.

float32 throughout: the accumulator is converted and multiplied by float32(float32(Sx * Sw) / Sy), half to even.
Operators of `com.microsoft` where ONNX has none (QGemm, QLinearAdd, QLinearSoftmax ...). Other instruction sets take
other paths in QLinearAdd and, without VNNI, in the dot product itself. Formulas:
microsoft/onnxruntime:onnxruntime/core/mlas/lib/ and onnxruntime/contrib_ops/cpu/quantization/; measured on ONNX
Runtime 1.31.1. Quantization: onnxruntime/python/tools/ quantization/quant_utils.py and base_quantizer.py.
"""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Context, Decimal

import numpy as np

from int8sim.model.accumulation import CHANNELS_LAST, Loop
from int8sim.model.step import Array, LookupTable, Number
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Branch, Floats, Profile, Scheme, Weights
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    amax_scale,
    channel_scales,
    clamp_scheme,
    dequantize_scheme,
    divide_half_even,
    per_channel,
    quantize_scheme,
    symmetric_int8,
)
from int8sim.spec.affine import asymmetric_scale, zero_point_half_even
from int8sim.spec.eltwise import add_fma, requantize_real
from int8sim.spec.float32 import float32, fma
from int8sim.spec.integers import wrap
from int8sim.spec.multipliers import float32_ratio
from int8sim.spec.pooling import average_real, mean_rne, sum_offset, sum_real
from int8sim.spec.qlinear import leaky_relu_real, multiply_float32, sigmoid_real
from int8sim.spec.requantize import float_rne
from int8sim.spec.resize import bilinear_code, bilinear_share
from int8sim.spec.softmax import table_exponential, table_quotient, table_sum
from int8sim.spec.x86 import add_vpmaddubsw_pair

FLOAT32_MAX = float(np.finfo(np.float32).max)
RESERVED_EXPONENT = 5.0  # of QLinearSoftmax: how far the greatest share stays below the float32 range
DIGITS = Context(prec=40)


def asymmetric_uint8(row: Row, non_negative: bool) -> QuantParams:
    """uint8, the range widened to hold 0: compute_scale_zp."""
    low, high = row.real_range()
    low = 0.0 if non_negative else low
    scale = asymmetric_scale(low, high, 255)
    return QuantParams(float32(scale), zero_point_half_even(low, scale, 0, 255), dtype="uint8")


def bias_codes(bias: Floats, input_scale: float, weight_scales: Floats) -> Array:
    """half_even(float64(b) / float32(Sx * Sw)), clipped to int32."""
    scales = (np.float32(input_scale) * weight_scales).astype(np.float64)
    return np.clip(np.rint(bias.astype(np.float64) / scales), -(2**31), 2**31 - 1).astype(np.int32)


def _output(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    ratios = [float32_ratio(x.tensor_scale, s, y.tensor_scale) for s in channel_scales(w, channels)]
    zero_point = y.tensor_zero_point
    return {
        "output": {
            "multiplier": per_channel(ratios, np.float32),
            "zero_point": zero_point,
            "low": low,
            "high": high,
        }
    }


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    ra, rb = (float32(operand.tensor_scale / y.tensor_scale) for operand in (a, b))
    inner = fma(ra, float(a.tensor_zero_point), float32(rb * b.tensor_zero_point))
    fixed = np.float32(float32(y.tensor_zero_point - inner))
    return {"combine": {"a_ratio": np.float32(ra), "b_ratio": np.float32(rb), "fixed": fixed, "low": low, "high": high}}


def _multiply(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    return {
        "combine": {
            "a_zero_point": a.tensor_zero_point,
            "b_zero_point": b.tensor_zero_point,
            "multiplier": np.float32(float32_ratio(a.tensor_scale, b.tensor_scale, y.tensor_scale)),
            "zero_point": y.tensor_zero_point,
            "low": low,
            "high": high,
        }
    }


def _average(*, x: QuantParams, y: QuantParams, window: object, low: int, high: int) -> Parameters:
    del window
    return {
        "step": {"scale": np.float32(x.tensor_scale), "zero_point": x.tensor_zero_point},
        "finish": {"scale": np.float32(y.tensor_scale), "zero_point": y.tensor_zero_point, "low": low, "high": high},
    }


def _mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    divisor = float32(y.tensor_scale * float32(window[0] * window[1]))
    ratio = np.float32(float32(x.tensor_scale / divisor))
    zero_point = y.tensor_zero_point
    return {
        "step": {"zero_point": x.tensor_zero_point},
        "finish": {"multiplier": ratio, "zero_point": zero_point, "low": low, "high": high},
    }


def softmax_table(scale: float, length: int) -> Array:
    """float32 [256]: float32(exp((i - 255 + b) * scale)), b * scale = max(0, log(FLT_MAX / length) - 5).

    The argument is rounded to float64 as the engine's is; exp is then exact to 40 digits before it is rounded.
    """
    room = float32(math.log(float32(FLOAT32_MAX / length))) - RESERVED_EXPONENT
    shift = max(0.0, room) / scale
    arguments = [(i - 255 + shift) * scale for i in range(256)]
    return np.array([float(DIGITS.exp(Decimal(value))) for value in arguments], np.float64).astype(np.float32)


def _softmax(*, x: QuantParams, y: QuantParams, length: int, low: int, high: int) -> Parameters:
    inverse = np.float32(math.floor(float32(1.0 / y.tensor_scale)))
    return {
        "exponential": {"table": LookupTable(softmax_table(x.tensor_scale, length))},
        "quotient": {"inverse_scale": inverse, "zero_point": y.tensor_zero_point, "low": low, "high": high},
    }


def _resize() -> Parameters:
    return {}


def _through_real(*, x: QuantParams, y: QuantParams, low: int, high: int, **attributes: Number) -> Parameters:
    """From codes to real values and back; the op's own attributes first."""
    return {
        "convert": {
            **attributes,
            "from_scale": np.float32(x.tensor_scale),
            "from_zero_point": x.tensor_zero_point,
            "scale": np.float32(y.tensor_scale),
            "zero_point": y.tensor_zero_point,
            "low": low,
            "high": high,
        }
    }


def _concat(*, x: QuantParams, y: QuantParams) -> Parameters:
    return _through_real(x=x, y=y, low=y.low, high=y.high)


def _sum() -> Parameters:
    return {"output": {"bits": 32}}


OUTPUT = Scheme({"output": float_rne}, _output)
SUM = Scheme({"output": wrap}, _sum)
"""ConvInteger and MatMulInteger: the accumulator, int32."""

ONNXRUNTIME = Profile(
    name="onnxruntime",
    title="ONNX Runtime CPU, QLinear operators, x86 with AVX2 and FMA",
    source="microsoft/onnxruntime:onnxruntime/core/mlas/lib/quantize.cpp and contrib_ops/cpu/quantization/",
    activations={"performance": symmetric_int8, "mixed": asymmetric_uint8},
    weights=Weights(frozenset({"convolution", "fully_connected"}), amax_scale, divide_half_even, narrow=False),
    bias=bias_codes,
    schemes={
        "convolution": OUTPUT,
        "fully_connected": OUTPUT,
        "matmul": OUTPUT,
        "convolution int32": SUM,
        "fully_connected int32": SUM,
        "matmul int32": SUM,
        "add": Scheme({"combine": add_fma}, _add),
        "multiply": Scheme({"combine": multiply_float32}, _multiply),
        "leaky_relu": Scheme({"convert": leaky_relu_real}, _through_real),
        "sigmoid": Scheme({"convert": sigmoid_real}, _through_real),
        "requantize": Scheme({"convert": requantize_real}, _through_real),
        "average_pool": Scheme({"step": sum_real, "finish": average_real}, _average),
        "global_average_pool": Scheme({"step": sum_offset, "finish": mean_rne}, _mean),
        "resize_bilinear": Scheme({"weigh": bilinear_share, "output": bilinear_code}, _resize),
        "softmax": Scheme({"exponential": table_exponential, "total": table_sum, "quotient": table_quotient}, _softmax),
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(),
        "dequantize": dequantize_scheme(),
        "concat": Scheme({"convert": requantize_real}, _concat),
        "move": MOVE,
    },
    forced={"softmax": {"int8": QuantParams(1 / 256, -128), "uint8": QuantParams(1 / 256, 0, dtype="uint8")}},
    same_scale=MOVES,
)

PAIRS = Loop(None, products=2, order=CHANNELS_LAST, unsigned=True, group_bits=16)
"""As vpmaddubsw adds: two neighbours in K, unsigned by signed codes, their sum saturated to 16 bits.

K as MLAS packs it: (row, column, channel) of a convolution's window, ascending in a fully connected layer.
Source: microsoft/onnxruntime:onnxruntime/core/mlas/lib/x86_64/QgemmU8S8KernelAvx2.S.
"""
IN_PAIRS = Scheme({"accumulate": add_vpmaddubsw_pair, "output": float_rne}, _output, PAIRS)
SUM_IN_PAIRS = Scheme({"accumulate": add_vpmaddubsw_pair, "output": wrap}, _sum, PAIRS)


def _is_depthwise(*, channels: int, group: int = 1, depth: int = 1) -> bool:
    return depth == 1 and channels == group > 1


ONNXRUNTIME_AVX2 = replace(
    ONNXRUNTIME,
    name="onnxruntime_avx2",
    title="ONNX Runtime CPU on a machine without VNNI: uint8 by int8 products in saturating pairs",
    source="microsoft/onnxruntime:onnxruntime/core/mlas/lib/x86_64/QgemmU8S8KernelAvx2.S and lib/qgemm_kernel_avx2.cpp",
    activations={"performance": asymmetric_uint8, "mixed": asymmetric_uint8},
    schemes={
        **ONNXRUNTIME.schemes,
        "convolution": replace(IN_PAIRS, branches=(Branch("depthwise: exact", _is_depthwise, OUTPUT),)),
        "fully_connected": IN_PAIRS,
        "convolution int32": SUM_IN_PAIRS,
        "fully_connected int32": SUM_IN_PAIRS,
    },
)
"""What the same network answers where the processor has AVX2 and no VNNI.

The instructions have a witness, themselves (spec/x86.py). The order of K in pairs, and which layers are exact, have
none on a machine with VNNI, only MLAS's source, in onnxruntime/core/mlas/lib: QgemmU8S8KernelAvx2.S and
ConvSymKernelAvx2.S pair neighbours in K; a product of two uint8 activations is summed in 32 bits
(QgemmU8U8KernelAvx2.S), and so is a depthwise convolution (qdwconv.cpp).
"""
