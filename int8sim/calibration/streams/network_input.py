"""Samples as the input of a network: its layout, preprocessed."""

from __future__ import annotations

import numpy as np

from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.samples import Samples
from int8sim.graph.ir import Graph
from int8sim.model.errors import InputMismatchError
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class NetworkInput:
    """Samples with the axes of a tensor type, and preprocessed: float32, or as stored where nothing is to be computed.

    Axes are moved where a format names its own (images, batch files); a channel axis of 1 is added where it is missing.
    """

    def __init__(self, samples: Samples, tensor: str, kind: TensorType, preprocessing: Preprocessing) -> None:
        """tensor: the input's name, for messages. Raises InputMismatchError."""
        self.source, self.shape, self.layout = samples.source, kind.shape[1:], kind.layout
        self._samples, self._kind, self._preprocessing = samples, kind, preprocessing
        if self._arranged(np.empty((0, *samples.shape))).shape[1:] != self.shape:
            found = f"{samples.source}: {[len(samples), *samples.shape]}"
            raise InputMismatchError(tensor, found, f"{kind.dtype} [N, {', '.join(map(str, self.shape))}]")
        channels = kind.shape[kind.channel_axis]
        for option, values in (("mean", preprocessing.mean), ("std", preprocessing.std)):
            if len(values) not in {0, 1, channels}:
                expected = f"one, or one for each of {channels} channels"
                raise InputMismatchError(tensor, f"{len(values)} values of {option}", expected)

    def __len__(self) -> int:
        return len(self._samples)

    def read(self, start: int, stop: int) -> Array:
        """An array [stop - start, *shape]."""
        array = self._arranged(self._samples.read(start, stop))
        return self._preprocessing.normalize(array, self._kind.channel_axis)

    def _arranged(self, array: Array) -> Array:
        kind = self._kind
        if self._samples.layout and kind.layout:
            return np.moveaxis(array, 1 if self._samples.layout == "NCHW" else 3, kind.channel_axis)
        if array.ndim == len(kind.shape) - 1 and kind.layout and kind.shape[kind.channel_axis] == 1:
            return np.expand_dims(array, kind.channel_axis)
        return array


def one_input(graph: Graph) -> tuple[str, TensorType]:
    """Name and type of the network's input. Raises InputMismatchError if it has more than one."""
    if len(graph.data_inputs) != 1:
        raise InputMismatchError(graph.inputs[0], "one array", f"one for each of {list(graph.data_inputs)}")
    return graph.inputs[0], graph.tensors[graph.inputs[0]]
