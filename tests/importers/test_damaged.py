"""Damaged copies of models: each one loads, or raises an Int8SimError; nothing else gets out."""

from __future__ import annotations

import random
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.graph.ir import Graph
from int8sim.importers.onnx import load_onnx
from int8sim.model.errors import Int8SimError, NotAModelError

from .damaged_models import operators, pairs, shapes, windows
from .onnx_models import LENET, model, node

COPIES = 200
MODELS = [windows, shapes, operators, pairs]
AMOUNTS = [pytest.param(40, id="few"), pytest.param(2000, id="many", marks=pytest.mark.slow)]
MEMORY = 64 << 20


@pytest.fixture(scope="module")
def whole():
    return LENET.read_bytes()


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


@pytest.mark.parametrize("make", MODELS)
def test_small_models_are_whole(make, tmp_path):
    assert outcome(make(), tmp_path / "small.onnx") == "loaded"


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("make", MODELS)
def test_small_models_cut(make, count, tmp_path):
    content = make()

    @settings(max_examples=count)
    @given(st.integers(0, len(content) - 1))
    def check(length):
        assert outcome(content[:length], tmp_path / "cut.onnx") != "loaded"

    check()


@pytest.mark.parametrize("count", AMOUNTS)
@pytest.mark.parametrize("make", MODELS)
def test_small_models_with_flipped_bits(make, count, tmp_path):
    """Without more memory than a few times what the whole file takes."""
    content = make()

    @settings(max_examples=count)
    @given(st.lists(st.integers(0, 8 * len(content) - 1), min_size=1, max_size=3))
    def check(bits):
        damaged = bytearray(content)
        for bit in bits:
            damaged[bit // 8] ^= 1 << bit % 8
        outcome(bytes(damaged), tmp_path / "small.onnx")

    tracemalloc.start()
    try:
        check()
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()


ABSURD = [
    node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[1 << 40, 1], pads=[1 << 39, 0, 1 << 39, 0]),
    node("MaxPool", "x", "y", kernel_shape=[1 << 40, 1], pads=[1 << 39, 0, 1 << 39, 0]),
    node("AveragePool", "x", "y", kernel_shape=[1, 1 << 40], pads=[0, 1 << 39, 0, 1 << 39]),
    node("Resize", "x - many", "y", mode="nearest"),
    node("Resize", "x - - sizes", "y", mode="linear"),
    node("Pad", "x pads", "y"),
    node("Split", "x", "y z", axis=1, num_outputs=1 << 40),
]
"""Numbers that no machine can count to."""
NUMBERS = {"many": np.float32([1, 1, 1e20, 1]), "sizes": np.array([1, 2, 4, 1 << 40])}
NUMBERS |= {"pads": np.array([0, 0, 0, 0, 0, 0, 1 << 40, 0])}


@pytest.mark.parametrize("absurd", ABSURD, ids=lambda each: each.op_type)
def test_absurd_numbers_are_refused_at_once(absurd, tmp_path):
    proto = model([absurd], {"x": ["N", 2, 4, 4]}, constants=NUMBERS, opset=18)
    assert outcome(proto.SerializeToString(), tmp_path / "absurd.onnx") in {"LayerError", "UnsupportedOperatorError"}


def test_an_input_of_absurd_size_is_refused(tmp_path):
    proto = model([node("Relu", "x", "y")], {"x": ["N", 1 << 30, 1 << 30]})
    assert outcome(proto.SerializeToString(), tmp_path / "absurd.onnx") == "NotAModelError"


def flipped(content: bytes, seed: int) -> bytes:
    position = random.Random(seed).randrange(8 * len(content))
    damaged = bytearray(content)
    damaged[position // 8] ^= 1 << position % 8
    return bytes(damaged)
