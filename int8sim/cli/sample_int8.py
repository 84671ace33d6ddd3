"""`int8sim sample-int8`: what TensorRT's sampleINT8 does, with no GPU: a Caffe MNIST network in FP32, FP16 and INT8.

Its order of batches, options, scoring and verdict are the sample's (NVIDIA/TensorRT release/7.2: samples/opensource/
sampleINT8, samples/common/BatchStream.h): a stream skips its first batch; a label counts in the top k if at most k
classes, itself among them, score as high; INT8 passes within 1 percent of FP32. Each run's arithmetic is int8sim's own.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from int8sim import api
from int8sim.calibration.builder import build_table
from int8sim.calibration.fingerprint import sample_hashes
from int8sim.calibration.reuse import changes, overlap
from int8sim.calibration.streams.opening import open_samples
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.samples import Samples
from int8sim.calibration.streams.stream import BatchStream
from int8sim.cli.screen import Screen
from int8sim.graph.ir import Graph
from int8sim.importers.caffe import load_caffe
from int8sim.lowering.half import half_precision
from int8sim.model.errors import MissingSampleDataError
from int8sim.model.files import write_bytes
from int8sim.model.step import Array
from int8sim.model.table import Caution, Table

CALIBRATION_BATCHES, CALIBRATION_BATCH_SIZE = 10, 50
PIXEL_MAX = 255.0
TOLERANCES = {"FP16": 0.005, "INT8": 0.01}
"""How far top-1 and top-5 may be from FP32's. The sample itself writes 0.5 and 1.0 for fractions, which never fails."""
FILES = {
    "network": ("deploy.prototxt", "*.prototxt"),
    "weights": ("mnist_lenet.caffemodel", "*.caffemodel"),
    "images": ("train-images-idx3-ubyte", "train-images*idx3-ubyte*"),
    "labels": ("train-labels-idx1-ubyte", "train-labels*idx1-ubyte*"),
}
"""What is looked for in the data folders: the sample's own name first, then any one file of this form."""


@dataclass(frozen=True)
class Options:
    """folders: where the data lie. batch, start, score: the sample's: size, first batch, number of batches scored.

    method: the calibrator. version: TensorRT's number in the cache. name: of the network, in the cache's file name; "":
    the prototxt's. output: the folder of the cache. profile: of the INT8 run.
    """

    folders: tuple[Path, ...]
    batch: int
    start: int
    score: int
    method: str
    version: str
    name: str
    output: Path
    profile: str


@dataclass(frozen=True)
class Score:
    """One run. top1, top5: fractions; milliseconds: for all images."""

    mode: str
    top1: float
    top5: float
    images: int
    batches: int
    milliseconds: float

    def lines(self) -> list[str]:
        """As the sample prints them."""
        each, whole = self.milliseconds / self.images, self.milliseconds / self.batches
        return [
            f"Top1: {self.top1:.6g}, Top5: {self.top5:.6g}",
            f"Processing {self.images} images averaged {each:.6g} ms/image and {whole:.6g} ms/batch.",
        ]


def sample_int8(options: Options, as_json: bool) -> int:
    """`int8sim sample-int8`: 0 if FP16 and INT8 are within their tolerance of FP32, else 1."""
    screen = Screen(as_json)
    screen.say("&&&& RUNNING int8sim.sample_int8")
    graph = load_caffe(find(options.folders, "network"), find(options.folders, "weights"))
    images = open_samples(find(options.folders, "images"), graph, Preprocessing(divide=PIXEL_MAX))
    labels = open_samples(find(options.folders, "labels"))
    stream = batches(images, options.batch, options.start, options.score)
    classes = batches(labels, options.batch, options.start, options.score)
    scores = [score_model(screen, mode, each, stream, classes, options) for mode, each in float_modes(graph)]
    table, cautions = calibrated(screen, graph, images, options)
    integer = api.lower(graph, table, profile=options.profile)
    scores.append(score_model(screen, "INT8", integer, stream, classes, options))
    cautions += overlapping(table, graph, stream)
    for caution in cautions:
        screen.say(f"caution: {caution}")
    failures = verdict(scores)
    for failure in failures:
        screen.say(failure)
    screen.say(f"&&&& {'FAILED' if failures else 'PASSED'} int8sim.sample_int8")
    content: dict[str, Any] = {"runs": [vars(score) for score in scores], "passed": not failures}
    screen.result({**content, "cache": str(cache_path(options, graph)), "cautions": [str(each) for each in cautions]})
    return 1 if failures else 0


def find(folders: Sequence[Path], what: str) -> Path:
    """One of FILES in the folders, gzipped or not. Raises MissingSampleDataError."""
    exact, pattern = FILES[what]
    for folder in folders:
        for found in [[folder / exact, folder / f"{exact}.gz"], sorted(folder.glob(pattern))]:
            present = [path for path in found if path.is_file()]
            if present:
                return present[0]
    raise MissingSampleDataError(what, [f"{folder}/{pattern}" for folder in folders])


