"""A float32 network as an engine's FP16 mode runs it: weights and tensors are float16, sums are float32.

Every output is computed in float32 from float16 operands and then taken to the nearest float16, ties to even. What an
engine rounds besides (a partial sum, a fused activation) is its own and differs between GPUs: this is a reference, not
anybody's bits.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Array
from int8sim.ops.float16 import Float16

EXACT = frozenset({"max_pool", "relu", "flatten", "reshape", "transpose", "slice", "concat"})
"""Ops whose output is float16 already where their inputs are."""


def half_precision(graph: Graph) -> Graph:
    """The network in FP16: tensors keep their names; `<name>_float32` is what a layer computed before."""
    layers = [Layer(f"{name}_half", Float16(), (name,), f"{name}_half") for name in graph.inputs]
    renamed = {name: f"{name}_half" for name in graph.inputs}
    for layer in graph.layers:
        inputs = tuple(renamed.get(name, name) for name in layer.inputs)
        exact = layer.op.name in EXACT
        wide = layer.output if exact else f"{layer.output}_float32"
        layers.append(replace(layer, inputs=inputs, output=wide))
        if not exact:
            layers.append(Layer(f"{layer.name}_half", Float16(), (wide,), layer.output))
    kinds = {name: graph.tensors[name] for name in graph.inputs}
    constants = {name: _half(values) for name, values in graph.constants.items()}
    return float_graph(f"{graph.name}_fp16", layers, kinds, graph.outputs, constants)


def _half(values: Array) -> Array:
    if values.dtype != np.float32:
        return values
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)
