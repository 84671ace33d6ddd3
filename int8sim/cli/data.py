"""Data named on the command line: arrays for runs, batches for calibration."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from int8sim.analysis.batches import Batch, piece
from int8sim.calibration.streams.arrays import ArraySamples
from int8sim.calibration.streams.images import folder_classes
from int8sim.calibration.streams.network_input import NetworkInput, one_input
from int8sim.calibration.streams.opening import open_samples
from int8sim.calibration.streams.preprocessing import Preprocessing, Size
from int8sim.calibration.streams.samples import Samples
from int8sim.calibration.streams.stream import BatchStream
from int8sim.cli.screen import Screen
from int8sim.graph.ir import Graph
from int8sim.model.errors import InputMismatchError, ParameterError
from int8sim.model.step import Array


def load_array(where: str) -> Array:
    """A whole data set as it is stored (see open_samples). Raises what open_samples raises."""
    samples = open_samples(where)
    return samples.read(0, len(samples))


FOLDERS = "folders"
"""In place of a file of labels: an image's class is the folder that it lies in."""


def load_labels(where: str, data: str = "") -> Array:
    """Class numbers [N]; where: a data set, or FOLDERS: those of the images of `data`.

    Raises InputMismatchError and what open_samples raises.
    """
    labels = np.array(folder_classes(Path(data))) if where == FOLDERS else load_array(where)
    if labels.ndim != 1:
        raise InputMismatchError("labels", f"{where}: {list(labels.shape)}", "class numbers [N]")
    return labels


def load_input(graph: Graph, where: str, preprocessing: Preprocessing) -> Array:
    """A whole data set as the network's one input. Raises what open_samples raises."""
    samples = open_samples(where, graph, preprocessing)
    return samples.read(0, len(samples))


def network_input(graph: Graph, array: Array, divide: float) -> Array:
    """An array as the network's one input: divided in float32, and given a channel axis of 1 where one is missing.

    Raises InputMismatchError.
    """
    samples = NetworkInput(ArraySamples(array, "an array"), *one_input(graph), Preprocessing(divide))
    return samples.read(0, len(samples))


def open_stream(
    graph: Graph,
    where: str,
    preprocessing: Preprocessing,
    batch_size: int,
    batches: int | None,
    skip: int,
    subset: str | None,
) -> BatchStream:
    """Full batches for the network's one input. Raises what open_samples and BatchStream raise."""
    return BatchStream(open_samples(where, graph, preprocessing), batch_size, batches, skip, subset)


@dataclass(frozen=True)
class StreamOptions:
    """The arguments of `open_stream` that the command line gives."""

    where: str
    preprocessing: Preprocessing
    batch_size: int
    batches: int | None
    skip: int
    subset: str | None

    def open(self, graph: Graph) -> BatchStream:
        """The stream for a network."""
        return open_stream(graph, self.where, self.preprocessing, self.batch_size, self.batches, self.skip, self.subset)


@dataclass(frozen=True)
class Data:
    """Samples, and what runs them. where: as --data names them, "" for none; samples: the first so many; None: all."""

    where: str
    preprocessing: Preprocessing
    samples: int | None
    backend: str

    def open(self, graph: Graph) -> tuple[Samples, int]:
        """The data set, and how many of its samples count. Raises ParameterError and what open_samples raises."""
        if not self.where:
            raise ParameterError("--data", "", "a data set")
        source = open_samples(self.where, graph, self.preprocessing)
        return source, min(len(source), self.samples or len(source))

    def batches(self, graph: Graph, screen: Screen) -> Iterator[Batch]:
        """The samples, no more at once than memory should hold with all tensors. Raises what `open` raises."""
        yield from in_steps(graph, *self.open(graph), piece(graph), screen)


def in_steps(graph: Graph, source: Samples, count: int, step: int, screen: Screen) -> Iterator[Batch]:
    """The first `count` samples as the graph's one input, `step` at once; the screen shows how many were run."""
    with screen.progress("running", count) as progress:
        for start in range(0, count, step):
            stop = min(start + step, count)
            yield {graph.inputs[0]: source.read(start, stop)}
            progress(stop)


def read_preprocessing(divide: float, mean: str, std: str, resize: str, crop: str, channels: str) -> Preprocessing:
    """From text: sizes as 256 or 320x240, numbers as 0.485,0.456,0.406, "" for none.

    Raises ParameterError, UnknownNameError.
    """
    return Preprocessing(
        divide, _numbers("mean", mean), _numbers("std", std), _size("resize", resize), _size("crop", crop), channels
    )


def _numbers(option: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",")) if text else ()
    except ValueError:
        raise ParameterError(option, text, "numbers with commas between, as 0.485,0.456,0.406") from None


def _size(option: str, text: str) -> Size:
    if not text:
        return None
    sides = re.fullmatch("([0-9]{1,5})(?:x([0-9]{1,5}))?", text)
    if not sides:
        raise ParameterError(option, text, "pixels, as 256, or width and height, as 320x240")
    return (int(sides[1]), int(sides[2])) if sides[2] else int(sides[1])
