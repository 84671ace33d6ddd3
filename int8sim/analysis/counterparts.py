"""Which tensor of the float network a lowered layer's output stands for."""

from __future__ import annotations

from int8sim.graph.ir import Graph
from int8sim.model.errors import UnmatchedGraphsError


def counterparts(network: Graph, lowered: Graph) -> dict[str, str]:
    """Tensor of the lowered graph -> tensor of the float network, in order.

    A tensor that the network has not, or has in another shape, is left out. Raises UnmatchedGraphsError where the
    inputs differ or nothing is left.
    """
    if network.profile:
        raise UnmatchedGraphsError(
            network.name, lowered.name, f"the first is no float network but of {network.profile}"
        )
    for name in network.inputs:
        here, there = network.tensors[name], lowered.tensors.get(name)
        if name not in lowered.inputs or there is None or (there.shape, there.dtype) != (here.shape, here.dtype):
            raise UnmatchedGraphsError(network.name, lowered.name, f"input {name!r}: {here} and {there}")
    known = set(network.activations())
    pairs = {layer.output: layer.stands_for for layer in lowered.layers}
    found = {
        tensor: source
        for tensor, source in pairs.items()
        if source in known and network.tensors[source].shape == lowered.tensors[tensor].shape
    }
    if set(network.inputs).issuperset(found.values()):
        raise UnmatchedGraphsError(network.name, lowered.name, "no tensor of one stands for a tensor of the other")
    return found
