"""What a user may choose about a lowering beside target and preset: weight scales, and layers that stay in float32."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from int8sim.graph.ir import Graph
from int8sim.lowering.fold import Unit
from int8sim.model.errors import ParameterError, UnknownNameError
from int8sim.profiles.base import Profile

WEIGHTS = ("tensor", "channel")
"""One scale for a weight tensor, or one per output channel in the layers whose engine takes those."""


def with_weights(profile: Profile, weights: str) -> Profile:
    """The profile with weight scales as asked for. weights: one of WEIGHTS; "": as the engine's own converter.

    Raises UnknownNameError, and ParameterError for a target without scales per channel.
    """
    if weights not in {"", *WEIGHTS}:
        raise UnknownNameError("granularity of weights", weights, WEIGHTS)
    if weights == "channel" and not profile.weights.per_channel:
        raise ParameterError("weights", weights, f"tensor: {profile.name} has one scale for a weight tensor")
    if weights != "tensor":
        return profile
    return replace(profile, weights=replace(profile.weights, per_channel=frozenset()))


def left_in_float(graph: Graph, every: Sequence[Unit], exclude: Sequence[str], ends: bool) -> frozenset[str]:
    """Outputs of the units that are to stay in float32.

    exclude: names of the network's layers; a unit stays if it holds one of them. ends: also the first and the last unit
    with weights. Raises UnknownNameError.
    """
    tensors = {layer.name: layer.output for layer in graph.layers}
    for name in exclude:
        if name not in tensors:
            raise UnknownNameError("layer to exclude", name, tensors)
    named = {tensors[name] for name in exclude}
    weighted = [unit.output for unit in every if unit.layer.op.weighted]
    asked = {unit.output for unit in every if named.intersection(unit.covers)}
    return frozenset(asked | {*weighted[:1], *weighted[-1:]} if ends else asked)
