"""A float graph and a table as ONNX with QuantizeLinear and DequantizeLinear pairs: explicit quantization.

For TensorRT (8 to 11; 11 has no calibrator) and ONNX Runtime. The pairs carry the table's scales to the bit, int8,
zero point 0. Where they stand follows NVIDIA's documentation, "Explicit quantization", Q/DQ layer placement:
- at every input of a convolution, a fully connected layer and a matrix product, one pair per tensor;
- at the inputs of a sum, but not at a branch that only it reads from one of these: TensorRT computes branch and sum as
  one. Of two such branches the one computed last has no pair (modelopt's build_non_residual_input_map: the longer one);
- at the weights of these, one scale per output channel (axis 0), float32(max |w| / 127); the float weight stays in
  front of its pair. Biases stay float32;
- nowhere else: TensorRT moves pairs through pools and reshapes itself, and a pair behind a convolution would part it
  from what it is fused with.

Batch normalization is folded before weights are quantized, as in lowering. A pool or reshape without a row takes its
input's. A tensor of scale 0 (always 0 in calibration) has no pair, nor has the weight beside it; the model's
description names it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from onnx import ModelProto

from int8sim.exporters.onnx import write_layers
from int8sim.exporters.onnx_model import OnnxModel
from int8sim.graph.check import check
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.sharing import POOLS, REORDERS
from int8sim.lowering.fold import fold_batch_normalization, only_consumer
from int8sim.lowering.weights import quantize_weight
from int8sim.model.errors import BadScaleError, GraphError, MissingRangeError
from int8sim.model.files import write_bytes
from int8sim.model.table import Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Scales
from int8sim.ops.dequantize import Dequantize
from int8sim.ops.quantize import Quantize
from int8sim.profiles.tensorrt import TENSORRT

PRODUCTS = frozenset({"convolution", "fully_connected", "matmul"})
"""Kinds whose inputs TensorRT wants quantized, and which it fuses with a sum behind them."""
Q, DQ = "QuantizeLinear", "DequantizeLinear"


def export_qdq(graph: Graph, table: Table, path: str | os.PathLike[str]) -> None:
    """Write the ONNX file. Raises what `qdq_model` raises, and OutputNotWritableError."""
    write_bytes(path, qdq_model(graph, table).SerializeToString())


def qdq_model(graph: Graph, table: Table) -> ModelProto:
    """The ONNX model. graph: float32. table: a row for every tensor that gets a pair.

    Raises MissingRangeError, BadScaleError (a scale that is NaN, infinite or negative), NotExportableError for a layer
    without a float operator, GraphError for a lowered graph, LayerError for weights that are not finite.
    """
    if graph.profile:
        msg = f"graph {graph.name!r} is already lowered, to {graph.profile}; pairs are for the float network"
        raise GraphError(msg)
    folded = fold_batch_normalization(graph)
    scales = _scales(folded, table)
    model = write_layers(_QdqModel(_with_pairs(folded, scales), _weights(folded, scales)))
    used = {node.domain for node in model.graph.node}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return model


class _QdqModel(OnnxModel):
    """weights: constant -> the type of its codes; it is read through a pair of its own."""

    def __init__(self, graph: Graph, weights: Mapping[str, TensorType]) -> None:
        super().__init__(graph)
        self.weights = weights

    def weight(self, name: str) -> str:
        """A constant, or what its pair makes of it."""
        real = super().weight(name)
        if name not in self.weights:
            return real
        if f"{name} pair" not in self.written:
            codes = self.fresh(f"{name}_quantized", self.weights[name])
            back = self.fresh(f"{name}_dequantized", self.kinds[name])
            self.node(Q, [real, *self.quantization(codes)], codes, axis=0)
            self.written[f"{name} pair"] = self.node(DQ, [codes, *self.quantization(codes)], back, axis=0)
        return self.written[f"{name} pair"]


def _scales(graph: Graph, table: Table) -> dict[str, float]:
    """Every tensor that some layer wants quantized, and its scale, by the order of the layers."""
    wanted = dict.fromkeys(name for layer in graph.layers for name in _quantized_inputs(graph, layer))
    rows = {name: _row(graph, table, name) for name in wanted}
    missing = [name for name, row in rows.items() if row is None]
    if missing:
        raise MissingRangeError(missing, table, f"the table for network {graph.name!r}")
    scales = {name: table[row].scale for name, row in rows.items() if row is not None}
    for name, scale in scales.items():
        if not 0.0 <= scale < float("inf"):
            raise BadScaleError(name, scale, "finite and not negative")
    return scales


def _quantized_inputs(graph: Graph, layer: Layer) -> list[str]:
    """The activations at which a layer wants pairs."""
    if layer.op.weighted:
        return [layer.inputs[0]] if layer.inputs[1] in graph.constants else []
    if layer.op.kind == "matmul":
        return [] if any(name in graph.constants for name in layer.inputs) else list(layer.inputs)
    if layer.op.kind == "add":
        main = _main_branch(graph, layer)
        return [name for name in layer.inputs if name != main and name not in graph.constants]
    return []


def _main_branch(graph: Graph, layer: Layer) -> str | None:
    """The input of a sum that TensorRT computes together with it."""
    products = [each for each in graph.layers if each.output in layer.inputs and each.op.kind in PRODUCTS]
    fused = [each.output for each in products if only_consumer(graph, each) is layer]
    return fused[-1] if fused and layer.inputs.count(fused[-1]) == 1 else None


def _row(graph: Graph, table: Table, name: str) -> str | None:
    """The row of a tensor: its own, or that of the tensor whose values it moves."""
    while name not in table:
        producer = graph.producer(name)
        if producer is None or producer.op.name not in REORDERS | POOLS:
            return None
        name = producer.inputs[0]
    return name


def _with_pairs(graph: Graph, scales: Mapping[str, float]) -> Graph:
    """The graph with a quantize and a dequantize layer for each scale above 0, read by the layers that want them."""
    tensors, layers, pairs = dict(graph.tensors), list[Layer](), dict[str, str]()
    for layer in graph.layers:
        wanted = [name for name in _quantized_inputs(graph, layer) if scales[name] > 0.0]
        for name in wanted:
            if name not in pairs:
                pair = _pair(name, tensors, scales[name])
                layers += pair
                pairs[name] = pair[1].output
        sources = tuple(pairs[name] if name in wanted else name for name in layer.inputs)
        layers.append(replace(layer, inputs=sources))
    zero = tuple(f"{name}: scale 0 in the table, no pair" for name, scale in scales.items() if scale == 0.0)
    quantized = replace(graph, layers=tuple(layers), tensors=tensors, notes=(*graph.notes, *zero), listed=())
    check(quantized)
    return quantized


def _pair(name: str, tensors: dict[str, TensorType], scale: float) -> tuple[Layer, Layer]:
    """The two layers; their tensors are added."""
    kind = tensors[name]
    codes, real = (_fresh(f"{name}_{part}", tensors) for part in ("quantized", "dequantized"))
    tensors[codes] = replace(kind, dtype="int8", quant=QuantParams(scale))
    tensors[real] = kind
    to, back = Scales((kind,), tensors[codes], -128, 127), Scales((tensors[codes],), kind, -128, 127)
    schemes = TENSORRT.schemes
    return (
        Layer(f"quantize_{name}", Quantize(), (name,), codes, Quantize().arithmetic(schemes["quantize"], to)),
        Layer(f"dequantize_{name}", Dequantize(), (codes,), real, Dequantize().arithmetic(schemes["dequantize"], back)),
    )


def _fresh(name: str, taken: Mapping[str, TensorType]) -> str:
    while name in taken:
        name += "_"
    return name


def _weights(graph: Graph, scales: Mapping[str, float]) -> dict[str, TensorType]:
    """Constant -> the type of its codes, for weights whose layer reads a pair."""
    found = {}
    for layer in graph.layers:
        if layer.op.weighted and scales.get(layer.inputs[0], 0.0) > 0.0:
            weight = graph.constants[layer.inputs[1]]
            found[layer.inputs[1]] = quantize_weight(TENSORRT, layer.op.kind, layer.name, weight)[1]
    return found
