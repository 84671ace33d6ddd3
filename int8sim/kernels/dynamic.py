"""ONNX DynamicQuantizeLinear of an array: scale and zero point from its own range, then its codes; products of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.arrays import quantize
from int8sim.model.errors import BadScaleError, InputMismatchError
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.spec.dynamic import dynamic_is_defined, dynamic_scale, dynamic_zero_point
from int8sim.spec.integers import wrap

SUM: Arithmetic = {"output": Step(wrap, {"bits": 32})}
"""The accumulator itself."""
Prepare = Callable[[Any, Sequence[TensorType], TensorType, Mapping[int, Array], Arithmetic], Callable[[Array], Array]]


class Ranged(Protocol):
    """The attribute that says whose range it is."""

    @property
    def whole(self) -> bool: ...


def dynamic_quantize(values: Any) -> tuple[Array, float, int]:
    """(uint8 codes, scale, zero point) of float32 values, as ONNX Runtime's CPU computes DynamicQuantizeLinear.

    values: any shape; none at all have the range 0 .. 0. Raises InputMismatchError for another dtype, BadScaleError
    where spec.dynamic.dynamic_is_defined says no: NaN, infinities, and ranges too wide or too narrow for a scale.
    """
    array = np.asarray(values)
    if array.dtype != np.float32:
        raise InputMismatchError("values", array.dtype.name, "float32")
    scale, zero_point = dynamic_parameters(array)
    return quantize(array, QuantParams(scale, zero_point, dtype="uint8")), scale, zero_point


def dynamic_parameters(array: Array) -> tuple[float, int]:
    """(scale, zero point) of float32 values. Raises BadScaleError, as `dynamic_quantize`."""
    low, high = float(array.min(initial=0.0)), float(array.max(initial=0.0))
    scale = dynamic_scale(low, high)
    if not dynamic_is_defined(low, high):
        raise BadScaleError("values", scale, f"finite and greater than 0; the values are {low!r} .. {high!r}")
    return scale, dynamic_zero_point(low, scale)


def sum_types(
    x: TensorType, output: TensorType, weight: Array, zeros: Array, zero_point: int
) -> tuple[TensorType, TensorType, TensorType]:
    """Types of x's codes, of the weight's and of the sums. weight: float32 numbers that are int8 or uint8 codes."""
    dtype = "int8" if weight.min(initial=0) < 0 else "uint8"
    codes = tuple(map(int, zeros.tolist()))
    shared = len(codes) == 1
    quant = QuantParams(
        1.0 if shared else (1.0,) * len(codes), codes[0] if shared else codes, None if shared else 0, dtype
    )
    return (
        replace(x, dtype="uint8", quant=QuantParams(1.0, zero_point, dtype="uint8")),
        TensorType(weight.shape, dtype, "", quant),
        replace(output, dtype="int32", quant=QuantParams(1.0, dtype="int32")),
    )


def by(prepare: Prepare) -> Callable[..., Callable[[Array], Array]]:
    """An op's `prepare`. prepare: of the sums, for codes without a zero point."""

    def prepared(
        op: Ranged,
        inputs: Sequence[TensorType],
        output_type: TensorType,
        constants: Mapping[int, Array],
        arithmetic: Arithmetic | None,
    ) -> Callable[[Array], Array]:
        """x in storage form -> y in storage form."""
        del arithmetic
        return _product(op, inputs, output_type, constants, prepare)

    return prepared


def _product(
    op: Ranged,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    prepare: Prepare,
) -> Callable[[Array], Array]:
    """x in storage form, float32 -> y in storage form.

    The zero point is taken off behind: times the sums of a tensor of ones, whose padding is 0 as theirs is.
    """
    weight, scales, zeros = constants[1], constants[2], constants[3]
    x, w, sums = sum_types(inputs[0], output_type, weight, zeros, 0)
    add = prepare(op, [x, w], sums, {1: weight.astype(w.dtype)}, SUM)
    ones: list[Array] = []

    def part(stored: Array) -> Array:
        codes, scale, zero_point = dynamic_quantize(stored)
        if not ones:
            ones.append(add(np.ones((1, *stored.shape[1:]), np.uint8)).astype(np.int64))
        found = (add(codes).astype(np.int64) - zero_point * ones[0]).astype(np.int32)
        return np.asarray(found.astype(np.float32) * (np.float32(scale) * scales))

    def call(stored: Array) -> Array:
        return part(stored) if op.whole else np.concatenate([part(each) for each in np.split(stored, len(stored))])

    return call
