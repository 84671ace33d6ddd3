"""Every form of every operator that is read, over the opsets it exists in, against ONNX's evaluator and ONNX Runtime."""

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

OPSETS = (7, 8, 9, 10, 11, 12, 13, 14, 15, 18, 19, 21, 22, 23, 24, 25, 26, LATEST)
IMAGE: Mapping[str, Shape] = {"x": ["N", 4, 7, 6]}
NEVER = LATEST + 1
AUTO_PADS = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


@dataclass(frozen=True)
class Form:
    """One way to write an operator. first, last: the opsets where that is legal.

    reference: the opset from which ONNX's evaluator computes it as the specification says. Its pools ignore SAME_LOWER
    and refuse or shift with ceil_mode; before opset 14 its batch normalization trains; its softmax is opset 13's.
    """

    name: str
    nodes: Sequence[onnx.NodeProto]
    inputs: Mapping[str, Shape] = field(default_factory=lambda: IMAGE)
    constants: Mapping[str, Any] = field(default_factory=dict)
    outputs: Sequence[str] = ("y",)
    first: int = 7
    last: int = LATEST
    reference: int = 7

    def at(self, opset: int) -> onnx.ModelProto:
        """The form as a model."""
        return model(self.nodes, self.inputs, self.outputs, self.constants, opset)

    def opsets(self) -> list[int]:
        """Where it is tested."""
        return [opset for opset in OPSETS if self.first <= opset <= self.last]


def convolutions() -> Iterator[Form]:
    def conv(name: str, w: Any, *, bias: bool = False, **attributes: Any) -> Form:
        constants = {"w": w} | ({"b": real(w.shape[0])} if bias else {})
        return Form(f"Conv {name}", [node("Conv", "x w b" if bias else "x w", "y", **attributes)], constants=constants)

    yield conv("plain", real(3, 4, 3, 3), kernel_shape=[3, 3])
    yield conv("bias, no kernel_shape", real(3, 4, 3, 2), bias=True)
    yield conv("two groups", real(6, 2, 3, 3), bias=True, group=2)
    yield conv("depthwise", real(8, 1, 3, 3), group=4, pads=[1, 1, 1, 1])
    yield conv("strides, dilations, four different pads", real(3, 4, 2, 2), strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 3])
    for mode in AUTO_PADS:
        for strides in ([1, 1], [2, 2], [3, 2]):
            yield conv(f"{mode}, strides {strides}", real(3, 4, 3, 2), auto_pad=mode, strides=strides)
    left_out = [node("Conv", "x w -", "y")]
    yield Form("Conv bias left out", left_out, constants={"w": real(3, 4, 3, 3)})


def matrices() -> Iterator[Form]:
    rows: Mapping[str, Shape] = {"x": ["N", 5]}

    def gemm(name: str, c: Any = None, *, first: int = 7, **attributes: Any) -> Form:
        b = real(3, 5, seed=4) if attributes.get("transB") else real(5, 3, seed=4)
        constants = {"b": b} | ({} if c is None else {"c": c})
        nodes = [node("Gemm", "x b" if c is None else "x b c", "y", **attributes)]
        return Form(f"Gemm {name}", nodes, rows, constants, first=first)

    yield gemm("without C", first=11)
    yield gemm("transB, without C", first=11, transB=1)
    for c in (real(), real(1), real(3), real(1, 3), real(1, 1)):
        yield gemm(f"C {list(c.shape)}", c)
        yield gemm(f"C {list(c.shape)}, alpha, beta, transB", c, alpha=0.25, beta=-1.5, transB=1)
    yield gemm("alpha only", real(3), alpha=3.0)
    yield Form("MatMul rows", [node("MatMul", "x b", "y")], rows, {"b": real(5, 3)})
    yield Form("MatMul 3-D", [node("MatMul", "x b", "y")], {"x": ["N", 2, 5]}, {"b": real(5, 3)})
    for c in (real(3), real(1, 3), real(1), real()):
        for inputs in ("t c", "c t"):
            nodes = [node("MatMul", "x b", "t"), node("Add", inputs, "y")]
            yield Form(f"MatMul, Add {inputs} {list(c.shape)}", nodes, rows, {"b": real(5, 3), "c": c})
    nodes = [node("MatMul", "x b", "t"), node("Add", "t c", "y")]
    yield Form("MatMul 3-D, Add", nodes, {"x": ["N", 2, 5]}, {"b": real(5, 3), "c": real(1, 1, 3)})
    yield Form("Gemm, Add", [node("Gemm", "x b", "t"), node("Add", "t c", "y")], rows, {"b": real(5, 3), "c": real(3)}, first=11)
    for middle in ([], [2], [2, 3]):
        both: Mapping[str, Shape] = {"x": ["N", *middle, 4, 5], "z": ["N", *middle, 5, 3]}
        yield Form(f"MatMul activations {middle}", [node("MatMul", "x z", "y")], both)


