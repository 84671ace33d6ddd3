"""The peers as calls: the same integers in each one's own form, loaded once, one run a call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from int8sim.bench.job import Contender, Setting
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.step import Array
from int8sim.model.table import Table

Make = Callable[[str], Graph]
"""A float32 network in a layout: ONNX Runtime's own, NCHW, or LiteRT's, NHWC."""
Call = Callable[[], Array]
"""One run."""


@dataclass(frozen=True)
class Engine:
    """A peer's arithmetic, by profile and preset, the layout it takes, and the peer itself: its name and its package.

    load: a lowered graph, codes, threads -> one run. types: of activations and weights, where the peer has several.
    """

    profile: str
    preset: str
    layout: str
    peer: str
    package: str
    load: Callable[[Graph, dict[str, Array], int], Call]
    types: str = ""

    @property
    def arithmetic(self) -> str:
        """The profile, and the types."""
        return f"{self.profile} {self.types}".rstrip()


def contenders(make: Make, batch: int, setting: Setting) -> Iterator[Contender]:
    """int8sim in each peer's arithmetic and that peer, in its layout, on codes from the first layer to the last.

    Where there are several threads, int8sim on one as well.
    """
    lowered = _lowered(make, batch)
    for engine in ENGINES:
        graph, codes = lowered(engine)
        own = f"int8sim {engine.arithmetic}"
        yield Contender(own, _own(graph, codes, setting.threads), engine.arithmetic)
        if setting.threads > 1:
            yield Contender(f"{own}, 1 thread", _own(graph, codes, 1), engine.arithmetic)
        if setting.has(engine.package):
            name = f"{engine.peer} {engine.types}".rstrip()
            yield Contender(name, engine.load(graph, codes, setting.threads), engine.arithmetic)


def _lowered(make: Make, batch: int) -> Callable[[Engine], tuple[Graph, dict[str, Array]]]:
    """An engine's integer graph, without its borders, and random codes for it."""

    @functools.cache
    def calibrated(layout: str) -> tuple[Graph, Array, Table]:
        graph = make(layout)
        x = normal((batch, *graph.tensors[graph.inputs[0]].shape[1:]))
        return graph, x, ranges(graph, x)

    def lowered(engine: Engine) -> tuple[Graph, dict[str, Array]]:
        graph, x, table = calibrated(engine.layout)
        integer = codes_only(lower(graph, table, profile=engine.profile, preset=engine.preset))
        return integer, codes_for(integer, x)

    return lowered


def normal(shape: tuple[int, ...]) -> Array:
    """Random activations, float32."""
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def _own(graph: Graph, codes: dict[str, Array], threads: int) -> Call:
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


def onnxruntime(graph: Graph, codes: dict[str, Array], threads: int) -> Call:
    """The exported graph in ONNX Runtime."""
    import onnxruntime

    from int8sim.exporters.onnx import onnx_model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.force_spinning_stop", "1")  # or its threads spin in the next one's turn
    session = onnxruntime.InferenceSession(onnx_model(graph).SerializeToString(), options)
    return lambda: session.run(None, codes)[0]


def litert(kernels: str, graph: Graph, codes: dict[str, Array], threads: int) -> Call:
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


ENGINES = (
    Engine("onnxruntime", "mixed", "NCHW", "ONNX Runtime", "onnxruntime", onnxruntime, "u8s8"),
    Engine("onnxruntime", "performance", "NCHW", "ONNX Runtime", "onnxruntime", onnxruntime, "s8s8"),
    Engine("xnnpack", "mixed", "NHWC", "XNNPACK", "ai_edge_litert", partial(litert, "BUILTIN")),
    Engine("tflite_reference", "mixed", "NHWC", "LiteRT reference", "ai_edge_litert", partial(litert, "BUILTIN_REF")),
)
"""Everyone's int8 weights; uint8 activations where ONNX Runtime has both."""
