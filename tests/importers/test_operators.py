"""Every form of every operator that is read, at each opset that has it, against ONNX's evaluator and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
import pytest

from int8sim.importers.onnx import SUPPORTED

from .onnx_models import (
    LATEST,
    RUNTIME_LATEST,
    Shape,
    assert_close,
    by_int8sim,
    by_reference,
    by_runtime,
    feeds,
    loaded,
    model,
    node,
    real,
)

OPSETS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 21, 22, 23, 24, 25, LATEST)
IMAGE: Mapping[str, Shape] = {"x": ["N", 4, 7, 6]}
NEVER = LATEST + 1
STATISTICS = {"g": real(4), "b": real(4, seed=2), "m": real(4, seed=3), "v": np.abs(real(4, seed=4))}
AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Form:
    """One way to write an operator. first, last: the opsets where that is legal.

    reference: the opset from which ONNX's evaluator computes it as the specification says. Its pools ignore SAME_LOWER
    and refuse or shift with ceil_mode; before opset 14 its batch normalization trains; its softmax is opset 13's.
    Its local response normalization, its pools of lines and its transposed convolution by groups differ from ONNX
    Runtime's. runtime: whether ONNX Runtime runs it; it has no SAME pads with dilations.
    """

    name: str
    nodes: Sequence[onnx.NodeProto]
    inputs: Mapping[str, Shape] = field(default_factory=lambda: IMAGE)
    constants: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[str] = ("y",)
    first: int = 7
    last: int = LATEST
    reference: int = 7
    runtime: bool = True

    def at(self, opset: int) -> onnx.ModelProto:
        """The form as a model."""
        return model(self.nodes, self.inputs, self.outputs, self.constants, opset)

    def versions(self, opset: int) -> tuple[int, ...]:
        """Since when its operators are defined as they are at an opset."""
        return tuple(onnx.defs.get_schema(each.op_type, opset, "").since_version for each in self.nodes)

    def opsets(self) -> list[int]:
        """Where it is tested."""
        return [opset for opset in OPSETS if self.first <= opset <= self.last]


def one(
    name: str,
    inputs: str = "x",
    shapes: Mapping[str, Shape] = IMAGE,
    constants: Mapping[str, Any] | None = None,
    *,
    first: int = 7,
    last: int = LATEST,
    reference: int = 7,
    runtime: bool = True,
    **attributes: Any,
) -> Form:
    """A form with one node, whose operator is the first word of the name."""
    nodes = [node(name.split()[0], inputs, "y", **attributes)]
    limits = {"first": first, "last": last, "reference": reference, "runtime": runtime}
    return Form(name, nodes, shapes, constants or {}, **limits)


def convolutions() -> Iterator[Form]:
    w = {"w": real(3, 4, 3, 2), "b": real(3)}
    yield one("Conv kernel_shape", "x w", constants=w, kernel_shape=[3, 2])
    yield one("Conv bias, no kernel_shape", "x w b", constants=w)
    yield one("Conv bias left out", "x w -", constants=w)
    yield one("Conv two groups", "x w b", constants={"w": real(6, 2, 3, 3), "b": real(6)}, group=2)
    yield one("Conv depthwise", "x w", constants={"w": real(8, 1, 3, 3)}, group=4, pads=[1, 1, 1, 1])
    yield one("Conv everything", "x w b", constants=w, strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 3])
    for mode in AUTO_PADS:
        for strides in ([1, 1], [2, 2], [3, 2]):
            yield one(f"Conv {mode}, strides {strides}", "x w", constants=w, auto_pad=mode, strides=strides)
            name, runtime = f"Conv {mode}, strides {strides}, dilations", not mode.startswith("SAME")
            yield one(name, "x w", constants=w, runtime=runtime, auto_pad=mode, strides=strides, dilations=[2, 3])


def matrices() -> Iterator[Form]:
    rows: Mapping[str, Shape] = {"x": ["N", 5]}
    b, rotated = {"b": real(5, 3)}, {"b": real(3, 5)}
    yield one("Gemm without C", "x b", rows, b, first=11)
    yield one("Gemm transB, without C", "x b", rows, rotated, first=11, transB=1)
    for c in (real(), real(1), real(3), real(1, 3), real(1, 1)):
        yield one(f"Gemm C {list(c.shape)}", "x b c", rows, b | {"c": c})
        name = f"Gemm C {list(c.shape)}, alpha, beta, transB"
        yield one(name, "x b c", rows, rotated | {"c": c}, alpha=0.25, beta=-1.5, transB=1)
    yield one("Gemm alpha only", "x b c", rows, b | {"c": real(3)}, alpha=3.0)
    yield one("MatMul rows", "x b", rows, b)
    for middle in ([2], [3, 2]):
        yield one(f"MatMul {middle}", "x b", {"x": ["N", *middle, 5]}, b)
    for middle in ([], [2], [2, 3]):
        yield one(f"MatMul activations {middle}", "x z", {"x": ["N", *middle, 4, 5], "z": ["N", *middle, 5, 3]})
    for c in (real(3), real(1, 3), real(1), real()):
        for inputs in ("t c", "c t"):
            nodes = [node("MatMul", "x b", "t"), node("Add", inputs, "y")]
            yield Form(f"MatMul, Add {inputs} {list(c.shape)}", nodes, rows, b | {"c": c})
    nodes = [node("MatMul", "x b", "t"), node("Add", "t c", "y")]
    yield Form("MatMul 3-D, Add", nodes, {"x": ["N", 2, 5]}, b | {"c": real(1, 1, 3)})
    nodes = [node("Gemm", "x b", "t"), node("Add", "t c", "y")]
    yield Form("Gemm, Add", nodes, rows, b | {"c": real(3)}, first=11)


def pools() -> Iterator[Form]:
    def pool(name: str, first: int = 7, **attributes: Any) -> Form:
        maximum, ceil = name.startswith("Max"), "ceil_mode" in attributes
        automatic = attributes.get("auto_pad", "NOTSET") != "NOTSET" and (maximum or ceil)
        shifted = ceil and not maximum and "count_include_pad" not in attributes
        reference = NEVER if automatic or shifted else 7
        return one(name, first=first, reference=reference, **{"kernel_shape": [3, 2], **attributes})

    for operator in ("MaxPool", "AveragePool"):
        yield pool(operator)
        yield pool(f"{operator} strides", strides=[2, 3])
        yield pool(f"{operator} four different pads", pads=[1, 0, 2, 1], strides=[2, 1])
        yield pool(f"{operator} ceil_mode", 10, ceil_mode=1, strides=[3, 3])
        yield pool(f"{operator} ceil_mode, pads", 10, ceil_mode=1, strides=[2, 2], pads=[0, 1, 1, 0])
        yield pool(f"{operator} ceil_mode, last window outside", 10, ceil_mode=1, strides=[4, 5], pads=[0, 0, 2, 1])
        yield pool(f"{operator} ceil_mode VALID, nothing partial", 10, ceil_mode=1, auto_pad="VALID", strides=[2, 2])
        for mode in AUTO_PADS:
            for strides in ([1, 1], [2, 2], [3, 2]):
                yield pool(f"{operator} {mode}, strides {strides}", auto_pad=mode, strides=strides)
    yield pool("MaxPool dilations", 10, dilations=[2, 3])
    yield pool("AveragePool dilations spelled out", 19, dilations=[1, 1])
    yield pool("AveragePool count_include_pad", count_include_pad=1, pads=[1, 0, 2, 1])
    yield pool("AveragePool count_include_pad SAME", count_include_pad=1, auto_pad="SAME_UPPER", strides=[2, 2])
    for pads in ([1, 1, 1, 1], [0, 1, 2, 0]):
        padded = {"count_include_pad": 1, "ceil_mode": 1, "pads": pads, "strides": [2, 2]}
        yield pool(f"AveragePool count_include_pad, ceil_mode {pads}", 10, **padded)
    yield Form("MaxPool indices unused", [node("MaxPool", "x", "y indices", kernel_shape=[2, 2])], first=8)
    yield one("GlobalAveragePool")


def activations() -> Iterator[Form]:
    rows: Mapping[str, Shape] = {"x": ["N", 9]}
    yield one("Relu")
    yield one("Relu rows", shapes=rows)
    for bounds in ({}, {"min": -0.5}, {"max": 0.25}, {"min": 0.0, "max": 0.5}):
        yield one(f"Clip attributes {bounds}", last=10, **bounds)
    limits = {"low": np.float32(-0.5), "high": np.float32(0.25)}
    for inputs in ("x", "x low", "x - high", "x low high"):
        yield one(f"Clip inputs {inputs}", inputs, constants=limits, first=11)
    yield one("Softmax rows, axis 1", shapes=rows, axis=1)
    yield one("Softmax rows, default", shapes=rows)
    yield one("Softmax rows, axis -1", shapes=rows, first=11, axis=-1)
    yield one("Softmax of a pool's result", shapes={"x": ["N", 9, 1, 1]}, axis=1)
    yield one("Softmax last axis", axis=3)
    yield one("Softmax over the one wide axis", shapes={"x": ["N", 1, 5, 1]}, last=12, reference=NEVER, axis=1)
    yield one("Softmax channels of an image", first=13, axis=1)
    yield one("Softmax default of an image", first=13)
    yield one("BatchNormalization", "x g b m v", constants=STATISTICS, reference=14)
    yield one("BatchNormalization epsilon", "x g b m v", constants=STATISTICS, reference=14, epsilon=0.01)
    yield one("BatchNormalization momentum", "x g b m v", constants=STATISTICS, reference=14, momentum=0.5)
    yield one("BatchNormalization rows", "x g b m v", {"x": ["N", 4]}, STATISTICS, reference=14)


def additions() -> Iterator[Form]:
    yield one("Add", "x z", {**IMAGE, "z": ["N", 4, 7, 6]})
    yield one("Add to itself", "x x")
    w = {"w": real(3, 4, 3, 3)}
    for c in (real(3, 1, 1), real(1, 3, 1, 1), real(1), real()):
        for inputs in ("t c", "c t"):
            nodes = [node("Conv", "x w", "t"), node("Add", inputs, "y")]
            yield Form(f"Conv, Add {inputs} {list(c.shape)}", nodes, constants=w | {"c": c})
    nodes = [node("Conv", "x w", "s"), node("Identity", "s", "t"), node("Add", "t c", "u"), node("Relu", "u", "y")]
    yield Form("Conv, Identity, Add, Relu", nodes, constants=w | {"c": real(3, 1, 1)})


def movements() -> Iterator[Form]:
    yield one("Concat channels", "x z", {**IMAGE, "z": ["N", 2, 7, 6]}, axis=1)
    yield one("Concat columns, from the end", "x x x", first=11, axis=-1)
    yield one("Concat of one", axis=2)
    yield one("Concat rows", "x z", {"x": ["N", 3], "z": ["N", 4]}, axis=1)
    yield one("Flatten")
    yield one("Flatten axis 1", axis=1)
    yield one("Flatten axis from the end", first=11, axis=-3)
    for shape in ([0, -1], [-1, 168], [0, 0, -1], [0, 0, 42], [-1, 4, 42], [0, 2, 2, 42], [0, 0, 0, 6], [0, 4, 0, -1]):
        yield one(f"Reshape {shape}", "x s", constants={"s": np.array(shape)})
    for shape in ([2, -1], [2, 168], [2, 4, 42]):
        yield one(f"Reshape {shape}, batch 2", "x s", {"x": [2, 4, 7, 6]}, {"s": np.array(shape)})
    yield one("Reshape [1, -1], batch 1", "x s", {"x": [1, 4, 7, 6]}, {"s": np.array([1, -1])})
    yield one("Reshape allowzero, no zero", "x s", constants={"s": np.array([-1, 168])}, first=14, allowzero=1)
    yield one("Transpose to NHWC", perm=[0, 2, 3, 1])
    yield one("Transpose height and width", perm=[0, 1, 3, 2])
    yield one("Transpose 3-D", shapes={"x": ["N", 3, 5]}, perm=[0, 2, 1])
    yield one("Transpose 5-D", shapes={"x": ["N", 2, 3, 2, 2]}, perm=[0, 2, 1, 3, 4])


def paddings() -> Iterator[Form]:
    sizes = [0, 1, 0, 2, 0, 0, 3, 1]
    yield one("Pad attributes", last=10, pads=sizes)
    yield one("Pad attributes, all", last=10, pads=sizes, mode="constant", value=0.0)
    constants = {"p": np.array(sizes), "zero": np.float32(0), "some": np.array([1, 2, 3, 4]), "axes": np.array([-1, 2])}
    for inputs in ("x p", "x p zero", "x p -"):
        yield one(f"Pad inputs {inputs}", inputs, constants=constants, first=11)
    for inputs in ("x some zero axes", "x some - axes"):
        yield one(f"Pad inputs {inputs}", inputs, constants=constants, first=18)
    yield one("Pad rows", "x p", {"x": ["N", 3]}, {"p": np.array([0, 1, 0, 2])}, first=11, mode="constant")


def names_and_constants() -> Iterator[Form]:
    chain = [node("Identity", "x", "a"), node("Relu", "a", "b"), node("Identity", "b", "c"), node("Relu", "c", "y")]
    yield Form("Identity", chain)
    yield Form("Identity at the end", [node("Relu", "x", "a"), node("Identity", "a", "b"), node("Identity", "b", "y")])
    nodes = [node("Relu", "x", "a"), node("Dropout", "a", "b mask", ratio=0.25), node("Relu", "b", "y")]
    yield Form("Dropout", nodes, last=11)
    off = {"half": np.float32(0.5), "off": np.array(False)}
    for inputs in ("x", "x half", "x half off", "x - off"):
        nodes = [node("Dropout", inputs, "a"), node("Relu", "a", "y")]
        yield Form(f"Dropout inputs {inputs}", nodes, constants=off, first=12)
    tensor = onnx.numpy_helper.from_array(real(3, 4, 3, 3))
    nodes = [node("Constant", "", "v", value=tensor), node("Identity", "v", "w"), node("Conv", "x w", "y")]
    yield Form("Constant weight, Identity", nodes)
    nodes = [node("Constant", "", "s", value_ints=[0, -1]), node("Reshape", "x s", "y")]
    yield Form("Constant value_ints", nodes, first=12)
    nodes = [node("Constant", "", "low", value_float=-0.5), node("Clip", "x low", "y")]
    yield Form("Constant value_float", nodes, first=12)
    constant = node("Constant", "", "c", value_floats=[0.5, 1.5, 2.5])
    nodes = [constant, node("MatMul", "x b", "t"), node("Add", "t c", "y")]
    yield Form("Constant value_floats", nodes, {"x": ["N", 5]}, {"b": real(5, 3)}, first=12)


def networks() -> Iterator[Form]:
    yield from (residual(), from_tensorflow(), channel_shuffle())


def residual() -> Form:
    nodes = [
        node("Conv", "x w1", "c1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c1 g b m v", "n1"),
        node("Relu", "n1", "r1"),
        node("Conv", "r1 w2", "c2", auto_pad="SAME_LOWER"),
        node("Add", "c2 b2", "d2"),
        node("Add", "d2 x", "sum"),
        node("Relu", "sum", "r2"),
        node("MaxPool", "r2", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("GlobalAveragePool", "r2", "g1"),
        node("GlobalAveragePool", "p", "g2"),
        node("Concat", "g1 g2", "both", axis=1),
        node("Reshape", "both s", "flat"),
        node("Gemm", "flat fc fb", "logits", transB=1),
        node("Softmax", "logits", "y", axis=1),
    ]
    weights = {"w1": real(4, 4, 3, 3), "w2": real(4, 4, 3, 3, seed=9), "b2": real(4, 1, 1)}
    rows = {"s": np.array([-1, 8]), "fc": real(3, 8), "fb": real(3)}
    return Form("residual", nodes, IMAGE, STATISTICS | weights | rows, ("y", "logits"), reference=14)


def from_tensorflow() -> Form:
    nodes = [
        node("Transpose", "x", "first", perm=[0, 3, 1, 2]),
        node("Conv", "first w b", "c", auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Relu", "c", "r"),
        node("Transpose", "r", "last", perm=[0, 2, 3, 1]),
        node("Reshape", "last s", "flat"),
        node("MatMul", "flat fc", "t"),
        node("Add", "t fb", "logits"),
        node("Identity", "logits", "y"),
    ]
    weights = {"w": real(3, 2, 3, 3), "b": real(3), "fc": real(27, 4), "fb": real(4), "s": np.array([-1, 27])}
    return Form("NHWC input", nodes, {"x": ["N", 5, 6, 2]}, weights)


def channel_shuffle() -> Form:
    nodes = [
        node("Reshape", "x s1", "split"),
        node("Transpose", "split", "mixed", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "mixed s2", "joined"),
        node("Conv", "joined w", "y", group=4),
    ]
    constants = {"s1": np.array([0, 2, 2, 7, 6]), "s2": np.array([0, 4, 7, 6]), "w": real(4, 1, 1, 1)}
    return Form("channel shuffle", nodes, IMAGE, constants)


LINES: Mapping[str, Shape] = {"x": ["N", 4, 9]}
PAIR: Mapping[str, Shape] = {"x": ["N", 4, 7, 6], "z": ["N", 4, 1, 6]}


def lines() -> Iterator[Form]:
    """Images with one axis: those of height 1."""
    yield one("Conv of lines", "x w b", LINES, {"w": real(3, 4, 3), "b": real(3)}, strides=[2], pads=[1, 2])
    yield one("Conv of lines, SAME", "x w", LINES, {"w": real(3, 4, 3)}, auto_pad="SAME_UPPER")
    yield one("ConvTranspose of lines", "x w", LINES, {"w": real(4, 3, 3)}, strides=[2], output_padding=[1])
    yield one("MaxPool of lines", shapes=LINES, kernel_shape=[3], strides=[2])
    yield one("AveragePool of lines", shapes=LINES, kernel_shape=[3], pads=[1, 1])
    yield one("GlobalAveragePool of lines", shapes=LINES)
    yield one("GlobalMaxPool of lines", shapes=LINES, reference=NEVER)
    yield one("BatchNormalization of lines", "x g b m v", LINES, STATISTICS, reference=14)
    w = {"w1": real(4, 4, 3), "w2": real(4, 4, 1), "s": np.array([0, 36])}
    nodes = [node("Conv", "x w1", "c", pads=[1, 1]), node("Relu", "c", "r"), node("Conv", "r w2", "d")]
    yield Form("lines with a sum", [*nodes, node("Add", "d x", "t"), node("Reshape", "t s", "y")], LINES, w)


def transposed() -> Iterator[Form]:
    w = {"w": real(4, 3, 3, 2), "b": real(3)}
    yield one("ConvTranspose", "x w b", constants=w, strides=[2, 3], pads=[1, 0, 1, 1], dilations=[1, 2])
    yield one("ConvTranspose output_padding", "x w b", constants=w, strides=[3, 3], output_padding=[2, 1])
    yield one(
        "ConvTranspose groups", "x w", constants={"w": real(4, 3, 2, 2)}, group=2, strides=[2, 2], reference=NEVER
    )


def two_tensors() -> Iterator[Form]:
    positive = {"c": np.abs(real(4, 1, 1)) + np.float32(0.5)}
    for operator in ("Add", "Sub", "Mul", "Div"):
        yield one(f"{operator} gate", "x z", PAIR, reference=7)
        for inputs in ("x c", "c x"):
            yield one(f"{operator} constant, {inputs}", inputs, constants=positive)
    yield one("Pow square", "x c", constants={"c": np.float32(2.0)})
    yield one("Pow by a constant", "x c", constants={"c": np.float32([[[2]], [[3]], [[0]], [[1]]])})
    for inputs in ("x", "x z", "x z x"):
        yield one(f"Sum {inputs}", inputs, {"x": PAIR["x"]} if inputs == "x" else PAIR, first=8)
    yield one("PRelu channels", "x c", constants={"c": real(4, 1, 1)}, first=7)
    yield one("PRelu columns", "x c", constants={"c": real(6)})
    yield one("PRelu one", "x c", constants={"c": real(1)})


def cuts() -> Iterator[Form]:
    yield one("Slice attributes", last=9, axes=[1, 3], starts=[1, -4], ends=[3, 100])
    places = {"s": np.array([1, -1]), "e": np.array([3, -100]), "a": np.array([1, 3]), "t": np.array([1, -2])}
    yield one("Slice", "x s e a t", constants=places, first=10)
    parts = {"s": np.array([1, 3])}
    yield Form("Split equal", [node("Split", "x", "t y", axis=1)], outputs=("t", "y"), last=17)
    yield Form("Split sizes", [node("Split", "x s", "t y", axis=1)], IMAGE, parts, ("t", "y"), 13)
    yield Form("Split attribute", [node("Split", "x", "t y", axis=1, split=[1, 3])], IMAGE, {}, ("t", "y"), last=12)
    yield one("Gather one", "x i", constants={"i": np.array(2)}, axis=1)
    yield one("Gather some", "x i", constants={"i": np.array([[0, -1], [3, 1]])}, axis=2)
    narrow: Mapping[str, Shape] = {"x": ["N", 1, 5, 1]}
    yield one("Squeeze attribute", shapes=narrow, last=12, axes=[1, -1])
    yield one("Squeeze", "x a", narrow, {"a": np.array([1])}, first=13)
    yield one("Unsqueeze attribute", last=12, axes=[1])
    yield one("Unsqueeze", "x a", constants={"a": np.array([-1, 2])}, first=13)


def sizes() -> Iterator[Form]:
    """A shape that is computed, as exporters write it."""
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "n", axis=0),
        node("Unsqueeze", "n axes", "front"),
        node("Concat", "front minus", "target", axis=0),
        node("Reshape", "x target", "y"),
    ]
    numbers = {"zero": np.array(0), "axes": np.array([0]), "minus": np.array([-1])}
    yield Form("Shape, computed", nodes, {"x": [3, 4, 2]}, numbers, first=13)


def resizes() -> Iterator[Form]:
    yield one(
        "Resize scales",
        "x s",
        constants={"s": np.float32([1, 1, 2, 3])},
        first=10,
        last=10,
        mode="nearest",
        reference=NEVER,
    )
    for mode in ("nearest", "linear"):
        for how in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
            scales, to = {"s": np.float32([1, 1, 2, 0.5])}, {"s": np.array([1, 4, 5, 9])}
            kinds = {"first": 13, "mode": mode, "coordinate_transformation_mode": how, "nearest_mode": "floor"}
            yield one(f"Resize {mode}, {how}, scales", "x - s", constants=scales, reference=NEVER, **kinds)
            yield one(f"Resize {mode}, {how}, sizes", "x - - s", {"x": [1, 4, 7, 6]}, to, reference=NEVER, **kinds)
    for how in ("half_pixel_symmetric", "tf_crop_and_resize"):
        kinds = {"coordinate_transformation_mode": how, "extrapolation_value": 3.0, "first": 19, "reference": NEVER}
        parts = {"r": np.float32([0, 0, 0.3, -0.2, 1, 1, 0.8, 0.9]), "s": np.array([1, 4, 5, 9])}
        yield one(f"Resize linear, {how}", "x r - s", {"x": [1, 4, 7, 6]}, parts, mode="linear", **kinds)
    for policy in ("not_larger", "not_smaller"):
        kinds = {"keep_aspect_ratio_policy": policy, "first": 18, "reference": NEVER}
        yield one(f"Resize width, {policy}", "x - - s", constants={"s": np.array([9])}, axes=[3], **kinds)
    for more in ({"cubic_coeff_a": -0.5}, {"exclude_outside": 1}, {"antialias": 1}):
        kinds = {**more, "mode": "cubic", "first": 18, "reference": NEVER}
        yield one(f"Resize cubic {more}", "x - s", constants={"s": np.float32([1, 1, 2, 0.4])}, **kinds)
    yield one("Upsample attribute", last=8, mode="nearest", scales=[1.0, 1.0, 2.0, 2.0], reference=NEVER)
    yield one("Upsample", "x s", constants={"s": np.float32([1, 1, 2, 3])}, first=9, last=9, reference=NEVER)


def norms() -> Iterator[Form]:
    for keep in (0, 1):
        yield one(f"ReduceMean image, keepdims {keep}", last=17, axes=[2, 3], keepdims=keep)
        yield one(
            f"ReduceMean of axes, keepdims {keep}", "x a", constants={"a": np.array([-1, 1])}, first=18, keepdims=keep
        )
    yield one("InstanceNormalization", "x g b", constants=STATISTICS)
    yield one("LayerNormalization", "x w", constants={"w": real(7, 6)}, axis=2, first=17)
    yield one("LRN", size=3, alpha=0.5, reference=NEVER)
    yield one("Softmax lines", shapes=LINES, first=13, axis=2)


def functions() -> Iterator[Form]:
    for operator in ("Sigmoid", "Tanh", "Elu", "LeakyRelu", "HardSigmoid"):
        yield one(operator)
    yield one("Erf", first=9)
    yield one("HardSwish", first=14)
    yield one("Gelu", first=20)
    yield Form("Sqrt, Reciprocal", [node("Mul", "x x", "t"), node("Sqrt", "t", "u"), node("Reciprocal", "u", "y")])
    yield Form("Cast", [node("Cast", "x", "t", to=1), node("Relu", "t", "y")])


MAKERS = convolutions, matrices, pools, activations, additions, movements, paddings, names_and_constants, networks
MAKERS += lines, transposed, two_tensors, cuts, sizes, resizes, norms, functions
FORMS = [form for make in MAKERS for form in make()]


def contents(graph):
    return [(layer.name, layer.op, layer.inputs, layer.output, graph.tensors[layer.output]) for layer in graph.layers]


@pytest.mark.parametrize("form", [pytest.param(form, id=form.name) for form in FORMS])
def test_as_onnx_evaluates_it(form, tmp_path):
    latest = contents(loaded(form.at(form.opsets()[-1]), tmp_path))
    seen = set()
    for opset in form.opsets():
        proto = form.at(opset)
        values = feeds(proto)
        graph = loaded(proto, tmp_path)
        assert contents(graph) == latest, opset
        assert all(graph.tensors[name].shape[0] == 1 for name in graph.activations())
        if opset >= form.reference and form.versions(opset) not in seen:
            seen.add(form.versions(opset))
            assert_close(by_int8sim(graph, values), by_reference(proto, values), f"opset {opset}")


@pytest.mark.engine
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
@pytest.mark.parametrize("form", [pytest.param(form, id=form.name) for form in FORMS if form.runtime])
def test_as_onnxruntime_runs_it(form, tmp_path):
    opsets = [opset for opset in form.opsets() if opset <= RUNTIME_LATEST]
    unchecked = [opset for opset in opsets if opset < form.reference]
    for opset in {opsets[0], opsets[-1], *unchecked}:
        proto = form.at(opset)
        values = feeds(proto)
        assert_close(by_int8sim(loaded(proto, tmp_path), values), by_runtime(proto, values), f"opset {opset}")


def test_every_operator_of_the_table_has_a_form():
    used = {each.op_type for form in FORMS for each in form.nodes}
    assert used == set(SUPPORTED)
