"""Running a graph: float32 or integer layers, on a named backend, batch by batch.

A plan is made once per graph and backend: each layer's kernel is prepared (weights packed, spec functions compiled)
and kept. A backend without a kernel for a layer is an error that names it, never a silent reference run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from int8sim.graph.ir import Graph, Layer
from int8sim.graph.program import program
from int8sim.graph.trace import Tracer
from int8sim.kernels.cpu.threads import LEAST_PRODUCTS, in_parts, on_threads, share
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.errors import (
    InputMismatchError,
    MissingKernelError,
    ThreadsError,
    UnknownNameError,
)
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

Prepared = Callable[..., Array]
Observer = Callable[[str, Any], None]
BACKENDS = ("reference", "cpu", "cuda")


class Planned(NamedTuple):
    """A layer, its kernel, the activations that it reads, and the tensors that no later layer reads."""

    layer: Layer
    kernel: Prepared
    reads: tuple[str, ...]
    finished: tuple[str, ...]


class Border(NamedTuple):
    """How a backend takes tensors in and gives them back."""

    enter: Callable[[Array, TensorType], Any]
    leave: Callable[[Any, TensorType], Array]


def _as_it_is(array: Array, _: TensorType) -> Array:
    return array


AS_IT_IS = Border(_as_it_is, _as_it_is)
STORAGE = Border(to_storage, from_storage)

_plans: WeakKeyDictionary[Graph, dict[str, tuple[object, list[Planned]]]] = WeakKeyDictionary()


@np.errstate(over="ignore", invalid="ignore")  # real values beyond float32 are infinite, as in any engine
def run(
    graph: Graph,
    inputs: Mapping[str, Array],
    *,
    backend: str = "cpu",
    keep: str = "outputs",
    trace: Tracer | None = None,
    observe: Observer | None = None,
    threads: int = 1,
) -> dict[str, Array]:
    """Tensors by name after one run, in the order of the graph's outputs, or of its layers.

    inputs: every graph input, [batch, ...] in the network's own layout; float64 and integers are cast to float32 where
    the network takes float32, integer inputs must have the exact dtype. A state that is not among them has its initial
    value; Session (session.py) keeps them from step to step. backend: "reference" (interpreted spec),
    "cpu" (compiled) or "cuda". keep: "outputs" or "all", which adds the inputs and every intermediate tensor.
    observe: called with the name and values of every tensor as it comes, in whatever order they lie in and where the
    backend keeps them (kernels/histogram.py): for statistics of tensors that are then dropped. threads: of cpu's
    kernels; no bit depends on it. Raises InputMismatchError, MissingKernelError, BackendUnavailableError,
    UnknownNameError, ThreadsError.
    """
    if threads < 1:
        raise ThreadsError(threads)
    if keep not in {"outputs", "all"}:
        raise UnknownNameError("value of keep", keep, ("outputs", "all"))
    values, planned = _inputs(graph, inputs), plan(graph, backend)
    wanted = graph.activations() if keep == "all" else graph.outputs
    if backend == "cpu" and not (trace or observe):
        if _batch(values) >= threads > 1 and _by_image(graph):
            return _on_parts_of_the_batch(graph, values, planned, wanted, threads)
        if threads == 1 or _products(graph, _batch(values)) < LEAST_PRODUCTS:
            return _alone(graph, values, planned, wanted)
    with on_threads(threads):
        return _run(values, planned, _Held(graph, wanted, trace, observe, border(backend)))


def _run(values: Mapping[str, Array], planned: Sequence[Planned], held: _Held) -> dict[str, Array]:
    for name, array in values.items():
        held.take_input(name, array)
    arrays = held.arrays
    for layer, kernel, reads, finished in planned:
        held.take(layer, kernel(*[arrays[name] for name in reads]))
        for name in finished:
            arrays.pop(name, None)
    return {name: held.result[name] for name in held.wanted}


def _alone(
    graph: Graph, values: Mapping[str, Array], planned: Sequence[Planned], wanted: tuple[str, ...]
) -> dict[str, Array]:
    """On this thread; what leaves only the graph's outputs, by a program as soon as there is one."""
    made = program(graph, planned, values) if wanted == graph.outputs else None
    if made:
        return made(values)
    with on_threads(1):
        return _run(values, planned, _Held(graph, wanted))


def _on_parts_of_the_batch(
    graph: Graph, values: Mapping[str, Array], planned: Sequence[Planned], wanted: tuple[str, ...], threads: int
) -> dict[str, Array]:
    """Every thread runs the whole network on its part."""
    found: list[dict[str, Array]] = [{}] * threads

    def work(part: int, parts: int) -> None:
        images = slice(*share(_batch(values), part, parts))
        found[part] = _alone(graph, {name: array[images] for name, array in values.items()}, planned, wanted)

    with on_threads(threads):
        in_parts(work)
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def _batch(values: Mapping[str, Array]) -> int:
    return len(next(iter(values.values())))


