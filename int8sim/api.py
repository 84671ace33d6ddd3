"""What `import int8sim` hands out: networks, tables, lowered graphs, runs and golden files, by path and by name."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as package_version
from pathlib import Path
from typing import Any

from int8sim.analysis.accumulators import accumulators
from int8sim.analysis.layers import layer_report
from int8sim.analysis.pairs import layer_pairs
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
from int8sim.golden import record as _record
from int8sim.golden import store as _store
from int8sim.golden.compare import Report
from int8sim.golden.compare_dump import compare_dump
from int8sim.golden.dumps import Packing
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.graph.session import Session
from int8sim.kernels.arrays import convert, dequantize, dp2a, dp4a, quantize
from int8sim.kernels.dynamic import dynamic_quantize
from int8sim.kernels.ranges import asymmetric_params, symmetric_params
from int8sim.lowering.float_inputs import float_inputs
from int8sim.lowering.lower import lower
from int8sim.lowering.own_ranges import own_ranges
from int8sim.model.errors import NotAGoldenFileError, NotAModelError, ParameterError
from int8sim.model.step import Step
from int8sim.profiles.base import Profile
from int8sim.proof.converters import output_step
from int8sim.proof.prove import POINTS, prove_step
from int8sim.proof.report import Proof

__all__ = [
    "BatchStream",
    "Preprocessing",
    "Session",
    "accepts",
    "accumulators",
    "asymmetric_params",
    "calibrate",
    "convert",
    "dequantize",
    "divergence_curve",
    "dp2a",
    "dp4a",
    "dynamic_quantize",
    "float_inputs",
    "gather",
    "image_batches",
    "layer_pairs",
    "layer_report",
    "load",
    "load_statistics",
    "lower",
    "merge_statistics",
    "merge_tables",
    "open_samples",
    "own_ranges",
    "prove",
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
    ".tflite": ("int8sim.importers.tflite", "load_tflite"),
    ".h5": ("int8sim.golden.store", "read_graph"),
}
"""File ending -> module and function that reads a network."""
ENGINE_OPEN = frozenset({".onnx", ".tflite"})
"""Endings of quantized networks that leave open which engine computes them."""


def load(path: str | os.PathLike[str], *, profile: str | Profile | None = None) -> Graph:
    """A network from a file.

    .prototxt, Caffe's deploy file with its .caffemodel of the same stem beside it: a float32 network. .onnx, .tflite:
    float32, or quantized and then with the arithmetic of `profile`, for example "tflm"; for .onnx that is "onnxruntime"
    where none is given. .h5: the integer graph of a golden file.
    Raises NotAModelError, UnsupportedOperatorError, NotAGoldenFileError, LayerError, ParameterError.
    """
    ending = Path(path).suffix.lower()
    if ending not in READERS:
        raise NotAModelError(path, f"the ending {ending!r} is none of {', '.join(sorted(READERS))}")
    if profile is not None and ending not in ENGINE_OPEN:
        raise ParameterError(
            "profile", profile, f"none for {ending}; it chooses who computes a quantized .tflite or .onnx file"
        )
    module, function = READERS[ending]
    options = {} if profile is None else {"profile": profile}
    graph: Graph = getattr(import_module(module), function)(path, **options)
    return graph


def record(
    graph: Graph,
    inputs: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    backend: str = "cpu",
    samples: int | None = None,
    accumulators: bool = False,
) -> None:
    """Run the graph and write a golden file: graph, inputs, every tensor, hashes, versions.

    inputs: by name, arrays [N, ...]; np.memmap and HDF5's data sets are read some samples at a time. samples: how many
    samples keep their intermediate tensors in full; None: all. Every sample keeps its inputs, outputs, and a hash of
    every tensor. accumulators: write those of every layer that sums, too. Raises what `run` raises, and
    OutputNotWritableError.
    """
    producer = _store.Producer("int8sim", _version(), f"{platform.machine()} {backend}", "int8sim.record")
    _record.record(graph, inputs, path, producer, backend=backend, samples=samples, accumulators=accumulators)


def verify(
    path: str | os.PathLike[str],
    *,
    backend: str = "cpu",
    graph: Graph | None = None,
    dump: str | os.PathLike[str] | None = None,
    packing: Packing | None = None,
) -> Report:
    """Compare a run with a golden file, every tensor of every sample, bit for bit. The report is truthy if all match.

    graph: a graph to run in place of the file's own, for example one lowered just now. dump: what a device computed, to
    be compared in place of a run: a file or folder as docs/golden-files.md says; packing: how it is packed, where no
    index says it. Raises NotAGoldenFileError, NotADumpError.
    """
    golden = _store.read(path)
    if golden.count == 0:
        raise NotAGoldenFileError(path, "it holds a graph but no samples; record some with `int8sim golden record`")
    if dump is not None:
        return compare_dump(golden, Path(dump), packing, backend=backend)
    return _compare.compare(golden, backend=backend, graph=graph)


def prove(
    converter: Step | str | Profile,
    *,
    x_scale: float = 0.0,
    w_scale: float = 0.0,
    y_scale: float = 0.0,
    zero_point: int = 0,
    kind: str = "convolution",
    dtype: str = "",
    bias: float | None = None,
    low: int | None = None,
    high: int | None = None,
    channel: int = 0,
    judge: str = "",
    only: tuple[int, int] | None = None,
    points: int = POINTS,
) -> Proof:
    """A converter on all 2**32 accumulators, compiled, against its exact definition. The report is truthy if proved.

    converter: an output step, of which one channel is proved; or a profile, with the scales, zero point, kind, dtype
    (int8 by default), bias and codes low .. high of a layer. A step of spec.cvt's float32_to_int8 is proved on all
    float32 patterns. judge: the function, as module:name, by whose definition it is judged, its own by default. only:
    first and last operand of a part; a proof needs all. points: random ones for the interpreted function.
    Raises ConverterError, ParameterError, UnknownNameError, BadScaleError, RatioError, BiasError, CompileError.
    """
    if isinstance(converter, Step):
        return prove_step(converter, dtype=dtype, channel=channel, judge=judge, only=only, points=points)
    code = dtype or "int8"
    step = output_step(
        converter,
        x_scale=x_scale,
        w_scale=w_scale,
        y_scale=y_scale,
        zero_point=zero_point,
        kind=kind,
        dtype=code,
        bias=bias,
        low=low,
        high=high,
    )
    return prove_step(step, dtype=code, judge=judge, only=only, points=points)


def _version() -> str:
    try:
        return package_version("int8sim")
    except PackageNotFoundError:
        return "unknown"
