"""How the LeNet is calibrated and lowered: one recipe for quickstart and for the engines' golden files."""

from __future__ import annotations

from collections.abc import Callable

from int8sim import api
from int8sim.cli.data import load_array, network_input
from int8sim.golden.packaged import lenet
from int8sim.graph.ir import Graph
from int8sim.model.step import Array
from int8sim.model.table import Table

PRESETS = {"tensorrt": "performance", "nvdla": "performance", "onnxruntime": "mixed", "tflite_reference": "mixed"}
"""Profile -> preset: symmetric where the hardware is, asymmetric as the engines' own converters do."""
WITNESSES = ("onnxruntime", "tflite_reference")
"""Profiles for which an engine has produced a golden file."""
BATCHES, BATCH_SIZE = 10, 50
KEPT = 16
"""Digits whose tensors are kept in full."""
PIXEL_MAX = 255.0


def digits(graph: Graph, part: str) -> Array:
    """float32 [N, 1, 28, 28], pixel / 255. part: "calibrate" (500 digits) or "test" (1,000)."""
    return network_input(graph, load_array(f"{lenet('digits.h5')}:{part}/images"), PIXEL_MAX)


def labels(part: str) -> Array:
    """uint8 [N]."""
    return load_array(f"{lenet('digits.h5')}:{part}/labels")


def calibrated(progress: Callable[[int], None] | None = None) -> tuple[Graph, Table]:
    """The float network and its table: entropy2, ten batches of fifty."""
    graph = api.load(lenet("lenet.onnx"))
    stream = api.image_batches(digits(graph, "calibrate"), BATCH_SIZE, BATCHES)
    return graph, api.calibrate(graph, stream, progress=progress)
