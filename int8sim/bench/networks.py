"""The networks that are measured: published shapes, random weights, scaled so that activations stay alive.

Shapes: MobileNetV2 (Sandler et al. 2018, table 2), ResNet-50 (He et al. 2015, table 1), and MLPerf Tiny's image
classification ResNet-8 and keyword spotting DS-CNN (mlcommons/tiny:benchmark/training). Padding is TensorFlow's SAME.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.clip import Clip
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu

RELU6 = Clip(0.0, 6.0)


@dataclass
class Builder:
    """Layers one behind the other. shape: of the input, [C, H, W]. `last` is the newest tensor, `shape` its own.

    layout: "NCHW" or "NHWC", how the images lie; the weights are the same.
    """

    shape: tuple[int, ...]
    layout: str = "NCHW"
    seed: int = 0
    last: str = "x"
    layers: list[Layer] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        image = self.shape if self.layout == "NCHW" else (*self.shape[1:], self.shape[0])
        self.input = TensorType((1, *image), "float32", self.layout if len(self.shape) == 3 else "")
        self.random = np.random.default_rng(self.seed)

    def put(self, op: Op, *inputs: str, shape: tuple[int, ...] = ()) -> str:
        """A layer behind `last`, or behind the inputs. shape: of its output, if another."""
        name = f"{op.name}{len(self.layers)}"
        self.layers.append(Layer(name, op, inputs or (self.last,), name))
        self.last, self.shape = name, shape or self.shape
        return name

    def conv(self, outputs: int, kernel: int | tuple[int, int], stride: int = 1, then: Op | None = None) -> str:
        """A convolution with bias, and an activation."""
        return self._conv(outputs, kernel, stride, 1, then)

    def depthwise(self, stride: int = 1, then: Op | None = None) -> str:
        """A 3x3 convolution of every channel alone."""
        return self._conv(self.shape[0], 3, stride, self.shape[0], then)

    def _conv(self, outputs: int, kernel: int | tuple[int, int], stride: int, group: int, then: Op | None) -> str:
        channels, *size = self.shape
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        pads = [same_pads(each, k, stride) for each, k in zip(size, (rows, columns), strict=True)]
        op = Conv2d((stride, stride), (pads[0][0], pads[1][0], pads[0][1], pads[1][1]), (1, 1), group)
        weights = self.weights((outputs, channels // group, rows, columns))
        self.put(op, self.last, *weights, shape=(outputs, *(-(-each // stride) for each in size)))
        return self.put(then) if then else self.last

    def dense(self, outputs: int) -> str:
        """Flatten and a fully connected layer."""
        self.put(Flatten(), shape=(math.prod(self.shape),))
        return self.put(FullyConnected(), self.last, *self.weights((outputs, self.shape[0])), shape=(outputs,))

    def pool_all(self) -> str:
        """The average of the whole image."""
        return self.put(GlobalAveragePool(), shape=(self.shape[0], 1, 1))

    def add(self, other: str, then: Op | None = None) -> str:
        """`last` and another tensor of its shape."""
        self.put(Add(), other, self.last)
        return self.put(then) if then else self.last

    def weights(self, shape: tuple[int, ...]) -> tuple[str, str]:
        """Names of random weights and biases."""
        names = f"w{len(self.layers)}", f"b{len(self.layers)}"
        scale = math.sqrt(2.0 / math.prod(shape[1:]))
        self.constants[names[0]] = (self.random.standard_normal(shape) * scale).astype(np.float32)
        self.constants[names[1]] = (self.random.standard_normal(shape[0]) * 0.1).astype(np.float32)
        return names

    def graph(self, name: str) -> Graph:
        """Everything so far; `last` is the output."""
        return float_graph(name, self.layers, {"x": self.input}, [self.last], self.constants)


def same_pads(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Before and after, so that the output has size / stride, rounded up."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def product(depth: int, outputs: int, layout: str = "NCHW") -> Graph:
    """A fully connected layer alone."""
    net = Builder((depth,), layout)
    net.put(FullyConnected(), "x", *net.weights((outputs, depth)), shape=(outputs,))
    return net.graph("product")


def convolution(channels: int, outputs: int, size: int, kernel: int, stride: int, layout: str = "NCHW") -> Graph:
    """A convolution alone, of size x size pixels."""
    net = Builder((channels, size, size), layout)
    net.conv(outputs, kernel, stride)
    return net.graph("convolution")


def depthwise(channels: int, size: int, layout: str = "NCHW") -> Graph:
    """A 3x3 convolution of every channel alone."""
    net = Builder((channels, size, size), layout)
    net.depthwise()
    return net.graph("depthwise")


def resnet8(layout: str = "NCHW") -> Graph:
    """MLPerf Tiny's, 32x32x3, 12.5 million MACs."""
    net = Builder((3, 32, 32), layout)
    net.conv(16, 3, then=Relu())
    for channels, stride in (16, 1), (32, 2), (64, 2):
        before, shape = net.last, net.shape
        net.conv(channels, 3, stride, Relu())
        main, done = net.conv(channels, 3), net.shape
        if stride > 1:
            net.last, net.shape = before, shape
            before = net.conv(channels, 1, stride)
        net.last, net.shape = main, done
        net.add(before, Relu())
    net.pool_all()
    net.dense(10)
    return net.graph("resnet8")


