"""A graph's weights, biases and parameters of each layer's steps, for an export."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Any

import numpy as np

from int8sim.golden.export_item import Item
from int8sim.golden.graph_json import tensor_key
from int8sim.golden.layer_view import layer_words, tensor_words
from int8sim.graph.ir import Graph, Layer
from int8sim.model.accumulation import Accumulation
from int8sim.model.step import Array, LookupTable, Number, Step


def constant_items(graph: Graph) -> Iterator[Item]:
    """Constants, then the parameters that are arrays; integers as int32 where that holds all of them."""
    for name, values in graph.constants.items():
        reader = next((each.name for each in graph.layers if name in each.inputs), "")
        about = {**tensor_words(name, graph.tensors[name]), "layer": reader, "role": "constant"}
        yield _item(f"constants/{tensor_key(name)}", about, values)
    for layer in graph.layers:
        for role, step in (layer.arithmetic or {}).items():
            for name, values in _arrays(step).items():
                about = {"tensor": name, "layer": layer.name, "role": "parameter", "step": role}
                yield _item(_key(layer, role, name), about, narrow(values))


def _item(key: str, about: dict[str, Any], values: Array) -> Item:
    return Item(key, about, values.shape, values.dtype, "", lambda: iter([values]))


def narrow(values: Array) -> Array:
    """int64 as int32 where it holds every value."""
    limits = np.iinfo(np.int32)
    if values.dtype != np.int64 or (values.size and not limits.min <= values.min() <= values.max() <= limits.max):
        return values
    return values.astype(np.int32)


def layer_entries(graph: Graph) -> list[dict[str, Any]]:
    """Each layer with its steps; a parameter that is an array is the key of its file; an infinity is a word."""
    return [{**_finite(layer_words(layer)), "steps": _steps(layer)} for layer in graph.layers]


def _finite(words: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity."""
    return {key: str(each) if isinstance(each, float) and not isfinite(each) else each for key, each in words.items()}


def _steps(layer: Layer) -> dict[str, Any]:
    return {
        role: {
            "function": step.name,
            **({"loop": str(step.loop)} if isinstance(step, Accumulation) else {}),
            "parameters": {name: _number(layer, role, name, value) for name, value in step.parameters.items()},
        }
        for role, step in (layer.arithmetic or {}).items()
    }


def _number(layer: Layer, role: str, name: str, value: Number) -> Any:
    if isinstance(value, np.ndarray | LookupTable):
        return {"values": _key(layer, role, name)}
    return value.item() if isinstance(value, np.generic) else value


def _arrays(step: Step) -> dict[str, Array]:
    found = {name: value.values if isinstance(value, LookupTable) else value for name, value in step.parameters.items()}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


def _key(layer: Layer, role: str, name: str) -> str:
    return f"arithmetic/{tensor_key(layer.name)}/{role}/{name}"
