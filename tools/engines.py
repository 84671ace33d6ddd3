"""Run a lowered graph in the vendor's engine, and hand back every tensor of the graph by name.

The graph is exported first, in memory. What comes back has the shapes and layouts of `int8sim.run(..., keep="all")`,
so the two dictionaries can be compared key by key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from onnx import helper

from int8sim.exporters.onnx import onnx_model
from int8sim.exporters.onnx_model import BATCH, TYPES
from int8sim.exporters.tflite import stored_axes, tflite_model
from int8sim.graph.ir import Graph
from int8sim.model.step import Array


def run_onnxruntime(graph: Graph, inputs: Mapping[str, Array], *, keep: str = "all") -> dict[str, Array]:
    """Tensors by name from ONNX Runtime, one thread. keep: "all" (each becomes an output of the model) or "outputs"."""
    import onnxruntime

    model, names = onnx_model(graph), list(graph.outputs)
    if keep == "all":
        names = [layer.output for layer in graph.layers]
        extra = [name for name in names if name not in graph.outputs]
        model.graph.output.extend(_info(graph, name) for name in extra)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = session.run(names, {name: np.ascontiguousarray(inputs[name]) for name in graph.inputs})
    return dict(zip(names, found, strict=True))


def _info(graph: Graph, name: str) -> Any:
    kind = graph.tensors[name]
    return helper.make_tensor_value_info(name, TYPES[kind.dtype], [BATCH, *kind.shape[1:]])


def run_litert(graph: Graph, inputs: Mapping[str, Array], *, kernels: str, keep: str = "all") -> dict[str, Array]:
    """Tensors by name from LiteRT, one thread, in the graph's own layout.

    kernels: a member of OpResolverType: BUILTIN_REF, BUILTIN_WITHOUT_DEFAULT_DELEGATES, or BUILTIN, which hands the
    network to XNNPACK; that one gives the graph's outputs only.
    """
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=tflite_model(graph),
        experimental_op_resolver_type=OpResolverType[kernels],
        experimental_preserve_all_tensors=keep == "all",
        num_threads=1,
    )
    index = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    moved = {name: inputs[name].transpose(stored_axes(graph.tensors[name])) for name in graph.inputs}
    for name, values in moved.items():
        interpreter.resize_tensor_input(index[name], values.shape)
    interpreter.allocate_tensors()
    for name, values in moved.items():
        interpreter.set_tensor(index[name], np.ascontiguousarray(values))
    interpreter.invoke()
    names = [layer.output for layer in graph.layers] if keep == "all" else graph.outputs
    return {
        name: interpreter.get_tensor(index[name]).transpose(np.argsort(stored_axes(graph.tensors[name])))
        for name in names
    }


def run_tflm(graph: Graph, inputs: Mapping[str, Array], *, keep: str = "all") -> dict[str, Array]:
    """Tensors by name from TensorFlow Lite Micro, in the graph's own layout. Its batch is 1: image by image."""
    from tflite_micro import runtime

    model = tflite_model(graph)
    interpreter = runtime.Interpreter.from_bytes(
        model, arena_size=_arena(graph, model), intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
    )
    names = [layer.output for layer in graph.layers] if keep == "all" else graph.outputs
    places = {name: place for place, name in enumerate(graph.activations())}
    rows: dict[str, list[Array]] = {name: [] for name in names}
    for row in range(len(inputs[graph.inputs[0]])):
        for position, name in enumerate(graph.inputs):
            image = inputs[name][row : row + 1].transpose(stored_axes(graph.tensors[name]))
            interpreter.set_input(np.ascontiguousarray(image), position)
        interpreter.invoke()
        for name in names:
            rows[name].append(interpreter.GetTensor(places[name], 0)["tensor_data"].copy())
    return {
        name: np.concatenate(found).transpose(np.argsort(stored_axes(graph.tensors[name])))
        for name, found in rows.items()
    }


def _arena(graph: Graph, model: bytes) -> int:
    """Bytes that hold every tensor at once, and what the interpreter keeps beside them."""
    tensors = sum(4 * math.prod(kind.shape) for kind in graph.tensors.values())
    return 2 * tensors + 8 * len(model) + (1 << 18)


ENGINES = {
    "onnxruntime": run_onnxruntime,
    "tflm": run_tflm,
    "tflite_reference": partial(run_litert, kernels="BUILTIN_REF"),
    "tflite_optimized": partial(run_litert, kernels="BUILTIN_WITHOUT_DEFAULT_DELEGATES"),
    "xnnpack": partial(run_litert, kernels="BUILTIN", keep="outputs"),
}
"""Profile name -> the function that runs a graph lowered to it."""