def batches(samples: Samples, size: int, first: int, count: int) -> BatchStream:
    """The sample's stream: its counter moves on before the first read, so batch `first` itself is skipped."""
    return BatchStream(samples, size, count, skip=(first + 1) * size)


def float_modes(graph: Graph) -> list[tuple[str, Graph]]:
    """FP32 and FP16."""
    return [("FP32", graph), ("FP16", half_precision(graph))]


def score_model(
    screen: Screen, mode: str, graph: Graph, stream: BatchStream, classes: BatchStream, options: Options
) -> Score:
    """One run over all scored batches; the first batch is run once before, so that nothing compiles on the clock."""
    screen.say(f"{mode} run:{len(stream)} batches of size {options.batch} starting at {options.start}")
    name, output = graph.inputs[0], graph.outputs[0]
    hits, seconds = np.zeros(2, np.int64), 0.0
    api.run(graph, {name: next(iter(stream))})
    with screen.progress(mode, len(stream)) as progress:
        for done, (batch, labels) in enumerate(zip(stream, classes, strict=True), 1):
            start = time.perf_counter()
            found = api.run(graph, {name: batch})[output]
            seconds += time.perf_counter() - start
            hits += top_hits(found.reshape(len(found), -1), labels)
            progress(done)
    images = len(stream) * options.batch
    top1, top5 = (hits / images).tolist()
    score = Score(mode, top1, top5, images, len(stream), seconds * 1e3)
    for line in score.lines():
        screen.say(line)
    return score


def top_hits(scores: Array, labels: Array) -> Array:
    """How many labels are in the top 1 and the top 5: int64 [2]. A class of the same score counts against the label."""
    own = np.take_along_axis(scores, labels.astype(np.int64)[:, None], axis=1)
    as_high = (scores >= own).sum(axis=1)
    return np.array([(as_high <= 1).sum(), (as_high <= 5).sum()], np.int64)


def cache_path(options: Options, graph: Graph) -> Path:
    """CalibrationTable<NetworkName>, as the sample names it."""
    return options.output / f"CalibrationTable{options.name or graph.name}"


class CacheFileCalibrator:
    """The sample's calibrator: a stream, and a cache in a file. TensorRT's interface, by its own names."""

    def __init__(self, stream: BatchStream, path: Path, method: str) -> None:
        self.batches, self.size, self.path, self.method = iter(stream), stream.batch_size, path, method
        self.written = False

    def get_algorithm(self) -> str:
        """The calibrator's kind."""
        return self.method

    def get_batch_size(self) -> int:
        """Samples per batch."""
        return self.size

    def get_batch(self, names: list[str]) -> list[Array] | None:
        """The next batch of the one input."""
        del names
        batch = next(self.batches, None)
        return None if batch is None else [batch]

    def read_calibration_cache(self) -> bytes | None:
        """The file, if there is one."""
        return self.path.read_bytes() if self.path.is_file() else None

    def write_calibration_cache(self, cache: bytes) -> None:
        """To the file."""
        write_bytes(self.path, cache)
        self.written = True


def calibrated(screen: Screen, graph: Graph, images: Samples, options: Options) -> tuple[Table, list[Caution]]:
    """The table, from the cache where it is accepted; and what there is to know about it."""
    path, stream = cache_path(options, graph), batches(images, CALIBRATION_BATCH_SIZE, 0, CALIBRATION_BATCHES)
    calibrator = CacheFileCalibrator(stream, path, options.method)
    start = time.perf_counter()
    table = build_table(graph, calibrator, version=options.version)
    cautions = list(table.cautions)
    if calibrator.written:
        api.write_table(table, path, version=options.version)
        size = f"{CALIBRATION_BATCHES} batches of {CALIBRATION_BATCH_SIZE}"
        screen.say(f"Calibrated on {size} in {(time.perf_counter() - start) * 1e3:.0f} ms; wrote {path}")
    else:
        screen.say(f"Reading calibration cache for calibrator: {path}")
        table = api.read_table(path)
        cautions += changes(table, graph, stream)
    return table, cautions


def overlapping(table: Table, graph: Graph, stream: BatchStream) -> list[Caution]:
    """Scored images that were calibrated on; the sample's own batches share a few."""
    if not table.provenance.samples:
        return []
    return list(overlap(table, sample_hashes({graph.inputs[0]: np.concatenate(list(stream))})))


def verdict(scores: Sequence[Score]) -> list[str]:
    """What is further from FP32 than it may be."""
    real, failures = scores[0], []
    for score in scores[1:]:
        for top in ("top1", "top5"):
            ours, theirs, allowed = getattr(score, top), getattr(real, top), TOLERANCES[score.mode]
            if abs(ours - theirs) > allowed:
                pair = f"FP32({theirs:.6g}) and {score.mode}({ours:.6g})"
                failures.append(f"{pair} {top} differ by more than {allowed:g}.")
    return failures
