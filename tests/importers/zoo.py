"""Small float CNNs with the shapes of those that people quantize, random weights, for ONNX Runtime's quantizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IMAGE = (1, 8, 12, 12)


class Net:
    """A float model, node by node: every method gives the name of the tensor that it adds."""

    def __init__(self, shape: tuple[int, ...] = IMAGE, seed: int = 0, opset: int = OPSET) -> None:
        self.rng, self.nodes, self.values = np.random.default_rng(seed), [], {}
        self.shape, self.opset = shape, opset

    def __call__(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{operator.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, inputs, names, names[0], **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, values: Any) -> str:
        name = f"constant_{len(self.values)}"
        self.values[name] = np.asarray(values)
        return name

    def weight(self, *shape: int) -> str:
        scale = 1 / np.sqrt(np.prod(shape[1:]) or 1)
        return self.constant((self.rng.standard_normal(shape) * scale).astype(np.float32))

    def ints(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def conv(self, x: str, out: int, channels: int, size: int = 3, bias: bool = True, **attributes: Any) -> str:
        attributes = {"pads": [size // 2] * 4, "kernel_shape": [size] * 2} | attributes
        per_group = channels // attributes.get("group", 1)
        more = [self.weight(out)] if bias else []
        return self("Conv", x, self.weight(out, per_group, size, size), *more, **attributes)

    def relu(self, x: str) -> str:
        return self("Relu", x)

    def model(self, *outputs: str) -> onnx.ModelProto:
        given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)]
        made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        constants = [numpy_helper.from_array(values, name) for name, values in self.values.items()]
        graph = helper.make_graph(self.nodes, "zoo", given, made, constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)


def residual() -> onnx.ModelProto:
    n = Net()
    a = n.relu(n.conv("x", 8, 8))
    b = n.relu(n("Add", n.conv(n.relu(n.conv(a, 8, 8)), 8, 8), a))
    short = n.conv(b, 16, 8, 1, strides=[2, 2])
    c = n.relu(n("Add", short, n.conv(b, 16, 8, strides=[2, 2], bias=False)))
    y = n("Gemm", n("Flatten", n("GlobalAveragePool", c)), n.weight(10, 16), n.weight(10), transB=1)
    return n.model(n("Softmax", y, axis=1))


def squeeze_excite() -> onnx.ModelProto:
    n = Net()
    a = n("HardSwish", n.conv("x", 8, 8))
    pooled = n("GlobalAveragePool", a)
    s = n("HardSigmoid", n.conv(n.relu(n.conv(pooled, 4, 8, 1)), 8, 4, 1))
    t = n("Sigmoid", n.conv(n.relu(n.conv(pooled, 4, 8, 1)), 8, 4, 1))
    b = n("Mul", n("Mul", a, s), t)
    mean = n("ReduceMean", b, axes=[2, 3], keepdims=1)
    return n.model(n("Mul", b, n("Sigmoid", mean)))


def mobile() -> onnx.ModelProto:
    n = Net()
    a = n("Clip", n.conv("x", 16, 8, 1), n.constant(np.float32(0)), n.constant(np.float32(6)))
    b = n("Clip", n.conv(a, 16, 16, group=16), n.constant(np.float32(0)), n.constant(np.float32(6)))
    c = n("Add", n.conv(b, 8, 16, 1), "x")
    d = n("Mul", c, n("Sigmoid", c))  # SiLU
    e = n("LeakyRelu", n.conv(d, 8, 8, 5, group=8, strides=[2, 2]), alpha=0.1)
    f = n("PRelu", n.conv(e, 8, 8, 1), n.weight(8, 1, 1))
    return n.model(n("Elu", f), n("Tanh", f))


def dense() -> onnx.ModelProto:
    n = Net()
    a = n.conv("x", 8, 8)
    for i in range(3):
        made = n.conv(n.relu(a), 4, 8 + 4 * i)
        a = n("Concat", a, made, axis=1)
    b = n("AveragePool", n.conv(a, 10, 20, 1), kernel_shape=[2, 2], strides=[2, 2])
    c = n("MaxPool", b, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    return n.model(n("Concat", n("GlobalAveragePool", c), n("GlobalMaxPool", c), axis=1))


def shuffle() -> onnx.ModelProto:
    n = Net()
    left, right = n("Split", n.relu(n.conv("x", 8, 8)), n.ints(4, 4), outputs=2, axis=1)
    right = n.relu(n.conv(n.conv(right, 4, 4, group=4), 4, 4, 1))
    a = n("Concat", left, right, axis=1)
    b = n("Transpose", n("Reshape", a, n.ints(1, 2, 4, 12, 12)), perm=[0, 2, 1, 3, 4])
    c = n("Reshape", b, n.ints(1, 8, 12, 12))
    half = n("Slice", c, n.ints(0), n.ints(4), n.ints(1))
    other = n("Slice", c, n.ints(4), n.ints(8), n.ints(1))
    return n.model(n("Concat", n.conv(half, 4, 4, 1), other, axis=1))


def u_net() -> onnx.ModelProto:
    n = Net()
    a = n.relu(n.conv("x", 8, 8))
    b = n.relu(n.conv(n("MaxPool", a, kernel_shape=[2, 2], strides=[2, 2]), 16, 8))
    scales = n.constant(np.array([1, 1, 2, 2], np.float32))
    up = n("Resize", b, "", scales, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    smooth = n("Resize", b, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")
    turned = n("ConvTranspose", b, n.weight(16, 8, 2, 2), n.weight(8), strides=[2, 2], kernel_shape=[2, 2])
    joined = n("Concat", a, up, smooth, turned, axis=1)
    return n.model(n("Sigmoid", n.conv(joined, 1, 48, 1)))


def detector() -> onnx.ModelProto:
    n = Net()
    a = n.relu(n.conv("x", 12, 8))
    b = n("Transpose", n("Reshape", a, n.ints(1, 2, 6, 144)), perm=[0, 1, 3, 2])
    xy, wh, score = n("Split", n("Sigmoid", b), n.ints(2, 2, 2), outputs=3, axis=3)
    half = n.constant(np.float32(0.5))
    grid = n.constant(n.rng.uniform(0, 12, (1, 1, 144, 2)).astype(np.float32))
    xy = n("Mul", n("Add", n("Sub", n("Mul", xy, n.constant(np.float32(2))), half), grid), n.constant(np.float32(8)))
    wh = n("Mul", n("Pow", n("Mul", wh, n.constant(np.float32(2))), n.constant(np.float32(2))), half)
    return n.model(n("Reshape", n("Concat", xy, wh, score, axis=3), n.ints(1, -1, 6)))


def line() -> onnx.ModelProto:
    n = Net((1, 6, 40))
    a = n.relu(n("Conv", "x", n.weight(8, 6, 5), n.weight(8), pads=[2, 2]))
    b = n.relu(n("Conv", a, n.weight(8, 1, 3), group=8, dilations=[2], pads=[2, 2]))
    c = n("MaxPool", n("Add", a, b), kernel_shape=[2], strides=[2])
    d = n("AveragePool", c, kernel_shape=[2], strides=[2])
    e = n("Transpose", d, perm=[0, 2, 1])
    f = n("Add", n("MatMul", e, n.weight(8, 5)), n.weight(5))
    return n.model(n("Softmax", f, axis=-1), n("Squeeze", n("GlobalAveragePool", d), n.ints(2)))


def mlp() -> onnx.ModelProto:
    n = Net((1, 20))
    a = n.relu(n("Gemm", "x", n.weight(20, 16), n.weight(16)))
    b = n("Tanh", n("Gemm", a, n.weight(12, 16), transB=1))
    c = n("Gelu", n("Add", n("MatMul", b, n.weight(12, 12)), n.weight(12))) if n.opset >= 20 else n.relu(b)
    d = n("MatMul", n("Mul", b, c), n.weight(12, 8))
    return n.model(n("Softmax", n("Div", d, n.constant(np.float32(2)))), n("LeakyRelu", d))


def pools() -> onnx.ModelProto:
    n = Net((1, 4, 13, 13))
    a = n.conv("x", 8, 4)
    made = [
        n("AveragePool", a, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        n("AveragePool", a, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        n("AveragePool", a, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        n("MaxPool", a, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
        n("AveragePool", a, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER"),
    ]
    b = n("Concat", *made, axis=1)
    return n.model(n("Pad", b, n.ints(0, 0, 1, 1, 0, 0, 1, 1)), n("ReduceMean", b, axes=[2, 3]))


def padded() -> onnx.ModelProto:
    n = Net()
    a = n("Pad", n.relu(n.conv("x", 8, 8)), n.ints(0, 0, 1, 1, 0, 0, 1, 1))
    b = n.conv(a, 8, 8, pads=[0, 0, 0, 0])
    c = n("Unsqueeze", n("Squeeze", n("GlobalAveragePool", b), n.ints(2)), n.ints(2))
    d = n("Mul", b, c)
    e = n("Gather", d, n.constant(np.array([3, 1, 0, 2], np.int64)), axis=1)
    return n.model(n("Sub", e, n.conv(b, 4, 8, 1)), n("Div", e, n.constant(np.float32(3))), n("Sqrt", n("Sigmoid", e)))


def attention() -> onnx.ModelProto:
    n = Net((1, 10, 16))
    qkv = n("Add", n("MatMul", "x", n.weight(16, 48)), n.weight(48))
    q, k, v = n("Split", qkv, n.ints(16, 16, 16), outputs=3, axis=2)
    heads = [n("Transpose", n("Reshape", t, n.ints(1, 10, 2, 8)), perm=[0, 2, 1, 3]) for t in (q, k, v)]
    scores = n("MatMul", heads[0], n("Transpose", heads[1], perm=[0, 1, 3, 2]))
    p = n("Softmax", n("Div", scores, n.constant(np.float32(2.83))), axis=-1)
    mixed = n("Reshape", n("Transpose", n("MatMul", p, heads[2]), perm=[0, 2, 1, 3]), n.ints(1, 10, 16))
    a = n("Add", "x", n("Add", n("MatMul", mixed, n.weight(16, 16)), n.weight(16)))
    ones, zeros = n.constant(np.ones(16, np.float32)), n.constant(np.zeros(16, np.float32))
    return n.model(n("LayerNormalization", a, ones, zeros, axis=-1))


def normalized() -> onnx.ModelProto:
    n = Net()
    a = n.conv("x", 8, 8, bias=False)
    bn = [n.weight(8), n.weight(8), n.weight(8), n.constant(n.rng.uniform(0.5, 2, 8).astype(np.float32))]
    b = n.relu(n("BatchNormalization", a, *bn))
    c = n("BatchNormalization", n("Add", b, "x"), *bn)
    d = n("InstanceNormalization", c, n.weight(8), n.weight(8))
    return n.model(n("LRN", n.relu(d), size=5), n("Flatten", n("GlobalAveragePool", d)))


FAMILIES = (residual, squeeze_excite, mobile, dense, shuffle, u_net, detector, line, mlp, pools, padded, attention)
NETWORKS: Mapping[str, Callable[[], onnx.ModelProto]] = {each.__name__: each for each in (*FAMILIES, normalized)}


def written(name: str, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The file of a network, and five samples."""
    proto = NETWORKS[name]()
    path = folder / f"{name}.onnx"
    onnx.save(proto, path)
    shape = [dim.dim_value for dim in proto.graph.input[0].type.tensor_type.shape.dim]
    rng = np.random.default_rng(7)
    return path, [{"x": rng.uniform(-1, 1, shape).astype(np.float32)} for _ in range(5)]
