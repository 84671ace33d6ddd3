"""The steps of a graph's layers as converters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from int8sim.export_c.converter import Converter, of_step
from int8sim.export_c.words import REAL, CType
from int8sim.graph.ir import Graph, Layer
from int8sim.model.errors import LibraryError, UnknownNameError
from int8sim.model.tensor import BITS, TensorType

CODES = re.compile(r"output|combine|finish|quotient|convert\d*")
"""Roles whose result is a value of the layer's output; that of the others is on its way."""


def step_converters(graph: Graph, name: str, layer: str = "", role: str = "") -> list[Converter]:
    """The step of one role, or all, of one layer, or all; each is a function NAME_LAYER_ROLE.

    Raises UnknownNameError where nothing has that name, LibraryError for a network that has no steps.
    """
    found = list(_steps(graph, name, chosen(graph, layer), role))
    if not found:
        raise UnknownNameError("step", role, sorted({each for own in graph.layers for each in own.arithmetic or {}}))
    return found


def chosen(graph: Graph, layer: str) -> Sequence[Layer]:
    """The layer of a name, or all. Raises UnknownNameError, LibraryError."""
    if all(each.arithmetic is None for each in graph.layers):
        raise LibraryError(graph.name, "it is a float32 network; lower it first, with int8sim lower")
    if layer and layer not in {each.name for each in graph.layers}:
        raise UnknownNameError("layer", layer, [each.name for each in graph.layers])
    return [each for each in graph.layers if layer in {"", each.name}]


def _steps(graph: Graph, name: str, layers: Sequence[Layer], role: str) -> Iterator[Converter]:
    for layer in layers:
        for each, step in (layer.arithmetic or {}).items():
            if role in {"", each}:
                result = c_type(graph.tensors[layer.output]) if CODES.fullmatch(each) else None
                title = f"{step.name}, step {each} of layer {layer.name}, {layer.op.name}"
                yield of_step(f"{name}_{as_identifier(layer.name)}_{each}", step, title, result)


def c_type(kind: TensorType) -> CType:
    """Of a tensor's values."""
    return REAL if kind.dtype == "float32" else CType(BITS[kind.dtype], not kind.dtype.startswith("u"))


def as_identifier(text: str) -> str:
    """The text with _ for everything that C's names do not have."""
    return re.sub(r"\W", "_", text, flags=re.ASCII)
