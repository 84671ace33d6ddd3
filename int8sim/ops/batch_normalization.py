"""y = (x - mean) / sqrt(variance + epsilon) * gamma + beta per channel, as fma(x, a, b) with constants a and b.

a = gamma / sqrt(variance + epsilon), b = beta - mean * a, each step rounded to float32. Lowering folds it into the
convolution or fully connected layer before it; no engine here has an integer form of it. ONNX BatchNormalization.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, FloatOnly, expect
from int8sim.profiles.base import Floats
from int8sim.spec.float32 import float32, fma


@dataclass(frozen=True)
class BatchNormalization(FloatOnly):
    """Inputs: x; gamma, beta, mean, variance, each [C]. epsilon: exactly float32."""

    epsilon: float = float(np.float32(1e-5))

    name: ClassVar[str] = "batch_normalization"
    kind: ClassVar[str] = "batch_normalization"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        channels = x.shape[x.channel_axis]
        for what, kind in zip(("gamma", "beta", "mean", "variance"), inputs[1:], strict=True):
            expect(kind.shape == (channels,), f"{what} is {kind}; [{channels}] is needed")
        return TensorType(x.shape, "float32", x.layout)

    def constants(self, gamma: Array, beta: Array, mean: Array, variance: Array) -> tuple[Floats, Floats]:
        """a and b, float32 [C]."""
        pairs = []
        for g, o, m, v in zip(gamma.tolist(), beta.tolist(), mean.tolist(), variance.tolist(), strict=True):
            a = float32(g / float32(math.sqrt(float32(v + self.epsilon))))
            pairs.append((a, float32(o - float32(m * a))))
        columns = np.array(pairs, np.float32).reshape(-1, 2).T
        return columns[0], columns[1]

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        a, b = self.constants(*inputs[1:])
        axis = types[0].channel_axis
        out = np.empty(inputs[0].shape, np.float32)
        for index in np.ndindex(*out.shape):
            channel = index[axis]
            out[index] = fma(inputs[0][index].item(), a[channel].item(), b[channel].item())
        return out

    @classmethod
    def cases(cls) -> Iterator[Case]:
        channel = TensorType((2,))
        yield Case(
            "two channels, epsilon 0",
            cls(0.0),
            (TensorType((1, 2)), channel, channel, channel, channel),
            ([1.0, 2.0], [2.0, 1.0], [0.5, 0.0], [1.0, -2.0], [4.0, 0.25]),
            TensorType((1, 2)),
            # (1 - 1) / 2 * 2 + 0.5; (2 + 2) / 0.5
            [[0.5, 8.0]],
            constants=(1, 2, 3, 4),
        )
