"""Hypothesis strategies for benches and tests: words, scales, converters, tensors, layers, whole small graphs.

    @given(strategies.runs(strategies.layers("tflite_reference", op="conv2d")))
    def test_my_convolution(drawn): ...

A bad argument raises Hypothesis' InvalidArgument at the call. Importing this registers strategies for Step, Profile and
Graph with `st.from_type`; Hypothesis itself does so for QuantParams and TensorType (int8sim/hypothesis_hook.py).
"""

from __future__ import annotations

from hypothesis import strategies as _st

from int8sim.graph.ir import Graph as _Graph
from int8sim.model.step import Step as _Step
from int8sim.profiles.base import Profile as _Profile
from int8sim.strategies.converters import Converter, accumulators, converters, output_steps, profiles
from int8sim.strategies.graphs import Run, float_graphs, graphs, inputs, layers, runs, tables
from int8sim.strategies.scales import quant_params, scales, zero_points
from int8sim.strategies.tensors import QuantizedTensor, codes, quantized_tensors, real_arrays, tensor_types
from int8sim.strategies.words import (
    float16_patterns,
    float32_patterns,
    int8s,
    int16s,
    int32s,
    packed_words,
    uint8s,
    words,
)

__all__ = [
    "Converter",
    "QuantizedTensor",
    "Run",
    "accumulators",
    "codes",
    "converters",
    "float16_patterns",
    "float32_patterns",
    "float_graphs",
    "graphs",
    "inputs",
    "int8s",
    "int16s",
    "int32s",
    "layers",
    "output_steps",
    "packed_words",
    "profiles",
    "quant_params",
    "quantized_tensors",
    "real_arrays",
    "runs",
    "scales",
    "tables",
    "tensor_types",
    "uint8s",
    "words",
    "zero_points",
]

_st.register_type_strategy(_Profile, lambda _: profiles())
_st.register_type_strategy(_Step, lambda _: converters().map(lambda converter: converter.step))
_st.register_type_strategy(_Graph, lambda _: graphs())
