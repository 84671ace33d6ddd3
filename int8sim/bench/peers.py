"""The peers as calls: the same integers in each one's own form, loaded once, one run a call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from int8sim.bench.job import Contender
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.step import Array
from int8sim.model.table import Table

Make = Callable[[str], Graph]
"""A float32 network in a layout: ONNX Runtime's own, NCHW, or LiteRT's, NHWC."""


def contenders(make: Make, batch: int, *, mixed: bool = False, threads: int = 1) -> Iterator[Contender]:
    """int8sim in each peer's arithmetic and that peer, in its layout, on codes from the first layer to the last.

    mixed: activations asymmetric, uint8 where the engine has both.
    """
    preset = "mixed" if mixed else "performance"
    for profile, layout in ("onnxruntime", "NCHW"), ("xnnpack", "NHWC"):
        graph = make(layout)
        x = normal((batch, *graph.tensors[graph.inputs[0]].shape[1:]))
        integer = codes_only(lower(graph, ranges(graph, x), profile=profile, preset=preset))
        codes = codes_for(integer, x)
        yield Contender(f"int8sim {profile}", _own(integer, codes, threads), profile)
        if profile == "onnxruntime" and find_spec("onnxruntime"):
            yield Contender("ONNX Runtime", onnxruntime(integer, codes, threads), profile)
        if profile == "xnnpack" and find_spec("ai_edge_litert"):
            yield Contender("XNNPACK", litert(integer, codes, "BUILTIN", threads), profile)
            yield Contender("LiteRT reference", litert(integer, codes, "BUILTIN_REF", threads))


def normal(shape: tuple[int, ...]) -> Array:
    """Random activations, float32."""
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def _own(graph: Graph, codes: dict[str, Array], threads: int) -> Callable[[], Array]:
    return lambda: run(graph, codes, threads=threads)[graph.outputs[0]]


def ranges(graph: Graph, x: Array) -> Table:
    """Every tensor's least and greatest value in one run."""
    tensors = run(graph, {graph.inputs[0]: x}, keep="all")
    return Table.from_ranges({name: (float(each.min()), float(each.max())) for name, each in tensors.items()})


def codes_only(graph: Graph) -> Graph:
    """A lowered graph without the quantize at its beginning and the dequantize at its end."""
    first, *inner, last = graph.layers
    return replace(graph, layers=tuple(inner), inputs=(first.output,), outputs=(last.inputs[0],))


def codes_for(graph: Graph, x: Array) -> dict[str, Array]:
    """Random codes for the input, of the shape of x."""
    name = graph.inputs[0]
    info = np.iinfo(graph.tensors[name].dtype)
    return {name: np.random.default_rng(1).integers(info.min, info.max + 1, x.shape).astype(info.dtype)}


def onnxruntime(graph: Graph, codes: dict[str, Array], threads: int) -> Callable[[], Array]:
    """The exported graph in ONNX Runtime."""
    import onnxruntime

    from int8sim.exporters.onnx import onnx_model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(onnx_model(graph).SerializeToString(), options)
    return lambda: session.run(None, codes)[0]


def litert(graph: Graph, codes: dict[str, Array], kernels: str, threads: int) -> Callable[[], Array]:
    """The exported graph in LiteRT. kernels: a member of OpResolverType."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from int8sim.exporters.tflite import tflite_model
    from int8sim.exporters.tflite_model import stored_axes

    resolver = OpResolverType[kernels]
    interpreter = Interpreter(
        model_content=tflite_model(graph), experimental_op_resolver_type=resolver, num_threads=threads
    )
    index = {detail["name"]: detail["index"] for detail in interpreter.get_tensor_details()}
    ((name, values),) = codes.items()
    stored = np.ascontiguousarray(values.transpose(stored_axes(graph.tensors[name])))
    interpreter.resize_tensor_input(index[name], stored.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index[name], stored)
    back = np.argsort(stored_axes(graph.tensors[graph.outputs[0]]))

    def call() -> Array:
        interpreter.invoke()
        found: Array = interpreter.get_tensor(index[graph.outputs[0]]).transpose(back)
        return found

    return call


def torch_product(left: Array, right: Array, threads: int) -> Callable[[], Array]:
    """int8 [M, K] by int8 [K, N] to int32 in torch, nothing requantized."""
    import torch

    torch.set_num_threads(threads)
    a, b = torch.from_numpy(left), torch.from_numpy(right)
    return lambda: torch._int_mm(a, b).numpy()  # noqa: SLF001