def pools() -> Iterator[Form]:
    def pool(operator: str, name: str, first: int = 7, **attributes: Any) -> Form:
        attributes = {"kernel_shape": [3, 2], **attributes}
        automatic = attributes.get("auto_pad", "NOTSET") != "NOTSET" and (operator == "MaxPool" or "ceil_mode" in attributes)
        shifted = operator == "AveragePool" and "ceil_mode" in attributes and "count_include_pad" not in attributes
        reference = NEVER if automatic or shifted else 7
        return Form(f"{operator} {name}", [node(operator, "x", "y", **attributes)], first=first, reference=reference)

    for operator in ("MaxPool", "AveragePool"):
        yield pool(operator, "plain")
        yield pool(operator, "strides", strides=[2, 3])
        yield pool(operator, "four different pads", pads=[1, 0, 2, 1], strides=[2, 1])
        yield pool(operator, "ceil_mode", first=10, ceil_mode=1, strides=[3, 3])
        yield pool(operator, "ceil_mode, pads", first=10, ceil_mode=1, strides=[2, 2], pads=[0, 1, 1, 0])
        yield pool(operator, "ceil_mode VALID, nothing partial", first=10, ceil_mode=1, auto_pad="VALID", strides=[2, 2])
        for mode in AUTO_PADS:
            for strides in ([1, 1], [2, 2], [3, 2]):
                yield pool(operator, f"{mode}, strides {strides}", auto_pad=mode, strides=strides)
    yield pool("MaxPool", "dilations", first=10, dilations=[2, 3])
    yield pool("AveragePool", "dilations spelled out", first=19, dilations=[1, 1])
    yield pool("AveragePool", "count_include_pad", count_include_pad=1, pads=[1, 0, 2, 1])
    yield pool("AveragePool", "count_include_pad SAME", count_include_pad=1, auto_pad="SAME_UPPER", strides=[2, 2])
    for pads in ([1, 1, 1, 1], [0, 1, 2, 0]):
        ceil = pool("AveragePool", f"count_include_pad, ceil_mode {pads}", 10, count_include_pad=1, ceil_mode=1, pads=pads, strides=[2, 2])
        yield ceil
    yield Form("MaxPool indices unused", [node("MaxPool", "x", "y indices", kernel_shape=[2, 2])], first=8)
    yield Form("GlobalAveragePool", [node("GlobalAveragePool", "x", "y")])


def activations() -> Iterator[Form]:
    yield Form("Relu", [node("Relu", "x", "y")])
    yield Form("Relu 2-D", [node("Relu", "x", "y")], {"x": ["N", 9]})
    for bounds in ({}, {"min": -0.5}, {"max": 0.25}, {"min": 0.0, "max": 0.5}):
        yield Form(f"Clip attributes {bounds}", [node("Clip", "x", "y", **bounds)], last=10)
    limits = {"low": np.float32(-0.5), "high": np.float32(0.25)}
    for inputs in ("x", "x low", "x - high", "x low high"):
        yield Form(f"Clip inputs {inputs}", [node("Clip", inputs, "y")], constants=limits, first=11)
    probabilities: Mapping[str, Shape] = {"x": ["N", 9]}
    yield Form("Softmax rows, axis 1", [node("Softmax", "x", "y", axis=1)], probabilities)
    yield Form("Softmax rows, default", [node("Softmax", "x", "y")], probabilities)
    yield Form("Softmax rows, axis -1", [node("Softmax", "x", "y", axis=-1)], probabilities, first=11)
    column: Mapping[str, Shape] = {"x": ["N", 9, 1, 1]}
    yield Form("Softmax of a pool's result", [node("Softmax", "x", "y", axis=1)], column)
    yield Form("Softmax last axis", [node("Softmax", "x", "y", axis=3)])
    yield Form("Softmax flattening to the one wide axis", [node("Softmax", "x", "y", axis=1)], {"x": ["N", 1, 5, 1]}, last=12, reference=NEVER)
    yield Form("Softmax channels of an image", [node("Softmax", "x", "y", axis=1)], first=13)
    yield Form("Softmax default of an image", [node("Softmax", "x", "y")], first=13)
    statistics = {"g": real(4), "b": real(4, seed=2), "m": real(4, seed=3), "v": np.abs(real(4, seed=4))}
    for epsilon in ({}, {"epsilon": 0.01}, {"momentum": 0.5}):
        yield Form(f"BatchNormalization {epsilon}", [node("BatchNormalization", "x g b m v", "y", **epsilon)], constants=statistics, reference=14)
    rows: Mapping[str, Shape] = {"x": ["N", 4]}
    yield Form("BatchNormalization rows", [node("BatchNormalization", "x g b m v", "y")], rows, statistics, reference=14)


