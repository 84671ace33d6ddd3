"""A graph as JSON plus arrays: every number exact, functions by registered name only.

float32 numbers are {"float32": hex of the bits}, float64 {"float64": hex}, arrays {"array": key} and tables
{"table": key}, with the values beside the JSON. A stored graph names its spec functions; loading looks them up among
the registered profiles' functions and never imports what a file says.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from int8sim.graph.check import check
from int8sim.graph.ir import Graph, Layer, State
from int8sim.model.accumulation import Accumulation, Loop
from int8sim.model.errors import UnknownNameError
from int8sim.model.step import Arithmetic, Array, LookupTable, Number, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Op
from int8sim.ops.registry import op as find_op
from int8sim.profiles.registry import functions
from int8sim.spec.integers import saturating_add

Arrays = dict[str, Array]


def encode(graph: Graph) -> tuple[str, Arrays]:
    """(JSON text, arrays by key): `constants/<tensor>`, `states/<input>`, `arithmetic/<layer>/<role>/<parameter>`."""
    arrays: Arrays = {f"constants/{_key(name)}": values for name, values in graph.constants.items()}
    arrays |= {f"states/{_key(state.input)}": state.initial for state in graph.states}
    content: dict[str, Any] = {
        "name": graph.name,
        "profile": graph.profile,
        "notes": list(graph.notes),
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "layers": [_layer(layer, arrays) for layer in graph.layers],
        "tensors": {name: _type(kind) for name, kind in graph.tensors.items()},
        "constants": {name: _key(name) for name in graph.constants},
    }
    if graph.states:
        content["states"] = {state.input: state.output for state in graph.states}
    return json.dumps(content, allow_nan=False), arrays


def decode(text: str, array: Callable[[str], Array]) -> Graph:
    """The graph. array: key -> values. Raises UnknownNameError for an op or function that is not registered."""
    content = json.loads(text)
    states = content.get("states", {})  # files of version 0.1.0 have none
    graph = Graph(
        tuple(_read_layer(entry, array) for entry in content["layers"]),
        {name: _read_type(entry) for name, entry in content["tensors"].items()},
        {name: array(f"constants/{key}") for name, key in content["constants"].items()},
        tuple(content["inputs"]),
        tuple(content["outputs"]),
        content["name"],
        content["profile"],
        tuple(content["notes"]),
        states=tuple(State(name, output, array(f"states/{_key(name)}")) for name, output in states.items()),
    )
    check(graph)
    return graph


def _key(name: str) -> str:
    """A tensor name as an HDF5 key: a slash would make a group."""
    return name.replace("%", "%25").replace("/", "%2F").replace(".", "%2E") if {"/", ".", "%"} & set(name) else name


def tensor_key(name: str) -> str:
    """The key under which a tensor's values are stored."""
    return _key(name)


def _layer(layer: Layer, arrays: Arrays) -> dict[str, Any]:
    return {
        "name": layer.name,
        "op": layer.op.name,
        "attributes": {key: _value(value) for key, value in dataclasses.asdict(layer.op).items()},
        "inputs": list(layer.inputs),
        "output": layer.output,
        "covers": list(layer.covers),
        "arithmetic": _arithmetic(layer, arrays),
    }


def _arithmetic(layer: Layer, arrays: Arrays) -> dict[str, Any] | None:
    if layer.arithmetic is None:
        return None
    return {
        role: {
            "function": step.name,
            "parameters": {
                name: _number(value, f"arithmetic/{_key(layer.name)}/{role}/{name}", arrays)
                for name, value in step.parameters.items()
            },
            **({"loop": dataclasses.asdict(step.loop)} if isinstance(step, Accumulation) else {}),
        }
        for role, step in layer.arithmetic.items()
    }


def _number(value: Number, key: str, arrays: Arrays) -> Any:
    if isinstance(value, LookupTable):
        arrays[key] = value.values
        return {"table": key}
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"array": key}
    return _value(value)


def _value(value: Any) -> Any:
    """An int, string, bool or None as it is; floats as their bits; tuples as lists."""
    if isinstance(value, np.float64) or (isinstance(value, float) and not _is_float32(value)):
        return {"float64": struct.pack(">d", float(value)).hex()}
    if isinstance(value, float | np.float32):
        return {"float32": struct.pack(">f", float(value)).hex()}
    return [_value(entry) for entry in value] if isinstance(value, tuple | list) else value


def _is_float32(value: float) -> bool:
    try:
        return bool(struct.unpack(">f", struct.pack(">f", value))[0] == value)
    except OverflowError:
        return False


def _type(kind: TensorType) -> dict[str, Any]:
    quant = kind.quant and {key: _value(value) for key, value in dataclasses.asdict(kind.quant).items()}
    return {"shape": list(kind.shape), "dtype": kind.dtype, "layout": kind.layout, "quant": quant}


def _read_value(value: Any) -> Any:
    """The inverse of `_value`, with tuples for lists."""
    if isinstance(value, list):
        return tuple(_read_value(entry) for entry in value)
    if isinstance(value, dict) and "float32" in value:
        return struct.unpack(">f", bytes.fromhex(value["float32"]))[0]
    if isinstance(value, dict) and "float64" in value:
        return struct.unpack(">d", bytes.fromhex(value["float64"]))[0]
    return value


def _read_number(value: Any, array: Callable[[str], Array]) -> Number:
    if isinstance(value, dict) and "table" in value:
        return LookupTable(array(value["table"]))
    if isinstance(value, dict) and "array" in value:
        return array(value["array"])
    if isinstance(value, dict):
        kind = np.float32 if "float32" in value else np.float64
        number: Number = kind(_read_value(value))
        return number
    return int(value)


def _read_type(entry: Mapping[str, Any]) -> TensorType:
    quant = entry["quant"] and QuantParams(**{key: _read_value(value) for key, value in entry["quant"].items()})
    return TensorType(tuple(entry["shape"]), entry["dtype"], entry["layout"], quant or None)


def _read_layer(entry: Mapping[str, Any], array: Callable[[str], Array]) -> Layer:
    attributes = {key: _read_value(value) for key, value in entry["attributes"].items()}
    operation: Op = find_op(entry["op"])(**attributes)
    arithmetic = entry["arithmetic"]
    return Layer(
        entry["name"],
        operation,
        tuple(entry["inputs"]),
        entry["output"],
        None if arithmetic is None else _read_arithmetic(arithmetic, array),
        tuple(entry["covers"]),
    )


def _read_arithmetic(entry: Mapping[str, Any], array: Callable[[str], Array]) -> Arithmetic:
    known = functions()
    for step in entry.values():
        if step["function"] not in known:
            raise UnknownNameError("spec function", step["function"], known)
    return {role: _read_step(role, step, known[step["function"]], array) for role, step in entry.items()}


def _read_step(
    role: str, entry: Mapping[str, Any], function: Callable[..., Any], array: Callable[[str], Array]
) -> Step:
    parameters = {name: _read_number(value, array) for name, value in entry["parameters"].items()}
    if role != "accumulate":
        return Step(function, parameters)
    if "loop" in entry:
        return Accumulation(function, parameters, Loop(**entry["loop"]))
    bits = parameters["bits"] if function is saturating_add else 1  # files of version 0.1.0 state no loop
    return Accumulation(function, parameters, Loop(int(bits)))  # type: ignore[arg-type]
