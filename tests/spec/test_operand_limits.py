"""Every annotated spec function at the limits of its operands: interpreted in unbounded ints, compiled in int64.

Equal results mean that no intermediate leaves 64 bits. Corners are combined with each other and with random values.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
import pkgutil
import random
import struct
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import numpy as np
import pytest

import int8sim.spec
from int8sim.spec.integers import Word
from int8sim.spec.rounding import Rounding

from .compiled_loops import evaluate
from .exact import from_bits

CASES = 3000
Values = list[Any]


def floats(lowest: float = 2.0**-30, highest: float = 2.0**30, signed: bool = False, special: bool = False) -> Values:
    """Float32 values of a range, and around the roundings' ties."""
    source = random.Random(7)
    positive = [lowest, highest, 1.0, 0.5, 1.5, 2.5, 0.25, from_bits(0x3DCCCCCD), from_bits(0x3C008102), 127.5, 255.0]
    span = math.log2(lowest), math.log2(highest)
    drawn = [struct.unpack("f", struct.pack("f", 2 ** source.uniform(*span)))[0] for _ in range(300)]
    found = [value for value in positive + drawn if lowest <= value <= highest]
    found += [0.0, -0.0, *(-value for value in found)] if signed else []
    return found + ([math.inf, -math.inf, math.nan] if special else [])


FINITE = floats(lowest=2.0**-149, highest=from_bits(0x7F7FFFFF), signed=True)
REAL = floats(lowest=2.0**-149, highest=from_bits(0x7F7FFFFF), signed=True, special=True)
SCALE = floats()
POSITIVE = floats(lowest=2.0**-149, highest=2.0**127)
SHIFTS = range(-31, 32)
TOSA_SHIFTS = range(2, 63)
SIZES = [1, 2, 3, 7, 31, 32, 300, 500, 2**15 - 1, 65535]
FORMATS = [16, 32, 64]
MAGNITUDES = [0, 1, 2, 5, *(2**n + off for n in range(3, 61) for off in (-1, 0, 1, 3))]

