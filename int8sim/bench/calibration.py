"""Calibration beside ONNX Runtime's calibrators: a LeNet on 500 digits, its histograms, its searches."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from int8sim.bench.job import Job, Setting, named
from int8sim.calibration.derive import table_from
from int8sim.calibration.gather import gather
from int8sim.calibration.streams.opening import open_samples
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.stream import BatchStream
from int8sim.golden.packaged import lenet
from int8sim.importers.onnx import load_onnx
from int8sim.kernels.cpu.entropy import entropy_search
from int8sim.kernels.cpu.histogram import count
from int8sim.model.step import Array

BATCH_SIZE = 50
ELEMENTS = 1 << 20
PEERS = {"MinMax": {}, "Entropy": {}, "Percentile": {}, "Entropy, 2048 bins": {"num_bins": 2048}}
"""ONNX Runtime's calibrators by name, with options beside its defaults (128 bins)."""


def calibration_jobs(setting: Setting) -> Iterator[Job]:
    """Histograms; the search over one; every tensor's row from gathered statistics; a whole calibration."""
    values = np.random.default_rng(7).standard_normal(ELEMENTS).astype(np.float32)
    limit, counts = float(np.abs(values).max()), np.zeros(2048, np.int64)
    histograms: dict[str, Callable[[], object]] = {"int8sim cpu": lambda: count(values, limit, counts)}
    if setting.has("numpy"):
        histograms["numpy.histogram"] = lambda: np.histogram(np.abs(values), 2048, (0.0, limit))
    yield Job("histogram of |x|, 2,048 bins", "G elements/s", ELEMENTS / 1e9, named(histograms))
    yield Job("entropy search, 2,048 bins", "searches/s", 1, named(_searches(values, limit, setting)))
    yield from _lenet_jobs(setting)


def _searches(values: Array, limit: float, setting: Setting) -> dict[str, Callable[[], object]]:
    counts = np.zeros(2048, np.int64)
    count(values, limit, counts)
    found: dict[str, Callable[[], object]] = {"int8sim cpu": lambda: entropy_search(counts)}
    if setting.has("onnxruntime"):
        from onnxruntime.quantization.calibrate import HistogramCollector

        collector = HistogramCollector("entropy", True, 2048, 128, 99.99, "same")
        histogram = np.histogram(values, 2048, (-limit, limit))
        found["ONNX Runtime"] = lambda: collector.get_entropy_threshold((*histogram, -limit, limit, limit), 128)
    return found


def _lenet_jobs(setting: Setting) -> Iterator[Job]:
    path = lenet("lenet.onnx")
    graph = load_onnx(path)
    digits = open_samples(f"{lenet('digits.h5')}:calibrate/images", graph, Preprocessing(255.0))
    batches = list(BatchStream(digits, BATCH_SIZE))
    statistics = gather(graph, batches)
    yield Job(
        "LeNet, every row from its statistics", "tables/s", 1, named({"int8sim cpu": lambda: table_from(statistics)})
    )
    contenders: dict[str, Callable[[], object]] = {
        f"int8sim {method}": lambda method=method: table_from(gather(graph, batches), method)  # type: ignore[misc]
        for method in ("entropy2", "minmax")
    }
    if setting.has("onnxruntime"):
        contenders |= {
            f"ONNX Runtime {name}, its threads": _peer(path, name, graph.inputs[0], batches) for name in PEERS
        }
    work = len(batches) * BATCH_SIZE
    yield Job(f"LeNet calibrated on {work} digits", "images/s", work, named(contenders), rounds=3)


def _peer(model: Path, name: str, tensor: str, batches: list[Array]) -> Callable[[], object]:
    """A calibrator of ONNX Runtime: its own run, statistics and ranges; made anew, as a calibration makes it."""
    from onnxruntime.quantization.calibrate import CalibrationDataReader, CalibrationMethod, create_calibrator

    logging.getLogger().setLevel(logging.WARNING)
    method = getattr(CalibrationMethod, name.partition(",")[0])

    class Reader(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.left = iter(batches)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.left, None)
            return None if batch is None else {tensor: batch}

    def call() -> object:
        with TemporaryDirectory() as folder:
            augmented = str(Path(folder) / "augmented.onnx")
            calibrator = create_calibrator(
                str(model), augmented_model_path=augmented, calibrate_method=method, extra_options=PEERS[name]
            )
            with redirect_stdout(None):
                calibrator.collect_data(Reader())
                return calibrator.compute_data()

    return call