def additions() -> Iterator[Form]:
    yield Form("Add", [node("Add", "x z", "y")], {**IMAGE, "z": ["N", 4, 7, 6]})
    yield Form("Add to itself", [node("Add", "x x", "y")])
    w = real(3, 4, 3, 3)
    for c in (real(3, 1, 1), real(1, 3, 1, 1), real(1), real()):
        for inputs in ("t c", "c t"):
            nodes = [node("Conv", "x w", "t"), node("Add", inputs, "y")]
            yield Form(f"Conv, Add {inputs} {list(c.shape)}", nodes, constants={"w": w, "c": c})
    nodes = [node("Conv", "x w", "s"), node("Identity", "s", "t"), node("Add", "t c", "u"), node("Relu", "u", "y")]
    yield Form("Conv, Identity, Add, Relu", nodes, constants={"w": w, "c": real(3, 1, 1)})


def movements() -> Iterator[Form]:
    two: Mapping[str, Shape] = {**IMAGE, "z": ["N", 2, 7, 6]}
    yield Form("Concat channels", [node("Concat", "x z", "y", axis=1)], two)
    yield Form("Concat of one, from the end", [node("Concat", "x", "y", axis=-1)])
    yield Form("Concat columns", [node("Concat", "x x x", "y", axis=-1)], first=11)
    yield Form("Concat rows", [node("Concat", "x z", "y", axis=1)], {"x": ["N", 3], "z": ["N", 4]})
    yield Form("Flatten", [node("Flatten", "x", "y")])
    yield Form("Flatten axis 1", [node("Flatten", "x", "y", axis=1)])
    yield Form("Flatten axis from the end", [node("Flatten", "x", "y", axis=-3)], first=11)
    for shape in ([0, -1], [-1, 168], [0, 0, -1], [0, 0, 42], [-1, 4, 42], [0, 2, 2, 42], [0, 0, 0, 6], [0, 4, 0, -1]):
        yield Form(f"Reshape {shape}", [node("Reshape", "x s", "y")], constants={"s": np.array(shape)})
    fixed: Mapping[str, Shape] = {"x": [2, 4, 7, 6]}
    for shape in ([2, -1], [2, 168], [2, 4, 42]):
        yield Form(f"Reshape {shape}, batch 2", [node("Reshape", "x s", "y")], fixed, {"s": np.array(shape)})
    one: Mapping[str, Shape] = {"x": [1, 4, 7, 6]}
    yield Form("Reshape [1, -1], batch 1", [node("Reshape", "x s", "y")], one, {"s": np.array([1, -1])})
    yield Form("Reshape allowzero, no zero", [node("Reshape", "x s", "y", allowzero=1)], constants={"s": np.array([-1, 168])}, first=14)
    yield Form("Transpose to NHWC", [node("Transpose", "x", "y", perm=[0, 2, 3, 1])])
    yield Form("Transpose height and width", [node("Transpose", "x", "y", perm=[0, 1, 3, 2])])
    yield Form("Transpose 3-D", [node("Transpose", "x", "y", perm=[0, 2, 1])], {"x": ["N", 3, 5]})
    yield Form("Transpose 5-D", [node("Transpose", "x", "y", perm=[0, 2, 1, 3, 4])], {"x": ["N", 2, 3, 2, 2]})
    yield from pads()