# Parameters that no word describes, by name; and by function where the docstring says less than the word.
UNANNOTATED: dict[str, Any] = {
    "bits": range(2, 35),
    "out_bits": [8, 16],
    "width": range(17, 63),
    "integer_bits": [4, 5],
    "rounding": range(7),
    "scale": SCALE,
    "multiplier": SCALE,
    "reciprocal": SCALE,
    "rescale": SCALE,
    "bias": FINITE,
    "real": REAL,
    "total": FINITE,
}
DOMAIN: dict[str, dict[str, Any]] = {
    "dp4a.lane": {"index": range(4)},
    "dp4a.half": {"index": range(2)},
    "cvt.float_to_integer": {"source": FORMATS, "width": [8, 16, 32]},
    "cvt.integer_to_integer": {"source": [8, 16, 32], "width": [8, 16, 32]},
    "cvt.integer_to_float": {"width": [16, 32]},
    "cvt.float_to_float": {"source": FORMATS, "width": [16, 32]},
    "cvt.float_to_integral": {"width": [16, 32]},
    "cvt.pack_saturate_to": {"width": [2, 4, 8, 16]},
    "cvt.clamp_to_one": {"width": FORMATS},
    "float_format.exponent_field": {"width": FORMATS},
    "float_format.significand": {"width": FORMATS},
    "float_format.last_place": {"width": FORMATS},
    "float_format.is_negative": {"width": FORMATS},
    "float_format.is_infinite_or_nan": {"width": FORMATS},
    "float_format.is_nan": {"width": FORMATS},
    "float_format.signed_pattern": {"width": [16, 32]},
    "float_format.compose": {"magnitude": MAGNITUDES, "power": range(-1200, 1000, 7), "width": [16, 32]},
    "float_format.bit_length": {"magnitude": MAGNITUDES},
    "video.lane_result": {"operation": range(6)},
    "video.selected": {"index": range(4)},
    "video.vop4": {"operation": range(6)},
    "rounding.shift_right": {"shift": range(63)},
    "requantize.single": {"shift": SHIFTS},
    "requantize.output_single": {"shift": SHIFTS},
    "requantize.real_half_away": {"multiplier": [*SCALE, 1e300, 2.0**-1074, 1 / 3]},
    "requantize.output_real": {"multiplier": [*SCALE, 1e300, 2.0**-1074, 1 / 3]},
    "gemmlowp.exp_on_negative_values": {"a": [-(2**31), 1 - 2**31, -(2**24), -1, 0, *range(-(2**31), 1, 99_999_999)]},
    "tflite_elementwise.hard_swish_fixed": {"shift": range(32), "gate_shift": SHIFTS},
    "tflite_elementwise.logistic_fixed": {"shift": range(-31, 1)},
    "tflite_elementwise.tanh_fixed": {"shift": range(-31, 1)},
    "tflite_elementwise.logistic_table": {"inverse_scale": SCALE},
    "tflite_elementwise.tanh_table": {"inverse_scale": SCALE},
    "resize_tflite.nearest_cell": {"index": SIZES, "input_size": SIZES, "output_size": SIZES},
    "resize_tflite.bilinear_place": {"index": SIZES, "input_size": SIZES, "output_size": SIZES},
    "resize_tflite.bilinear_place_real": {"index": SIZES, "input_size": SIZES, "output_size": SIZES},
    "xnnpack.bilinear_place": {"index": SIZES, "input_size": SIZES, "output_size": SIZES},
    "softmax.tflite_exponential": {"difference": range(-255, 1), "shift": SHIFTS},
    "softmax.tflite_quotient": {"total": [1, 2, 2**19, 2**31 - 1, *(3**n for n in range(20))]},
    "softmax.table_quotient": {"exponential": POSITIVE, "total": POSITIVE, "inverse_scale": [1.0, 255.0, 256.0, 8e3]},
    "affine.dequantize": {"scale": FINITE},
    "affine.quantize_weight_half_away": {"real": FINITE, "reciprocal": [*SCALE, 0.0]},
    "affine.quantize_half_up": {"real": FINITE},
    "nvdla.layers.quantize": {"real": FINITE},
    "nvdla.cdma.cdma_extend": {"bits": [8, 16]},
    "nvdla.cdma.padding_value": {"bits": [8, 16]},
    "nvdla.shifts.shift_left_saturate": {"out_bits": [32]},
    "nvdla.shifts.shift_right_saturate_64": {"out_bits": [8, 32]},
    "nvdla.shifts.shift_right_overflows": {"width": [25, 49, 64], "out_bits": [8, 9, 17, 32]},
    "nvdla.shifts.shift_signed_saturate": {"out_bits": [32]},
    "nvdla.sdp_lut.sdp_lut_linear": {"entries": [65, 257]},
    "eltwise.add_fma": {"a_ratio": SCALE, "b_ratio": SCALE, "fixed": floats(signed=True)},
    "eltwise.add_dequantized": {"a_scale": SCALE, "b_scale": SCALE},
    "eltwise.requantize_real": {"from_scale": SCALE},
    "qlinear.leaky_relu_real": {"from_scale": SCALE, "slope": floats(2.0**-10, 4.0, signed=True)},
    "qlinear.sigmoid_real": {"from_scale": SCALE},
    "resize.scale_of_sizes": {"size": SIZES},
    "resize.resized_position": {"coordinates": range(4)},
    "resize.bilinear_position": {"coordinates": range(4)},
    "resize.bilinear_share": {"row": floats(highest=1.0), "column": floats(highest=1.0)},
    "resize.nearest_cell": {"coordinates": range(4), "nearest": range(4)},
    "litert.in_vector_loop": {"lanes": [1, 2, 4, 8, 16]},
    "litert.quantize_lanes": {"inverse_scale": SCALE},
    "litert.reciprocal_quotient": {"exponential": floats(2.0**-30, 1.0), "total": floats(1.0, 400.0)},
    "litert.add_lanes": {"a_shift": range(32), "b_shift": range(32), "shift": range(32)},
    "litert.add_number_lanes": {"a_shift": range(32), "b_shift": range(32), "shift": range(32)},
    "xnnpack.add_shifted": {
        **dict.fromkeys(("a", "b", "a_zero_point", "b_zero_point"), (-128, -127, -1, 0, 1, 126, 127)),
        **dict.fromkeys(("a_multiplier", "b_multiplier"), (0, 1, 3, 2**13, 2**20 - 1, 2**20, 2**21 - 1, 2**21)),
        "shift": range(13, 31),
    },
    "rounding.shift_right_32": {"rounding": [Rounding.HALF_AWAY, Rounding.HALF_UP]},
    "xnnpack.mean_offset_rne": {"offset": FINITE},
    "xnnpack.quantize_rne": {"inverse_scale": SCALE},
    "xnnpack.sigmoid_code": {"inverse_scale": SCALE},
    "xnnpack.tanh_code": {"inverse_scale": SCALE},
    "tosa.apply_scale_32": {"shift": TOSA_SHIFTS},
    "tosa.apply_scale_16": {"shift": TOSA_SHIFTS},
    "tosa.rescale_single": {"shift": TOSA_SHIFTS},
    "tosa.rescale_double": {"shift": TOSA_SHIFTS},
    "tosa.rescale_16": {"shift": TOSA_SHIFTS},
    "tosa.output_single": {"shift": TOSA_SHIFTS},
    "tosa.output_double": {"shift": TOSA_SHIFTS},
    "tosa.mean_rescaled": {"shift": TOSA_SHIFTS},
    "tosa.multiply_rescaled": {"shift": TOSA_SHIFTS},
    "tosa.add_rescaled": {"shift": TOSA_SHIFTS, "a_shift": range(31, 63), "b_shift": range(31, 63)},
    "tosa.reciprocal_scale": {"count": SIZES},
    "tosa.average": {"count": SIZES},
    "wide.scale_wide": {"shift": range(-7, 32)},
    "wide.output_wide": {"shift": range(-7, 32)},
    "pooling.average_half_away": {"count": [1, 2, 3, 7, 64, 2**31 - 1]},
    "pooling.average_real": {"count": [1, 2, 3, 7, 64, 2**31 - 1], "total": FINITE},
    "pooling.average_dequantized": {"count": [1, 2, 3, 7, 64, 2**31 - 1], "from_scale": SCALE},
}
NOT_COMPILED = {
    **dict.fromkeys(
        ("tosa.table_code", "tosa.table_16", "wide.look_up_16", "wide.exponential_16", "wide.quotient_16"),
        "reads a table; tests/conformance runs it",
    ),
    "dp4a.unpack4": "returns a tuple; it is made of `lane`",
    "requantize.fixed_point": "chooses by a string",
    "softmax.table_exponential": "reads a table; tests/conformance runs it",
    "affine.bound_code": "used by lowering only",
    "xnnpack.bound_code": "used by lowering only",
}
FLOAT64 = {("requantize.real_half_away", "multiplier"), ("requantize.output_real", "multiplier")}


