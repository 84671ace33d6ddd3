"""Damaged copies of the LeNet: each one loads, or raises an Int8SimError; nothing else gets out."""

from __future__ import annotations

import random

import numpy as np
import pytest

from int8sim.graph.ir import Graph
from int8sim.importers.onnx import load_onnx
from int8sim.model.errors import Int8SimError, NotAModelError

from .onnx_models import LENET, model, node, real

COPIES = 200


@pytest.fixture(scope="module")
def whole():
    return LENET.read_bytes()


@pytest.fixture(scope="module")
def small():
    """Little data, so that most bits are structure: every operator with attributes, in 3 KB."""
    nodes = [
        node("Conv", "x w", "a", "conv", auto_pad="SAME_UPPER", strides=[2, 2], dilations=[1, 1], group=2),
        node("Add", "a c", "b", "bias"),
        node("BatchNormalization", "b g g g v", "d", epsilon=0.001),
        node("Clip", "d low high", "e"),
        node("MaxPool", "e", "f", kernel_shape=[2, 2], ceil_mode=1, strides=[2, 1], pads=[0, 1, 1, 0]),
        node("AveragePool", "f", "h", kernel_shape=[2, 2], count_include_pad=1, pads=[1, 1, 0, 0]),
        node("Concat", "h h", "i", axis=-3),
        node("Pad", "i pads", "j", mode="constant"),
        node("Transpose", "j", "k", perm=[0, 2, 3, 1]),
        node("Reshape", "k shape", "l"),
        node("Gemm", "l m o", "p", alpha=0.5, beta=2.0, transB=1),
        node("Identity", "p", "q"),
        node("Softmax", "q", "y", axis=-1),
    ]
    weights = {"w": real(4, 2, 3, 3), "c": real(4, 1, 1), "g": real(4), "v": np.abs(real(4))}
    rows = {"shape": np.array([0, -1]), "m": real(3, 96), "o": real(3)}
    settings = {"low": np.float32(0), "high": np.float32(6), "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1])}
    return model(nodes, {"x": ["N", 4, 6, 6]}, constants=weights | rows | settings).SerializeToString()


def outcome(content: bytes, path) -> str:
    path.write_bytes(content)
    try:
        graph = load_onnx(path)
    except Int8SimError as error:
        return type(error).__name__
    assert isinstance(graph, Graph)
    return "loaded"


def test_truncated_copies(whole, tmp_path):
    lengths = random.Random(1).sample(range(len(whole)), COPIES - 40)
    lengths += range(20)
    lengths += range(len(whole) - 20, len(whole))
    results = [outcome(whole[:length], tmp_path / "cut.onnx") for length in lengths]
    assert set(results) == {NotAModelError.__name__}


def test_copies_with_a_flipped_bit(whole, tmp_path):
    results = [outcome(flipped(whole, seed), tmp_path / "flipped.onnx") for seed in range(COPIES)]
    assert "loaded" in results


def test_small_model_with_a_flipped_bit(small, tmp_path):
    assert outcome(small, tmp_path / "small.onnx") == "loaded"
    results = [outcome(flipped(small, seed), tmp_path / "small.onnx") for seed in range(5 * COPIES)]
    assert {"loaded", "NotAModelError", "UnsupportedOperatorError", "LayerError", "GraphError"} <= set(results)


def test_small_model_cut_everywhere(small, tmp_path):
    for length in range(len(small)):
        assert outcome(small[:length], tmp_path / "cut.onnx") != "loaded"


def flipped(content: bytes, seed: int) -> bytes:
    position = random.Random(seed).randrange(8 * len(content))
    damaged = bytearray(content)
    damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)
