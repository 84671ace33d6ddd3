"""A table by layer names, as NVDLA's JSON has them, by the tensors that a graph's rows are.

NVDLA's compiler looks up a network's inputs and its layers by their own names; TensorRT's cache names tensors. In a
Caffe network both may hold the same word for different things: the row `ip1` is the fully connected layer's in one,
and in the other the tensor's behind its ReLU, which is in place.
"""

from __future__ import annotations

import re
from dataclasses import replace

from int8sim.graph.ir import Graph
from int8sim.model.errors import MissingLayersError, UnnamedLayersError
from int8sim.model.table import Table

PRODUCER = "NVDLA JSON"
"""What a table read from NVDLA's JSON says of its producer, where nothing else is known of it."""

UNNAMED = re.compile(r"\(Unnamed Layer\* \d+\) \[.*\]_output")
"""TensorRT's name of a tensor that no blob is mapped to at the end."""


def row_places(graph: Graph) -> list[tuple[str, str]]:
    """(name, tensor) of what a table by layers has rows for: inputs, then layers that TensorRT's table has rows for."""
    listed = set(graph.table_rows())
    layers = [(layer.name, layer.output) for layer in graph.layers if layer.output in listed]
    return [(name, name) for name in graph.inputs] + layers


def table_of_layers(table: Table, graph: Graph) -> Table:
    """The rows of a table by layers, by tensor. Raises UnnamedLayersError, MissingLayersError."""
    places = row_places(graph)
    missing = {name: tensor for name, tensor in places if name not in table}
    unnamed = [name for name in table if UNNAMED.fullmatch(name)]
    if missing and unnamed:
        layers = {tensor: name for name, tensor in places}
        raise UnnamedLayersError({name: layers.get(name, "") for name in unnamed}, missing, graph.name)
    if missing:
        raise MissingLayersError(missing, graph.name)
    return replace(table, rows={tensor: table[name] for name, tensor in places})


def by_tensor(table: Table, graph: Graph) -> Table:
    """The table by tensor, whichever names it has.

    One that has a row for every layer and not for every tensor is a table by layers. One that was read from NVDLA's
    JSON is, unless it has a row for every tensor of a network and none for an unnamed one: what calib_txt_to_json.py
    makes of a network whose layers and tensors have the same names. Raises UnnamedLayersError, MissingLayersError.
    """
    places = row_places(graph)
    layers = all(name in table for name, _ in places)
    tensors = all(tensor in table for _, tensor in places)
    if table.provenance.producer != PRODUCER:
        return table_of_layers(table, graph) if layers and not tensors else table
    if layers or not tensors or any(UNNAMED.fullmatch(name) for name in table):
        return table_of_layers(table, graph)
    return table
