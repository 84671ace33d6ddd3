"""Ranges named on the command line: a table's file, or a quantized network that has its own."""

from __future__ import annotations

from pathlib import Path

from int8sim import api
from int8sim.model.table import Table

ANY_ENGINE = "tflite_reference"
"""For the ranges of a quantized .tflite it is all one who computes it."""


def read_ranges(path: Path) -> Table:
    """A table; of a network's file (.h5, .tflite, .onnx ...) its own ranges. Raises what `load`, `read_table` raise."""
    ending = path.suffix.lower()
    if ending not in api.READERS:
        return api.read_table(path)
    return api.own_ranges(api.load(path, profile=ANY_ENGINE if ending in api.ENGINE_OPEN else None))
