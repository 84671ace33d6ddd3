"""Two lowered graphs of one network side by side: what differs in each layer's parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.graph.ir import Graph, Layer
from int8sim.model.accumulation import Accumulation
from int8sim.model.step import Array, LookupTable, Step
from int8sim.model.tensor import TensorType


@dataclass(frozen=True)
class Change:
    """One parameter that differs. first, second: its values in words; of an array, how many of its numbers differ."""

    what: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.what} {self.first} -> {self.second}" if self.second else f"{self.what}: {self.first}"


@dataclass(frozen=True)
class LayerPair:
    """A layer of two graphs. first, second: the dtype of its output in each, "" where a graph has it not."""

    layer: str
    first: str
    second: str
    changes: tuple[Change, ...]


def layer_pairs(first: Graph, second: Graph) -> list[LayerPair]:
    """One entry for each layer of either graph: those of the first in order, then what is left of the second.

    Layers are paired by name, others by the float tensor that they compute. Dequantize layers aside.
    """
    one, other = ({layer.name: layer for layer in _compared(graph)} for graph in (first, second))
    left = {_computes(layer): layer for name, layer in other.items() if name not in one}
    pairs = {name: other[name] if name in other else left.get(_computes(layer)) for name, layer in one.items()}
    alone = [layer for layer in left.values() if layer not in pairs.values()]
    found = [_pair(first, layer, second, pairs[name], name) for name, layer in one.items()]
    return found + [_pair(first, None, second, layer, layer.name) for layer in alone]


def _compared(graph: Graph) -> list[Layer]:
    return [layer for layer in graph.layers if layer.op.name != "dequantize"]


def _computes(layer: Layer) -> tuple[str, bool]:
    """The float tensor, and whether the layer only writes it in codes."""
    return layer.stands_for, layer.op.name == "quantize"


def _pair(first: Graph, one: Layer | None, second: Graph, other: Layer | None, name: str) -> LayerPair:
    dtypes = (first.tensors[one.output].dtype if one else "", second.tensors[other.output].dtype if other else "")
    return LayerPair(name, *dtypes, tuple(changes(first, one, second, other)) if one and other else ())


def changes(first: Graph, one: Layer, second: Graph, other: Layer) -> Iterator[Change]:
    """What differs between two layers: operator, output's type, constants, steps."""
    yield from _values("operator", one.op, other.op)
    yield from _types("", first.tensors[one.output], second.tensors[other.output])
    held = [_constants(graph, layer) for graph, layer in ((first, one), (second, other))]
    yield from _values("constants", len(held[0]), len(held[1]))
    for what, a, b in zip(("weight", "bias", "constant", "constant", "constant"), *held, strict=False):
        yield from _types(f"{what} ", first.tensors[a], second.tensors[b])
        yield from _arrays(what, first.constants[a], second.constants[b])
    yield from _steps(one.arithmetic or {}, other.arithmetic or {})


def _constants(graph: Graph, layer: Layer) -> list[str]:
    return [name for name in layer.inputs if name in graph.constants]


def _types(what: str, first: TensorType, second: TensorType) -> Iterator[Change]:
    yield from _values(f"{what}shape", first.shape, second.shape)
    yield from _values(f"{what}dtype", first.dtype, second.dtype)
    if first.quant and second.quant:
        yield from _values(f"{what}axis", first.quant.axis, second.quant.axis)
        yield from _numbers(f"{what}scale", first.quant.scales, second.quant.scales)
        yield from _numbers(f"{what}zero point", first.quant.zero_point, second.quant.zero_point)


def _steps(first: Mapping[str, Step], second: Mapping[str, Step]) -> Iterator[Change]:
    for role in {**first, **second}:
        a, b = first.get(role), second.get(role)
        if a is None or b is None or a.name != b.name:
            yield Change(role, *(step.function.__name__ if step else "none" for step in (a, b)))
            continue
        if isinstance(a, Accumulation) and isinstance(b, Accumulation):
            yield from _values(f"{role} loop", a.loop, b.loop)
        for name in a.parameters:
            yield from _numbers(f"{role} {name}", _plain(a.parameters[name]), _plain(b.parameters.get(name)))


def _plain(value: Any) -> Any:
    return value.values if isinstance(value, LookupTable) else value


def _numbers(what: str, first: Any, second: Any) -> Iterator[Change]:
    """Of one number its values, of several how many differ."""
    a, b = np.atleast_1d(first), np.atleast_1d(second)
    if a.size == b.size == 1:
        yield from _values(what, a[0].item(), b[0].item())
    else:
        yield from _arrays(what, a, b)


def _arrays(what: str, first: Array, second: Array) -> Iterator[Change]:
    if first.size != second.size:
        yield Change(what, f"{first.size:,}", f"{second.size:,} numbers")
    elif count := int((first.ravel() != second.ravel()).sum()):
        yield Change(what, f"{count:,} of {first.size:,} differ", "")


def _values(what: str, first: object, second: object) -> Iterator[Change]:
    if first != second:
        yield Change(what, _short(first), _short(second))


def _short(value: object) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)
