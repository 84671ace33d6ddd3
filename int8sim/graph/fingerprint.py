"""What a network is, as a hash: a table made for one network is recognised when it is used on another."""

from __future__ import annotations

import hashlib

import numpy as np

from int8sim.graph.ir import Graph


def network_hash(graph: Graph) -> str:
    """SHA-256 in hex of the layers and constants."""
    digest = hashlib.sha256()
    for layer in graph.layers:
        digest.update(repr((layer.name, layer.op, layer.inputs, layer.output)).encode())
    for name in sorted(graph.constants):
        digest.update(name.encode() + np.ascontiguousarray(graph.constants[name]).tobytes())
    return digest.hexdigest()
