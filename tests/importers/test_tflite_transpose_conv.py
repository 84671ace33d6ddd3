"""TRANSPOSE_CONV of codes, random and aimed at ties, read and run here and by the engines: no value may differ."""

import numpy as np
import pytest

from int8sim.exporters import tflite_flatbuffer
from int8sim.graph.run import run
from int8sim.importers.tflite import load_tflite
from int8sim.model.errors import LayerError, UnsupportedOperatorError
from int8sim.model.tensor import QuantParams

from .tflite_engines import ENGINES, opened
from .tflite_models import COARSE, File

pytestmark = pytest.mark.engine
AMOUNTS = [pytest.param(20_000, id="few"), pytest.param(1_000_000, id="million", marks=pytest.mark.slow)]
SAME, VALID = 0, 1


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Read a file's content by a profile."""
    monkeypatch.setitem(tflite_flatbuffer.OPERATORS, "TRANSPOSE_CONV", (3, "TransposeConvOptions"))

    def read(content, profile):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return load_tflite(path, profile)

    return read


def quant(rng, aimed, about):
    scale = about if aimed else about * 2.0 ** rng.uniform(-1, 1)
    return QuantParams(float(np.float32(scale)), int(rng.integers(-128, 128)))


def constants(rng, file, aimed, outputs, taps, x):
    """Weights, per channel or not, and a bias or none. aimed: powers of two, small codes."""
    codes = rng.integers(-4 if aimed else -127, 5 if aimed else 128, (outputs, *taps)).astype(np.int8)
    count = outputs if rng.integers(2) else 1
    scales = [2.0**-3 if aimed else float(np.float32(rng.uniform(0.001, 0.01))) for _ in range(count)]
    own = (tuple(scales), 0, 0) if count > 1 else (scales[0],)
    made = [file.flat.constant("w", codes, QuantParams(*own))]
    if rng.integers(2):
        products = [float(np.float32(x.tensor_scale) * np.float32(scale)) for scale in scales]
        bias = (tuple(products), 0, 0) if count > 1 else (products[0], 0, None)
        values = rng.integers(-2000, 2000, outputs).astype(np.int32)
        made.append(file.flat.constant("b", values, QuantParams(*bias, "int32")))
    return made


def transposed(rng, aimed):
    """A file of one operator."""
    height, width, channels, outputs = (int(value) for value in rng.integers(1, (8, 8, 9, 40)))
    strides = [int(value) for value in rng.integers(1, 4, 2)]
    kernel = [int(value) for value in rng.integers(1, 6, 2)]
    padding = int(rng.integers(2))
    reach = [stride if padding == SAME else size for stride, size in zip(strides, kernel, strict=True)]
    size = [(n - 1) * stride + more for n, stride, more in zip((height, width), strides, reach, strict=True)]
    x, y = quant(rng, aimed, 2.0**-4), quant(rng, aimed, 2.0**-1)
    file, shape = File((1, height, width, channels), x), (1, *size, outputs)
    weights, *bias = constants(rng, file, aimed, outputs, (*kernel, channels), x)
    inputs = [file.integers("shape", shape), weights, file.x, *bias]
    options = {"padding": padding, "fusedActivationFunction": int(rng.integers(4))}
    return file.add("TRANSPOSE_CONV", shape, y, inputs=inputs, strideH=strides[0], strideW=strides[1], **options)


@pytest.mark.parametrize("least", AMOUNTS)
@pytest.mark.parametrize("profile", ENGINES)
def test_random_ones_are_the_engines(load, compared, profile, least):
    rng, total, position = np.random.default_rng(0), 0, 0
    while total < least:
        position += 1
        content = transposed(rng, position % 2 > 0).content()
        graph = load(content, profile)
        x = rng.integers(-128, 128, graph.tensors["x"].shape).astype(np.int8)
        (answer,) = opened(content, profile)([x])
        np.testing.assert_array_equal(run(graph, {"x": x})[graph.outputs[0]], answer, strict=True)
        total += answer.size
    compared(total, least, profile)


def form(shape, values, **options):
    """Windows of 3x3, stride 2, over 6x6x4."""

    def file():
        made = File()
        weight = made.flat.constant("w", np.ones(values, np.int8), QuantParams(0.01))
        inputs = [made.integers("shape", shape), weight, made.x]
        return made.add("TRANSPOSE_CONV", shape, COARSE, inputs=inputs, **{"strideH": 2, "strideW": 2} | options)

    return file


REFUSED = {
    "negative strides": (form((1, 12, 12, 2), (2, 3, 3, 4), strideH=-1), LayerError, "none may be below 1"),
    "three dimensions": (form((1, 12, 12), (2, 3, 3, 4)), LayerError, "four dimensions each"),
    "other channels": (form((1, 12, 12, 2), (2, 3, 3, 5)), LayerError, "x has 4 channels, the weight expects 5"),
    "a wider output": (form((1, 30, 12, 2), (2, 3, 3, 4)), UnsupportedOperatorError, "cells before that"),
    "a padding": (form((1, 12, 12, 2), (2, 3, 3, 4), padding=2), UnsupportedOperatorError, "its padding is number 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(load, name):
    file, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        load(file().content(), "tflm")
