"""Running a graph: float32 or integer layers, on a named backend, batch by batch.

A plan is made once per graph and backend: each layer's kernel is prepared (weights packed, spec functions compiled)
and kept. A backend without a kernel for a layer is an error that names it, never a silent reference run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.trace import Tracer
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.errors import BackendUnavailableError, InputMismatchError, MissingKernelError, UnknownNameError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

Prepared = Callable[..., Array]
BACKENDS = ("reference", "cpu", "cuda")

_plans: WeakKeyDictionary[Graph, dict[str, list[Prepared]]] = WeakKeyDictionary()


def run(
    graph: Graph,
    inputs: Mapping[str, Array],
    *,
    backend: str = "cpu",
    keep: str = "outputs",
    trace: Tracer | None = None,
) -> dict[str, Array]:
    """Tensors by name after one run.

    inputs: every graph input, [batch, ...] in the network's own layout; float64 and integers are cast to float32 where
    the network takes float32, integer inputs must have the exact dtype. backend: "reference" (interpreted spec),
    "cpu" (compiled) or "cuda". keep: "outputs" or "all", which adds the inputs and every intermediate tensor.
    Raises InputMismatchError, MissingKernelError, BackendUnavailableError, UnknownNameError.
    """
    if keep not in {"outputs", "all"}:
        raise UnknownNameError("value of keep", keep, ("outputs", "all"))
    values = _inputs(graph, inputs)
    stores = _storing(backend)
    store = to_storage if stores else _as_is
    load = from_storage if stores else _as_is
    held = {name: store(array, graph.tensors[name]) for name, array in values.items()}
    wanted = set(graph.activations() if keep == "all" else graph.outputs)
    result = {name: values[name] for name in values if name in wanted}
    last_use = _last_uses(graph)
    for name, array in values.items():
        if trace:
            trace.tensor(graph, None, name, array)
    for position, (layer, kernel) in enumerate(zip(graph.layers, plan(graph, backend), strict=True)):
        held[layer.output] = kernel(*(held[name] for name in layer.inputs if name not in graph.constants))
        if layer.output in wanted or trace:
            plain = np.ascontiguousarray(load(held[layer.output], graph.tensors[layer.output]))
            if layer.output in wanted:
                result[layer.output] = plain
            if trace:
                trace.tensor(graph, layer, layer.output, plain)
        for name in last_use[position]:
            held.pop(name, None)
    return result


def plan(graph: Graph, backend: str) -> list[Prepared]:
    """One prepared function per layer, made at the first call for this graph and backend."""
    plans = _plans.setdefault(graph, {})
    if backend not in plans:
        plans[backend] = [_prepare(graph, layer, backend) for layer in graph.layers]
    return plans[backend]


def _as_is(array: Array, _: TensorType) -> Array:
    return array


def _storing(backend: str) -> bool:
    """Whether the backend's kernels take storage form. Raises for a backend that is unknown or cannot run here."""
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, BACKENDS)
    if backend == "cuda" and importlib.util.find_spec("int8sim.kernels.cuda") is None:
        raise BackendUnavailableError(backend, "this version of int8sim has no CUDA kernels")
    return backend != "reference"


def _last_uses(graph: Graph) -> list[list[str]]:
    """By layer, the tensors that no later layer reads."""
    seen: set[str] = set()
    uses: list[list[str]] = []
    for layer in reversed(graph.layers):
        uses.append([name for name in (*layer.inputs, layer.output) if name not in seen])
        seen.update(layer.inputs)
    return uses[::-1]


def _prepare(graph: Graph, layer: Layer, backend: str) -> Prepared:
    if backend == "reference":
        return partial(interpret, graph, layer)
    try:
        module = import_module(f"int8sim.kernels.{backend}.{layer.op.name}")
    except ModuleNotFoundError as missing:
        if missing.name != f"int8sim.kernels.{backend}.{layer.op.name}":
            raise
        raise MissingKernelError(backend, layer.op.name, layer.name) from None
    constants = {i: graph.constants[name] for i, name in enumerate(layer.inputs) if name in graph.constants}
    prepared: Prepared = module.prepare(
        layer.op, graph.types(layer), graph.tensors[layer.output], constants, layer.arithmetic
    )
    return prepared


def interpret(graph: Graph, layer: Layer, *activations: Array) -> Array:
    """One layer by its op's own definition, in plain Python numbers."""
    inputs = operands(graph, layer, activations)
    if layer.arithmetic is None:
        return layer.op.float32(graph.types(layer), inputs)
    return layer.op.reference(graph.types(layer), graph.tensors[layer.output], layer.arithmetic, inputs)


def operands(graph: Graph, layer: Layer, activations: Sequence[Array]) -> list[Array]:
    """A layer's inputs, activations and constants, in the op's order."""
    waiting = iter(activations)
    return [graph.constants[name] if name in graph.constants else next(waiting) for name in layer.inputs]


def _inputs(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The one border cast: every input checked against the network. Raises InputMismatchError."""
    batch: int | None = None
    found = {}
    for name in graph.inputs:
        if name not in inputs:
            raise InputMismatchError(name, f"no such input; the data has {sorted(inputs)}", str(graph.tensors[name]))
        found[name] = _cast(name, np.asarray(inputs[name]), graph.tensors[name])
        batch = found[name].shape[0] if batch is None else batch
        if found[name].shape[0] != batch:
            raise InputMismatchError(name, f"{found[name].shape[0]} samples", f"{batch}, as in the first input")
    for name in inputs:
        if name not in found:
            raise InputMismatchError(name, "data for it", f"only inputs {list(graph.inputs)}")
    return found


def _cast(name: str, array: Array, kind: TensorType) -> Array:
    expected = f"{kind.dtype} [N, {', '.join(map(str, kind.shape[1:]))}]"
    described = f"{array.dtype.name} {list(array.shape)}"
    if array.ndim != len(kind.shape) or array.shape[1:] != kind.shape[1:] or array.shape[0] == 0:
        raise InputMismatchError(name, described, expected)
    if array.dtype.name != kind.dtype and not (kind.dtype == "float32" and array.dtype.kind in "fiu"):
        raise InputMismatchError(name, described, expected)
    return np.ascontiguousarray(array, kind.dtype)


def images_of(values: Mapping[str, Any]) -> int:
    """The batch size of a set of tensors."""
    return int(next(iter(values.values())).shape[0])
