"""Integer graphs named on the command line, and ranges: of a table's file, or of such a graph."""

from __future__ import annotations

from pathlib import Path

from int8sim import api
from int8sim.graph.ir import Graph
from int8sim.model.errors import ParameterError
from int8sim.model.table import Table

ANY_ENGINE = "tflite_reference"
"""For the ranges of a quantized .tflite it is all one who computes it."""


def load_network(path: Path, profile: str | None) -> Graph:
    """A network. profile: of a quantized one whose file leaves it open. Raises what `load` raises."""
    return api.load(path, profile=profile if path.suffix.lower() in api.ENGINE_OPEN else None)


def load_lowered(path: Path, profile: str | None) -> Graph:
    """The same of a graph that is in integers already. Raises ParameterError, too."""
    graph = load_network(path, profile)
    if not graph.profile:
        raise ParameterError("model", str(path), "a lowered graph, .h5, or a quantized network")
    return graph


def read_ranges(path: Path) -> Table:
    """A table; of a network's file (.h5, .tflite, .onnx ...) its own ranges. Raises what `load`, `read_table` raise."""
    if path.suffix.lower() not in api.READERS:
        return api.read_table(path)
    return api.own_ranges(load_network(path, ANY_ENGINE))