def word_of(hint: Any) -> Word | None:
    return next((each for each in getattr(hint, "__metadata__", ()) if isinstance(each, Word)), None)


def annotated() -> Iterator[tuple[str, Callable[..., Any]]]:
    for info in pkgutil.walk_packages(int8sim.spec.__path__, f"{int8sim.spec.__name__}."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                hints = get_type_hints(value, include_extras=True).values()
                label = f"{info.name.removeprefix(int8sim.spec.__name__)}.{name}"[1:]
                if any(map(word_of, hints)) and label not in NOT_COMPILED:
                    yield label, value


FUNCTIONS = dict(annotated())


def corners(word: Word) -> Values:
    powers = [1 << bit for bit in range(word.bits)]
    near = {word.low, word.low + 1, -1, 0, 1, word.high - 1, word.high, *powers, *(-p for p in powers)}
    return sorted(value for value in near if word.low <= value <= word.high)


def choices(label: str, name: str, hint: Any) -> tuple[Values, Callable[[random.Random], Any]]:
    """The corners of a parameter, and a source of random values."""
    special = DOMAIN.get(label, {}).get(name)
    word = word_of(hint)
    if special is None and word is not None:
        return corners(word), lambda source: source.randint(word.low, word.high)
    if special is None and hint is bool:
        special = [False, True]
    values = list(UNANNOTATED[name] if special is None else special)
    return values, lambda source: source.choice(values)


def arguments(label: str, function: Callable[..., Any]) -> list[tuple[Any, ...]]:
    """All combinations of corners where they are few, else a sample of them, and as many random values."""
    hints = get_type_hints(function, include_extras=True)
    parts = [choices(label, name, hints[name]) for name in inspect.signature(function).parameters]
    source = random.Random(label)
    if math.prod(len(values) for values, _ in parts) <= CASES:
        found = list(itertools.product(*(values for values, _ in parts)))
    else:
        found = [tuple(source.choice(values) for values, _ in parts) for _ in range(CASES)]
    mixed = [
        tuple(source.choice(values) if source.random() < 0.5 else draw(source) for values, draw in parts)
        for _ in range(CASES)
    ]
    return found + mixed


def columns(label: str, function: Callable[..., Any], rows: list[tuple[Any, ...]]) -> list[Any]:
    hints = get_type_hints(function)
    found = []
    for name, column in zip(inspect.signature(function).parameters, zip(*rows, strict=True), strict=True):
        real = np.float64 if (label, name) in FLOAT64 else np.float32
        found.append(np.array(column, real if hints[name] is float else np.int64))
    return found


@pytest.mark.parametrize("label", FUNCTIONS)
def test_interpreted_equals_compiled(label, tmp_path):
    function = FUNCTIONS[label]
    rows = arguments(label, function)
    assert len(rows) >= CASES
    returns_float = get_type_hints(function)["return"] is float
    out = evaluate(function, columns(label, function, rows), tmp_path, np.float64 if returns_float else np.int64)
    expected = np.array([function(*row) for row in rows], out.dtype)
    different = out.view(np.int64) != expected.view(np.int64)
    wrong = np.flatnonzero(different.reshape(len(rows), -1).any(axis=1))
    assert wrong.size == 0, [(rows[i], out[i], expected[i]) for i in wrong[:5].tolist()]


def test_most_of_the_specification_is_annotated():
    assert len(FUNCTIONS) >= 45
    assert set(DOMAIN) | {label for label, _ in FLOAT64} <= set(FUNCTIONS)