def pads() -> Iterator[Form]:
    sizes = [0, 1, 0, 2, 0, 0, 3, 1]
    yield Form("Pad attributes", [node("Pad", "x", "y", pads=sizes)], last=10)
    yield Form("Pad attributes, all", [node("Pad", "x", "y", pads=sizes, mode="constant", value=0.0)], last=10)
    constants = {"p": np.array(sizes), "zero": np.float32(0), "some": np.array([1, 2, 3, 4]), "axes": np.array([-1, 2])}
    for inputs, first in (("x p", 11), ("x p zero", 11), ("x p -", 11), ("x some zero axes", 18), ("x some - axes", 18)):
        yield Form(f"Pad inputs {inputs}", [node("Pad", inputs, "y")], constants=constants, first=first)
    yield Form("Pad rows", [node("Pad", "x p", "y", mode="constant")], {"x": ["N", 3]}, {"p": np.array([0, 1, 0, 2])}, first=11)


def names_and_constants() -> Iterator[Form]:
    chain = [node("Identity", "x", "a"), node("Relu", "a", "b"), node("Identity", "b", "c"), node("Relu", "c", "y")]
    yield Form("Identity", chain)
    yield Form("Identity at the end", [node("Relu", "x", "a"), node("Identity", "a", "b"), node("Identity", "b", "y")])
    yield Form("Dropout", [node("Relu", "x", "a"), node("Dropout", "a", "b mask", ratio=0.25), node("Relu", "b", "y")], last=11)
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
    nodes = [node("Constant", "", "c", value_floats=[0.5, 1.5, 2.5]), node("MatMul", "x b", "t"), node("Add", "t c", "y")]
    yield Form("Constant value_floats", nodes, {"x": ["N", 5]}, {"b": real(5, 3)}, first=12)


def networks() -> Iterator[Form]:
    statistics = {"g": real(4), "b": real(4, seed=2), "m": real(4, seed=3), "v": np.abs(real(4, seed=4))}
    residual = [
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
    weights = {"w1": real(4, 4, 3, 3), "w2": real(4, 4, 3, 3, seed=9), "b2": real(4, 1, 1), "fc": real(3, 8), "fb": real(3)}
    yield Form("residual", residual, constants={**statistics, **weights, "s": np.array([-1, 8])}, outputs=("y", "logits"), reference=14)
    from_tensorflow = [
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
    yield Form("NHWC input", from_tensorflow, {"x": ["N", 5, 6, 2]}, weights)
    shuffle = [
        node("Reshape", "x s1", "split"),
        node("Transpose", "split", "mixed", perm=[0, 2, 1, 3, 4]),
        node("Reshape", "mixed s2", "joined"),
        node("Conv", "joined w", "y", group=4),
    ]
    shapes = {"s1": np.array([0, 2, 2, 7, 6]), "s2": np.array([0, 4, 7, 6]), "w": real(4, 1, 1, 1)}
    yield Form("channel shuffle", shuffle, constants=shapes)


FORMS = [
    form
    for group in (convolutions, matrices, pools, activations, additions, movements, names_and_constants, networks)
    for form in group()
]
CASES = [pytest.param(form, opset, id=f"{form.name}, opset {opset}") for form in FORMS for opset in form.opsets()]


def contents(graph):
    return [(layer.name, layer.op, layer.inputs, layer.output, graph.tensors[layer.output]) for layer in graph.layers]


@pytest.mark.parametrize(("form", "opset"), CASES)
def test_as_onnx_evaluates_it(form, opset, tmp_path):
    proto = form.at(opset)
    values = feeds(proto)
    graph = loaded(proto, tmp_path)
    assert all(graph.tensors[name].shape[0] == 1 for name in graph.activations())
    assert contents(graph) == contents(loaded(form.at(form.opsets()[-1]), tmp_path))
    found = by_int8sim(graph, values)
    if opset >= form.reference:
        assert_close(found, by_reference(proto, values))


@pytest.mark.engine
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
@pytest.mark.parametrize("form", [pytest.param(form, id=form.name) for form in FORMS])
def test_as_onnxruntime_runs_it(form, tmp_path):
    opsets = [opset for opset in form.opsets() if opset <= RUNTIME_LATEST]
    unchecked = [opset for opset in opsets if opset < form.reference]
    for opset in {opsets[0], opsets[-1], *unchecked}:
        proto = form.at(opset)
        values = feeds(proto)
        assert_close(by_int8sim(loaded(proto, tmp_path), values), by_runtime(proto, values))


def test_every_operator_of_the_table_has_a_form():
    used = {each.op_type for form in FORMS for each in form.nodes}
    assert used == set(SUPPORTED)
