"""Whether a lowered layer computes exactly what an engine will compute from the exported file.

A file holds codes, scales and zero points; the engine derives multipliers, shifts and tables from them itself. So
every layer's steps are derived once more, from the tensors' quantization through the engine's own profile, and compared
with the steps that the layer carries. A graph lowered to another profile, or edited, is refused with the difference.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from int8sim.graph.ir import Graph, Layer
from int8sim.model.accumulation import Accumulation
from int8sim.model.errors import NotExportableError
from int8sim.model.step import Arithmetic, LookupTable, Number, Step
from int8sim.model.tensor import QuantParams, TensorType, dtype_range
from int8sim.ops.base import Scales
from int8sim.profiles.base import Profile


def require_exact(graph: Graph, profile: Profile, target: str) -> None:
    """Raise NotExportableError for the first integer layer that the profile's engine would compute otherwise."""
    for layer in graph.layers:
        if layer.arithmetic is not None:
            problem = _problem(graph, layer, layer.arithmetic, profile)
            if problem:
                raise NotExportableError(layer.name, target, problem)


def output_bounds(arithmetic: Arithmetic) -> tuple[int, int] | None:
    """The lowest and highest output code that a layer's steps leave; None where no step clamps."""
    for step in arithmetic.values():
        if {"low", "high"} <= set(step.parameters):
            return int(step.parameters["low"]), int(step.parameters["high"])  # type: ignore[arg-type]
    return None


def clamp_bounds(layer: Layer, kind: TensorType) -> tuple[int, int] | None:
    """The bounds of an integer layer's output where they are tighter than its dtype's range, else None."""
    bounds = output_bounds(layer.arithmetic or {})
    return None if bounds is None or bounds == dtype_range(kind.dtype) else bounds


def activations(layer: Layer) -> list[str]:
    """The tensors that a layer reads and writes, without weights and biases."""
    sources = layer.inputs[:1] if layer.op.weighted else layer.inputs
    return [*sources, layer.output]


def _problem(graph: Graph, layer: Layer, arithmetic: Arithmetic, profile: Profile) -> str:
    """What is wrong with one integer layer; empty if nothing is."""
    if profile.scheme(layer.op.kind, _dtype(graph, layer)) is None:
        return f"{profile.name} has no integer form of {layer.op.name}"
    names = activations(layer)
    for name in names:
        problem = _unusable(name, graph.tensors[name])
        if problem:
            return problem
    if layer.op.name in profile.same_scale or layer.op.kind in {"move", "clamp"}:
        problem = _unequal(graph, names)
        if problem:
            return problem
    return _different(arithmetic, _derived(graph, layer, arithmetic, profile), profile.name)


def _unusable(name: str, kind: TensorType) -> str:
    """Why no engine takes a tensor's quantization; empty if they do."""
    quant = kind.quant
    if quant is None or quant.dtype != kind.dtype:
        return "" if kind.dtype == "float32" else f"tensor {name!r} is {kind} without a quantization of that type"
    if isinstance(quant.scale, tuple) or isinstance(quant.zero_point, tuple):
        return f"tensor {name!r} is an activation with a scale per slice of axis {quant.axis}; one scale is needed"
    low, high = dtype_range(quant.dtype)
    if quant.narrow:
        return f"tensor {name!r} has the narrow range {quant.low} .. {quant.high}; the engine uses {low} .. {high}"
    if not low <= quant.zero_point <= high:
        return f"tensor {name!r} has zero point {quant.zero_point}, which is no {quant.dtype} code"
    return ""


def _unequal(graph: Graph, names: Iterable[str]) -> str:
    kinds = {name: graph.tensors[name].quant for name in names}
    if len(set(kinds.values())) <= 1:
        return ""
    shown = ", ".join(f"{name!r} {_shown(quant)}" for name, quant in kinds.items())
    return f"its tensors must have one scale and zero point: {shown}"


def _shown(quant: QuantParams | None) -> str:
    return f"{quant.scale} / {quant.zero_point} {quant.dtype}" if quant else "real"


def _derived(graph: Graph, layer: Layer, arithmetic: Arithmetic, profile: Profile) -> Arithmetic:
    """The steps that lowering to this profile gives the layer, with the output bounds that it has."""
    bounds = output_bounds(arithmetic) or (0, 0)
    scales = Scales(graph.types(layer), graph.tensors[layer.output], *bounds)
    scheme = profile.scheme(layer.op.kind, _dtype(graph, layer))
    return {} if scheme is None else layer.op.arithmetic(scheme, scales)


def _dtype(graph: Graph, layer: Layer) -> str:
    return graph.tensors[layer.inputs[0]].dtype


def _different(found: Arithmetic, derived: Arithmetic, engine: str) -> str:
    """The first difference between a layer's steps and the engine's."""
    if list(found) != list(derived):
        return f"its roles are {list(found)}, those of {engine} are {list(derived)}"
    for role, step in found.items():
        problem = _different_step(step, derived[role], engine)
        if problem:
            return f"role {role!r}: {problem}"
    return ""


def _different_step(found: Step, derived: Step, engine: str) -> str:
    if found.function is not derived.function:
        return f"it computes {found.name}, {engine} computes {derived.name}"
    if list(found.parameters) != list(derived.parameters):
        return f"its parameters are {list(found.parameters)}, those of {engine} are {list(derived.parameters)}"
    loops = [step.loop for step in (found, derived) if isinstance(step, Accumulation)]
    if len(set(loops)) > 1:
        return f"it accumulates by {loops[0]}, {engine} by {loops[1]}"
    for name, value in found.parameters.items():
        if not _same(value, derived.parameters[name]):
            return f"{name} is {value!r}, {engine} derives {derived.parameters[name]!r} from the scales"
    return ""


def _same(found: Number, derived: Number) -> bool:
    """Whether two parameters are the same kind of number and the same bits."""
    if isinstance(found, LookupTable) or isinstance(derived, LookupTable):
        both = isinstance(found, LookupTable) and isinstance(derived, LookupTable)
        return both and _same(found.values, derived.values)  # type: ignore[union-attr]
    a, b = np.asarray(found), np.asarray(derived)
    return a.dtype == b.dtype and np.array_equal(a, b)
