"""What `import int8sim` hands out: networks, tables, lowered graphs, runs and golden files, by path and by name."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path

from int8sim.calibration.curve import divergence_curve
from int8sim.calibration.derive import table_from
from int8sim.calibration.gather import gather, merge_statistics
from int8sim.calibration.run import calibrate, image_batches
from int8sim.calibration.store import load_statistics, save_statistics
from int8sim.calibration.streams.opening import open_samples
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.stream import BatchStream
from int8sim.formats.acceptance import accepts
from int8sim.formats.merge import merge_tables
from int8sim.formats.registry import read_table, write_table
from int8sim.golden import compare as _compare
from int8sim.golden import store as _store
from int8sim.golden.compare import Report
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.kernels.arrays import convert, dequantize, dp2a, dp4a, quantize
from int8sim.kernels.ranges import asymmetric_params, symmetric_params
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotAGoldenFileError, NotAModelError
from int8sim.model.step import Array

__all__ = [
    "BatchStream",
    "Preprocessing",
    "accepts",
    "asymmetric_params",
    "calibrate",
    "convert",
    "dequantize",
    "divergence_curve",
    "dp2a",
    "dp4a",
    "gather",
    "image_batches",
    "load",
    "load_statistics",
    "lower",
    "merge_statistics",
    "merge_tables",
    "open_samples",
    "quantize",
    "read_table",
    "record",
    "run",
    "save_statistics",
    "symmetric_params",
    "table_from",
    "verify",
    "write_table",
]

READERS = {
    ".onnx": ("int8sim.importers.onnx", "load_onnx"),
    ".prototxt": ("int8sim.importers.caffe", "load_caffe"),
    ".h5": ("int8sim.golden.store", "read_graph"),
}
"""File ending -> module and function that reads a network."""


def load(path: str | os.PathLike[str]) -> Graph:
    """A network from a file.

    .onnx, or .prototxt, Caffe's deploy file with its .caffemodel of the same stem beside it: float32 networks. .h5: the
    integer graph of a golden file.
    Raises NotAModelError, UnsupportedOperatorError, NotAGoldenFileError, LayerError.
    """
    ending = Path(path).suffix.lower()
    if ending not in READERS:
        raise NotAModelError(path, f"the ending {ending!r} is none of {', '.join(sorted(READERS))}")
    module, function = READERS[ending]
    graph: Graph = getattr(import_module(module), function)(path)
    return graph


def record(
    graph: Graph,
    inputs: Mapping[str, Array],
    path: str | os.PathLike[str],
    *,
    backend: str = "cpu",
    samples: int | None = None,
) -> None:
    """Run the graph and write a golden file: graph, inputs, every tensor, hashes, versions.

    samples: how many samples keep their intermediate tensors in full; None: all. Every sample keeps its inputs,
    outputs, and a hash of every tensor. Raises what `run` raises, and OutputNotWritableError.
    """
    tensors = run(graph, inputs, backend=backend, keep="all")
    producer = _store.Producer("int8sim", _version(), f"{platform.machine()} {backend}", "int8sim.record")
    _store.write(path, graph, tensors, producer, samples)


def verify(path: str | os.PathLike[str], *, backend: str = "cpu", graph: Graph | None = None) -> Report:
    """Compare a run with a golden file, every tensor of every sample, bit for bit. The report is truthy if all match.

    graph: a graph to run in place of the file's own, for example one lowered just now. Raises NotAGoldenFileError.
    """
    golden = _store.read(path)
    if golden.count == 0:
        raise NotAGoldenFileError(path, "it holds a graph but no samples; record some with `int8sim golden record`")
    return _compare.compare(golden, backend=backend, graph=graph)


def _version() -> str:
    try:
        return package_version("int8sim")
    except PackageNotFoundError:
        return "unknown"
