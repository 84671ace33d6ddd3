"""A quantized network that takes real values: a quantize layer behind each of its inputs."""

from __future__ import annotations

from dataclasses import replace

from int8sim.graph.ir import Graph
from int8sim.lowering.steps import quantize_layer
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile


def float_inputs(graph: Graph, *, profile: str | Profile | None = None) -> Graph:
    """The same layers, and every quantized input in float32 under its own name; its codes are `<name>_quantized`.

    graph: lowered or read from a quantized network, by `profile` where the name that it has is not registered. It is
    returned itself where no input is quantized. Raises UnknownNameError.
    """
    given = [name for name in graph.inputs if graph.tensors[name].quant]
    if not given:
        return graph
    codes = {name: f"{name}_quantized" for name in given}
    layers = [replace(each, inputs=tuple(codes.get(name, name) for name in each.inputs)) for each in graph.layers]
    tensors = dict(graph.tensors) | {codes[name]: graph.tensors[name] for name in given}
    tensors |= {name: replace(graph.tensors[name], dtype="float32", quant=None) for name in given}
    chosen = find_profile(profile or graph.profile)
    first = [quantize_layer(chosen, f"quantize_{name}", name, codes[name], tensors) for name in given]
    return replace(graph, layers=(*first, *layers), tensors=tensors)
