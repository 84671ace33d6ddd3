"""A graph's layers as HDF5 groups that people read: op, attributes, steps with their numbers; the JSON is what counts.

A group /layers/<name> has the attributes number, op, inputs, output, covers, and the op's own. Its groups, one for each
role, have the function, the loop of an accumulation, and one attribute per number; a parameter of one value for each
channel, and a table, is a link to its data set under /arithmetic. A name that is there already gets #<number>.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from int8sim.golden.graph_json import tensor_key
from int8sim.graph.ir import Graph, Layer
from int8sim.model.accumulation import Accumulation
from int8sim.model.step import LookupTable, Step
from int8sim.model.tensor import TensorType


def show_layers(file: h5py.File, graph: Graph) -> None:
    """Write the groups."""
    for number, layer in enumerate(graph.layers):
        name = f"layers/{tensor_key(layer.name)}"
        group = file.create_group(f"{name}#{number}" if name in file else name)
        _show(group, {"number": number, **layer_words(layer)})
        for role, step in (layer.arithmetic or {}).items():
            _show_step(group.create_group(role), step, f"/arithmetic/{tensor_key(layer.name)}/{role}")


def layer_words(layer: Layer) -> dict[str, Any]:
    """A layer's op, tensors and attributes, without its steps."""
    tensors = {"inputs": list(layer.inputs), "output": layer.output, "covers": list(layer.covers)}
    return {"layer": layer.name, "op": layer.op.name, **tensors, **dataclasses.asdict(layer.op)}


def tensor_words(name: str, kind: TensorType) -> dict[str, Any]:
    """A tensor's name, layout and quantization, as attributes of its data set."""
    quant = kind.quant and {"scale": kind.quant.scale, "zero_point": kind.quant.zero_point, "axis": kind.quant.axis}
    return {"tensor": name, "layout": kind.layout, **(quant or {})}


def show_tensor(data_set: h5py.Dataset, name: str, kind: TensorType) -> None:
    """Write the attributes of a tensor."""
    _show(data_set, tensor_words(name, kind))


def _show_step(group: h5py.Group, step: Step, link: str) -> None:
    loop = str(step.loop) if isinstance(step, Accumulation) else None
    arrays = {name for name, value in step.parameters.items() if isinstance(value, np.ndarray | LookupTable)}
    numbers = {name: value for name, value in step.parameters.items() if name not in arrays}
    _show(group, {"function": step.name, "loop": loop, **numbers})
    for name in sorted(arrays):
        group[name] = h5py.SoftLink(f"{link}/{name}")


def _show(item: h5py.HLObject, words: Mapping[str, Any]) -> None:
    """What is None or empty is left out; what HDF5 has no type for is JSON."""
    for key, value in words.items():
        if value is None or (isinstance(value, tuple | list) and not value):
            continue
        nested = isinstance(value, tuple) and any(isinstance(each, tuple) for each in value)
        item.attrs[key] = json.dumps(value) if nested else value