def _products(graph: Graph, batch: int) -> int:
    """Of the layer that has most: threads share those of large layers only."""
    weighted = [layer for layer in graph.layers if len(layer.inputs) > 1 and layer.inputs[1] in graph.constants]
    sizes = [
        math.prod(graph.tensors[layer.output].shape[1:]) * math.prod(graph.tensors[layer.inputs[1]].shape[1:])
        for layer in weighted
    ]
    return batch * max(sizes, default=0)


def _by_image(graph: Graph) -> bool:
    """Whether an image's values do not depend on those beside it: by an element's place in the batch, or its range."""
    steps = (step for layer in graph.layers for step in (layer.arithmetic or {}).values())
    return not any(step.placed for step in steps) and not any(getattr(layer.op, "whole", 0) for layer in graph.layers)


class _Held:
    """The tensors of one run: in storage form between layers, in their own layout once they leave."""

    def __init__(
        self,
        graph: Graph,
        wanted: tuple[str, ...],
        trace: Tracer | None = None,
        observe: Observer | None = None,
        border: Border = STORAGE,
    ) -> None:
        self.graph, self.wanted, self.trace, self.observe, self.border = graph, wanted, trace, observe, border
        self._leaves = frozenset(wanted)
        self.arrays: dict[str, Any] = {}
        self.result: dict[str, Array] = {}

    def take_input(self, name: str, array: Array) -> None:
        """A graph input, in its own layout."""
        self.arrays[name] = self.border.enter(array, self.graph.tensors[name])
        if self.observe:
            self.observe(name, array)
        self._leave(None, name, array)

    def take(self, layer: Layer, array: Any) -> None:
        """What a layer computed, where the backend keeps it."""
        name = layer.output
        self.arrays[name] = array
        if self.observe:
            self.observe(name, array)
        if name in self._leaves or self.trace:
            own = self.border.leave(array, self.graph.tensors[name])
            self._leave(layer, name, np.ascontiguousarray(own))

    def _leave(self, layer: Layer | None, name: str, array: Array) -> None:
        if name in self._leaves:
            self.result[name] = array
        if self.trace:
            self.trace.tensor(self.graph, layer, name, array)


def border(backend: str) -> Border:
    """Of a backend that was checked."""
    if backend == "cuda":
        device = import_module("int8sim.kernels.cuda.device")
        return Border(device.enter, device.leave)
    return STORAGE if backend == "cpu" else AS_IT_IS


def plan(graph: Graph, backend: str) -> list[Planned]:
    """Every layer prepared, at the first call for this graph and backend, and for whoever takes cuda's launches."""
    _check_backend(backend)
    plans, who = _plans.setdefault(graph, {}), _launcher() if backend == "cuda" else None
    if backend not in plans or plans[backend][0] is not who:
        made = [
            Planned(layer, _prepare(graph, layer, backend), _reads(graph, layer), tuple(finished))
            for layer, finished in zip(graph.layers, _last_uses(graph), strict=True)
        ]
        plans[backend] = who, made
    return plans[backend][1]


def _launcher() -> object:
    """Who takes the launches of backend cuda: nobody else than the device, or an interpreter of them."""
    from int8sim.kernels.cuda.device import launcher

    return launcher()


def _check_backend(backend: str) -> None:
    """Raise for a backend that is unknown or cannot run here."""
    if backend not in BACKENDS:
        raise UnknownNameError("backend", backend, BACKENDS)
    if backend == "cuda":
        from int8sim.kernels.cuda.availability import check

        check()


def _reads(graph: Graph, layer: Layer) -> tuple[str, ...]:
    return tuple(name for name in layer.inputs if name not in graph.constants)


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
    inputs = {**_initial_states(graph, inputs), **inputs}
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


def _initial_states(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """For every sample of the first input."""
    count = np.asarray(inputs.get(graph.inputs[0], 0)).shape[:1]
    return {each.input: np.broadcast_to(each.initial, (*count, *each.initial.shape[1:])) for each in graph.states}


def _cast(name: str, array: Array, kind: TensorType) -> Array:
    sizes = array.ndim == len(kind.shape) and array.shape[1:] == kind.shape[1:] and array.shape[0] > 0
    if not sizes or (array.dtype != kind.dtype and not (kind.dtype == "float32" and array.dtype.kind in "fiu")):
        expected = f"{kind.dtype} [N, {', '.join(map(str, kind.shape[1:]))}]"
        raise InputMismatchError(name, f"{array.dtype.name} {list(array.shape)}", expected)
    return np.ascontiguousarray(array, kind.dtype)
