"""Real weights and biases between the pairs of a QDQ model, as the codes that ONNX Runtime's optimizer makes of them.

A convolution or Gemm that reads codes and whose result becomes codes: a real weight becomes int8 of one scale and zero
point for its whole range, a real bias int32 codes at the product of the scales, each quotient rounded to float32 and
then half to even. Where the operator then is not computed in integers, its real values are those of the codes. Source:
microsoft/onnxruntime:onnxruntime/core/optimizer/qdq_transformer/weight_bias_quantization.cc and core/util/qmath.h.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace

import numpy as np

from int8sim.importers.onnx_file import Model, Node
from int8sim.importers.onnx_pairs import QUANTIZE, Pairs
from int8sim.model.step import Array

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm"})
CLAMPS = frozenset({"Relu", "Clip"})
LOW, HIGH = -128, 127


def with_codes(model: Model) -> Model:
    """The model with DequantizeLinears of codes in place of such weights and biases."""
    found = _Codes(model)
    nodes = tuple(each for node in model.nodes for each in found.read(node))
    return replace(model, nodes=nodes, values={**model.values, **found.values})


class _Codes(Pairs):
    """values: the new constants."""

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self.values: dict[str, Array] = {}

    def read(self, node: Node) -> Iterator[Node]:
        """The node, and before it what it reads now."""
        x = self.source(node.input(0)) if node.operator in PRODUCTS else None
        scale = self.value(x.scale) if x else None
        weight, bias = (self._real(node.input(place)) for place in (1, 2))
        if scale is None or not self._becomes_codes(node.output) or (node.input(2) and (bias is None or bias.ndim > 1)):
            yield node
            return
        inputs, weight_scale = list(node.inputs), self._weight_scale(node, bias)
        if weight is not None:
            codes, weight_scale, zero_point = quantized(weight)
            inputs[1] = yield from self._dequantize(node, "weight", [codes, weight_scale, zero_point])
        if bias is not None and weight_scale is not None:
            with np.errstate(all="ignore"):
                product = np.asarray(scale.reshape(()) * weight_scale, np.float32)
                codes = np.rint(bias / product)
            if np.all(np.abs(codes) < 1 << 31):
                inputs[2] = yield from self._dequantize(node, "bias", [codes.astype(np.int32), product], axis=0)
        yield replace(node, inputs=tuple(inputs))

    def _real(self, name: str) -> Array | None:
        """A float32 constant."""
        found = self.value(name)
        return found if found is not None and found.dtype == np.float32 and found.size else None

    def _becomes_codes(self, tensor: str) -> bool:
        reader = self.reader(tensor)
        while reader and reader.operator in CLAMPS:
            reader = self.reader(reader.output)
        return reader is not None and reader.operator in QUANTIZE

    def _weight_scale(self, node: Node, bias: Array | None) -> Array | None:
        """Of a weight of codes, whose scale is one or one for each value of the bias."""
        found = self.weight(node.input(1), 1 if node.operator == "Gemm" and not node.integer("transB", 0) else 0)
        scale = self.value(found.scale) if found else None
        fits = scale is not None and (scale.size == 1 or (bias is not None and scale.shape == bias.shape))
        return scale if fits else None

    def _dequantize(
        self, node: Node, role: str, constants: list[Array], **attributes: int
    ) -> Generator[Node, None, str]:
        """A DequantizeLinear of new constants; its output."""
        names = [self.fresh(f"{node.layer}_{role}{part}") for part in ("_codes", "_scale", "_zero_point")]
        self.values |= zip(names, constants, strict=False)
        output = self.fresh(f"{node.layer}_{role}")
        yield Node("DequantizeLinear", output, tuple(names[: len(constants)]), (output,), attributes)
        return output


def quantized(weight: Array) -> tuple[Array, Array, Array]:
    """(int8 codes, scale, zero point) of a float32 tensor, by its range and 0."""
    low, high = np.minimum(weight.min(), np.float32(0)), np.maximum(weight.max(), np.float32(0))
    with np.errstate(all="ignore"):
        scale = np.float32(1) if low == high else (high - low) / np.float32(HIGH - LOW)
        zero_point = np.rint(np.clip(np.float32(LOW) - low / scale, LOW, HIGH))
        codes = np.clip(np.rint(weight / scale) + zero_point, LOW, HIGH).astype(np.int8)
        return codes, np.asarray(scale), np.asarray(zero_point).astype(np.int8)