def ds_cnn(layout: str = "NCHW") -> Graph:
    """MLPerf Tiny's, 49x10, 2.7 million MACs."""
    net = Builder((1, 49, 10), layout)
    net.conv(64, (10, 4), 2, Relu())
    for _ in range(4):
        net.depthwise(then=Relu())
        net.conv(64, 1, then=Relu())
    net.pool_all()
    net.dense(12)
    return net.graph("ds_cnn")


def mobilenet_v2(layout: str = "NCHW") -> Graph:
    """224x224x3, 300 million MACs."""
    net = Builder((3, 224, 224), layout)
    net.conv(32, 3, 2, RELU6)
    for expansion, channels, count, first in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for stride in (first, *[1] * (count - 1)):
            _inverted(net, expansion, channels, stride)
    net.conv(1280, 1, then=RELU6)
    net.pool_all()
    net.dense(1000)
    return net.graph("mobilenet_v2")


def _inverted(net: Builder, expansion: int, channels: int, stride: int) -> None:
    before, inputs = net.last, net.shape[0]
    if expansion > 1:
        net.conv(inputs * expansion, 1, then=RELU6)
    net.depthwise(stride, RELU6)
    net.conv(channels, 1)
    if stride == 1 and inputs == channels:
        net.add(before)


def resnet50(layout: str = "NCHW") -> Graph:
    """224x224x3, 4.1 thousand million MACs."""
    net = Builder((3, 224, 224), layout)
    net.conv(64, 7, 2, Relu())
    net.put(MaxPool((3, 3), (2, 2), (0, 0, 1, 1)), shape=(64, 56, 56))
    for width, count, first in (64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2):
        for stride in (first, *[1] * (count - 1)):
            _bottleneck(net, width, stride)
    net.pool_all()
    net.dense(1000)
    return net.graph("resnet50")


def _bottleneck(net: Builder, width: int, stride: int) -> None:
    before, shape = net.last, net.shape
    net.conv(width, 1, then=Relu())
    net.conv(width, 3, stride, Relu())
    main, done = net.conv(4 * width, 1), net.shape
    if shape != done:
        net.last, net.shape = before, shape
        before = net.conv(4 * width, 1, stride)
    net.last, net.shape = main, done
    net.add(before, Relu())


NETWORKS: dict[str, Callable[[str], Graph]] = {
    "ResNet-8": resnet8,
    "DS-CNN": ds_cnn,
    "MobileNetV2": mobilenet_v2,
    "ResNet-50": resnet50,
}
"""By the name on the screen, in a layout."""


def macs(graph: Graph) -> int:
    """Multiplications of one image's convolutions and fully connected layers."""
    found = 0
    for layer in graph.layers:
        if isinstance(layer.op, Conv2d | FullyConnected):
            weight, y = graph.constants[layer.inputs[1]], graph.tensors[layer.output]
            found += math.prod(y.shape[1:]) * math.prod(weight.shape[1:])
    return found
