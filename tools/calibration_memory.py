"""Peak memory of calibrating a ResNet-50 (25.5 million parameters) on pictures of 224x224x3.

    python tools/calibration_memory.py [images] [batch size]

Weights and pictures are random: memory and time do not depend on them. The pictures lie in a file, 150,528 bytes each,
and are read batch by batch; batch normalization, ReLU and sum stand alone, each with statistics of its own, as TensorRT
calibrates them.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import int8sim
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax

STAGES = ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2))  # (width, blocks, stride of the first block)
CLASSES = 1000


class Builder:
    """Layers and constants of the network as they come."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.constants: dict[str, np.ndarray] = {}
        self.rng = np.random.default_rng(0)

    def layer(self, name: str, op: Op, *inputs: str) -> str:
        """One layer; the name of its output."""
        self.layers.append(Layer(name, op, inputs, name))
        return name

    def constant(self, name: str, *shape: int) -> str:
        """A weight tensor of the variance that keeps magnitudes, or channel parameters near 1."""
        values = self.rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else np.ones(shape)
        self.constants[name] = values.astype(np.float32)
        return name

    def convolution(self, name: str, source: str, channels: tuple[int, int], kernel: int, stride: int) -> str:
        """Convolution and batch normalization."""
        pad = kernel // 2
        weight = self.constant(f"{name}_w", channels[1], channels[0], kernel, kernel)
        found = self.layer(name, Conv2d((stride, stride), (pad,) * 4), source, weight)
        parts = [self.constant(f"{name}_{part}", channels[1]) for part in ("gamma", "beta", "mean", "variance")]
        return self.layer(f"{name}_bn", BatchNormalization(), found, *parts)

    def block(self, name: str, source: str, channels: tuple[int, int], stride: int) -> str:
        """A bottleneck block: 1x1, 3x3, 1x1 and a sum."""
        outer, width = 4 * channels[1], channels[1]
        inner = self.layer(f"{name}_r1", Relu(), self.convolution(f"{name}_1", source, (channels[0], width), 1, 1))
        inner = self.layer(f"{name}_r2", Relu(), self.convolution(f"{name}_2", inner, (width, width), 3, stride))
        inner = self.convolution(f"{name}_3", inner, (width, outer), 1, 1)
        straight = channels[0] == outer and stride == 1
        side = source if straight else self.convolution(f"{name}_side", source, (channels[0], outer), 1, stride)
        return self.layer(f"{name}_r3", Relu(), self.layer(f"{name}_sum", Add(), inner, side))


def resnet50() -> Graph:
    """The network of He et al., "Deep Residual Learning for Image Recognition" (2015), table 1, 50 layers."""
    builder = Builder()
    found = builder.layer("relu1", Relu(), builder.convolution("conv1", "data", (3, 64), 7, 2))
    found = builder.layer("pool1", MaxPool((3, 3), (2, 2), (1, 1, 1, 1)), found)
    channels = 64
    for stage, (width, blocks, stride) in enumerate(STAGES, 2):
        for block in range(blocks):
            found = builder.block(f"res{stage}{'abcdef'[block]}", found, (channels, width), stride if block == 0 else 1)
            channels = 4 * width
    found = builder.layer("flatten", Flatten(), builder.layer("pool5", GlobalAveragePool(), found))
    weights = builder.constant("fc_w", CLASSES, channels), builder.constant("fc_b", CLASSES)
    found = builder.layer("prob", Softmax(1), builder.layer("fc1000", FullyConnected(), found, *weights))
    picture = TensorType((1, 3, 224, 224), "float32", "NCHW")
    return float_graph("resnet50", builder.layers, {"data": picture}, [found], builder.constants)


def pictures(path: Path, count: int) -> None:
    """A file of random bytes, uint8 [count, 224, 224, 3]."""
    file = np.lib.format.open_memmap(path, "w+", np.uint8, (count, 3, 224, 224))
    rng = np.random.default_rng(1)
    for i in range(count):
        file[i] = rng.integers(0, 256, file.shape[1:], np.uint8)
    file.flush()


def main() -> None:
    """Calibrate and print."""
    count, batch_size = (int(text) for text in (*sys.argv[1:], *("1000", "10")[len(sys.argv) - 1 :]))
    graph = resnet50()
    parameters = sum(values.size for values in graph.constants.values())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pictures.npy"
        pictures(path, count)
        samples = int8sim.open_samples(path, graph, int8sim.Preprocessing(255.0))
        start = time.perf_counter()
        table = int8sim.calibrate(graph, int8sim.BatchStream(samples, batch_size))
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{parameters:,} parameters, {len(table)} rows, {count} pictures in batches of {batch_size}")
    print(f"peak resident memory {peak:.2f} GiB, {seconds:.0f} s, {count / seconds:.1f} pictures/s")


if __name__ == "__main__":
    main()
