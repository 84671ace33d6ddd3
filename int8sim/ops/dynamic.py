"""What the products of dynamically quantized networks have in common: x gets its codes from its own range.

x becomes uint8 codes by the scale Sx and zero point that ONNX DynamicQuantizeLinear computes of it (spec/dynamic.py);
the products of codes less their zero points are summed exactly; y = float32(sum) * float32(Sx * Sw), two roundings.
ONNX DynamicQuantizeLinear with ConvInteger or MatMulInteger, Cast and Mul.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from int8sim.kernels.dynamic import SUM, dynamic_parameters, sum_types
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, expect
from int8sim.spec.affine import quantize_half_even
from int8sim.spec.float32 import float32


class Dynamic(Op):
    """Inputs: x; w, the numbers of int8 or of uint8 codes, output channels first; Sw and its zero points, one or [O].

    All are float32. An attribute `whole` says whether the range is that of the batch, else that of each sample.
    """

    kind: ClassVar[str] = "dynamic"
    whole: bool

    @abstractmethod
    def product(self) -> Op:
        """The op of the sums."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) == 4, f"it has {len(inputs)} inputs; x, w, scales and zero points are needed")
        found = self.product().infer(inputs[:2])
        outputs = inputs[1].shape[0]
        for what, kind in zip(("scales are", "zero points are"), inputs[2:], strict=True):
            expect(kind.shape in {(1,), (outputs,)}, f"its {what} {kind}; [1] or [{outputs}] is needed")
        return found

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, *others = inputs
        parts = [x] if self.whole else np.split(x, len(x))
        return np.concatenate([self._part(types, [part, *others]) for part in parts])

    def _part(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, w, scales, zeros = inputs
        scale, zero_point = dynamic_parameters(x)
        codes = [quantize_half_even(value, scale, zero_point, 0, 255) for value in x.ravel().tolist()]
        x_type, w_type, kind = sum_types(types[0], self.infer(types), w, zeros, zero_point)
        operands = [np.array(codes, np.uint8).reshape(x.shape), w.astype(w_type.dtype)]
        sums = self.product().reference([x_type, w_type], kind, SUM, operands)
        factors = np.array([float32(scale * each) for each in scales.tolist()], np.float32)
        behind = len(kind.shape) - 1 - kind.channel_axis
        return np.asarray(sums, np.float32) * factors.reshape(-1, *(1,) * behind)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        raise NotImplementedError
