"""int16 activations, int8 weights, int64 biases, random and aimed at ties: read and run here and by the engines."""

import numpy as np
import pytest

from int8sim.exporters import tflite_flatbuffer
from int8sim.graph.run import run
from int8sim.importers.tflite import load_tflite
from int8sim.model.errors import LayerError, UnsupportedOperatorError
from int8sim.model.tensor import QuantParams, dtype_range

from .tflite_engines import ENGINES, opened
from .tflite_models import File

pytestmark = pytest.mark.engine
AMOUNTS = [pytest.param(3_000, id="few"), pytest.param(1_000_000, id="million", marks=pytest.mark.slow)]
VERSIONS = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7, "ADD": 3, "SUB": 5, "LEAKY_RELU": 2}
VERSIONS |= {"MUL": 4, "AVERAGE_POOL_2D": 3, "MEAN": 3, "SOFTMAX": 3, "QUANTIZE": 2, "PAD": 3, "STRIDED_SLICE": 4}
VALID = 1


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Read a file's content by a profile."""
    operators = tflite_flatbuffer.OPERATORS
    forms = {name: (version, operators[name][1]) for name, version in VERSIONS.items()}
    for name, form in {**forms, "TRANSPOSE_CONV": (3, "TransposeConvOptions")}.items():
        monkeypatch.setitem(operators, name, form)
    for name in ("int16", "int64"):
        monkeypatch.setitem(tflite_flatbuffer.TYPES, name, name.upper())

    def read(content, profile):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return load_tflite(path, profile)

    return read


class Dice:
    """aimed: scales are powers of two and weights small codes, so that many outputs are exact ties.

    side, size: the most of an image's rows and columns, and of a row's elements.
    """

    def __init__(self, seed, large):
        self.rng, self.aimed = np.random.default_rng(seed), False
        self.side, self.size = (40, 20_000) if large else (8, 600)

    def sizes(self, *most):
        return [int(value) for value in self.rng.integers(1, np.array(most) + 1)]

    def quant(self, about, dtype="int16"):
        scale = about if self.aimed else about * 2.0 ** self.rng.uniform(-1.5, 1.5)
        zero_point = 0 if dtype == "int16" else int(self.rng.integers(-128, 128))
        return QuantParams(float(np.float32(scale)), zero_point, None, dtype)

    def activation(self):
        return {"dtype": "int16", "fusedActivationFunction": int(self.rng.integers(4))}

    def constants(self, file, x, outputs, shape, axis, biased):
        """Weights, per channel or not, and a bias or none."""
        codes = self.rng.integers(*((-4, 5) if self.aimed else (-127, 128)), shape).astype(np.int8)
        count = outputs if self.rng.integers(2) else 1
        scales = [2.0**-3 if self.aimed else float(np.float32(self.rng.uniform(0.001, 0.01))) for _ in range(count)]
        products = [float(np.float32(x.tensor_scale) * np.float32(scale)) for scale in scales]
        own = (tuple(scales), 0, axis) if count > 1 else (scales[0],)
        sums = (tuple(products), 0, 0) if count > 1 else (products[0], 0, None)
        found = [file.flat.constant("w", codes, QuantParams(*own))]
        if biased:
            values = self.rng.integers(-(2**20), 2**20, outputs)
            found.append(file.flat.constant("b", values, QuantParams(*sums, "int64")))
        return found


STEPS = {"strideH": 1, "strideW": 1}
IN, OUT = 2.0**-12, 2.0**-9


def conv(dice):
    height, width, channels, outputs, *kernel = dice.sizes(dice.side, dice.side, 8, 20, 3, 3)
    x = dice.quant(IN)
    file = File((1, height, width, channels), x, "int16")
    constants = dice.constants(file, x, outputs, (outputs, *kernel, channels), 0, biased=True)
    return file.add("CONV_2D", (1, height, width, outputs), dice.quant(OUT), *constants, **STEPS, **dice.activation())


def depthwise(dice):
    height, width, channels, *kernel = dice.sizes(dice.side, dice.side, 20, 3, 3)
    x = dice.quant(IN)
    file, shape = File((1, height, width, channels), x, "int16"), (1, height, width, channels)
    constants = dice.constants(file, x, channels, (1, *kernel, channels), 3, dice.rng.integers(2))
    options = {**STEPS, **dice.activation(), "depthMultiplier": 1}
    return file.add("DEPTHWISE_CONV_2D", shape, dice.quant(OUT), *constants, **options)


def fully_connected(dice):
    taps, outputs = dice.sizes(300, dice.size // 3)
    x = dice.quant(IN)
    file = File((1, taps), x, "int16")
    constants = dice.constants(file, x, outputs, (outputs, taps), 0, dice.rng.integers(2))
    return file.add("FULLY_CONNECTED", (1, outputs), dice.quant(OUT), *constants, **dice.activation())


def transpose_conv(dice):
    height, width, channels, outputs, *kernel = dice.sizes(dice.side, dice.side, 8, 20, 4, 4)
    x, shape = dice.quant(IN), (1, height - 1 + kernel[0], width - 1 + kernel[1], outputs)
    file = File((1, height, width, channels), x, "int16")
    weights, *bias = dice.constants(file, x, outputs, (outputs, *kernel, channels), 0, dice.rng.integers(2))
    inputs = [file.integers("shape", shape), weights, file.x, *bias]
    options = {**STEPS, **dice.activation(), "padding": VALID}
    return file.add("TRANSPOSE_CONV", shape, dice.quant(OUT), inputs=inputs, **options)


def summed(kind):
    def make(dice, shifts=False):
        (size,) = dice.sizes(dice.size)
        file = File((1, size), dice.quant(IN), "int16")
        codes = dice.rng.integers(-32768, 32768, (1, size)).astype(np.int16)
        other = file.flat.constant("c", codes, dice.quant(IN))
        return file.add(kind, (1, size), dice.quant(IN * 2), other, potScaleInt16=shifts, **dice.activation())

    return make


def leaky(dice):
    (size,) = dice.sizes(dice.size)
    slope = float(np.float32(dice.rng.uniform(-1, 1)))
    return File((1, size), dice.quant(IN), "int16").add(
        "LEAKY_RELU", (1, size), dice.quant(IN), dtype="int16", alpha=slope
    )


def quantized(source, target):
    def make(dice):
        (size,) = dice.sizes(dice.size)
        about = {"int8": 2.0**-5, "int16": IN}
        file = File((1, size), None if source == "float32" else dice.quant(about[source], source), source)
        return file.add("QUANTIZE", (1, size), dice.quant(about[target], target), dtype=target)

    return make


def moved(dice):
    x = dice.quant(IN)
    file = File((1, 4, 5, dice.size), x, "int16")
    file.add("PAD", (1, 5, 7, dice.size), x, file.integers("p", [[0, 0], [1, 0], [0, 2], [0, 0]]), dtype="int16")
    ends = [file.integers(f"e{i}", each) for i, each in enumerate(([0, 4, 0, 0], [1, -9, 7, dice.size], [1, -2, 2, 1]))]
    return file.add("STRIDED_SLICE", (1, 3, 4, dice.size), x, *ends, dtype="int16")


def product(dice):
    (size,) = dice.sizes(dice.size)
    file = File((1, size), dice.quant(IN), "int16")
    codes = dice.rng.integers(-32768, 32768, (1, size)).astype(np.int16)
    other = file.flat.constant("c", codes, dice.quant(IN))
    return file.add("MUL", (1, size), dice.quant(2.0**-11), other, **dice.activation())


def average(dice):
    shape = (1, *dice.sizes(9, 9), dice.size // 20)
    quant = dice.quant(IN)
    file = File(shape, quant, "int16")
    options = {"filterHeight": 2, "filterWidth": 3, "padding": 0, **STEPS}
    return file.add("AVERAGE_POOL_2D", shape, quant, **options, **dice.activation())


def mean(dice):
    height, width, channels = *dice.sizes(9, 9), dice.size // 2
    file, kept = File((1, height, width, channels), dice.quant(IN), "int16"), bool(dice.rng.integers(2))
    shape = (1, 1, 1, channels) if kept else (1, channels)
    return file.add("MEAN", shape, dice.quant(IN / 2), file.integers("a", [1, 2]), dtype="int16", keepDims=kept)


def softmax(dice):
    shape = (1, dice.size // 20, *dice.sizes(30))
    file, share = File(shape, dice.quant(IN), "int16"), QuantParams(1 / 32768, 0, None, "int16")
    return file.add("SOFTMAX", shape, share, dtype="int16", beta=1.0)


MAKERS = {
    "CONV_2D": conv,
    "DEPTHWISE_CONV_2D": depthwise,
    "FULLY_CONNECTED": fully_connected,
    "TRANSPOSE_CONV": transpose_conv,
    "ADD": summed("ADD"),
    "SUB": summed("SUB"),
    "LEAKY_RELU": leaky,
    "QUANTIZE of int8": quantized("int8", "int16"),
    "QUANTIZE to int8": quantized("int16", "int8"),
    "QUANTIZE of int16": quantized("int16", "int16"),
    "QUANTIZE of float32": quantized("float32", "int16"),
    "PAD, STRIDED_SLICE": moved,
    "MUL": product,
    "AVERAGE_POOL_2D": average,
    "MEAN": mean,
    "SOFTMAX": softmax,
}


def values(rng, kind):
    if kind.dtype == "float32":
        return rng.normal(0, 4, kind.shape).astype(np.float32)
    low, high = dtype_range(kind.dtype)
    return rng.integers(low, high + 1, kind.shape).astype(kind.dtype)


OTHERS = {("tflm", "SOFTMAX")}
"""What an engine computes in a way that is not known here."""


@pytest.mark.parametrize("least", AMOUNTS)
@pytest.mark.parametrize(
    ("profile", "name"), [(each, name) for each in ENGINES for name in MAKERS if (each, name) not in OTHERS]
)
def test_random_ones_are_the_engines(load, compared, profile, name, least):
    dice, total = Dice(len(name), least > 3_000), 0
    while total < least:
        dice.aimed = not dice.aimed
        content = MAKERS[name](dice).content()
        graph = load(content, profile)
        x = values(dice.rng, graph.tensors["x"])
        (answer,) = opened(content, profile)([x])
        np.testing.assert_array_equal(run(graph, {"x": x})[graph.outputs[0]], answer, strict=True)
        total += answer.size
    compared(total, least, f"{profile} {name}")


def shifting():
    dice = Dice(0, large=False)
    dice.aimed = True
    return summed("ADD")(dice, shifts=True)


def with_bias_of_32_bits():
    file, quant = File((1, 4), QuantParams(IN, dtype="int16"), "int16"), QuantParams(0.5)
    weight = file.flat.constant("w", np.ones((3, 4), np.int8), quant)
    bias = file.flat.constant("b", np.ones(3, np.int32), QuantParams(IN / 2, dtype="int32"))
    return file.add("FULLY_CONNECTED", (1, 3), QuantParams(OUT, dtype="int16"), weight, bias, dtype="int16")


def alone(kind, x, y, dtype="int16"):
    return lambda: File((1, 4), x, "int16").add(kind, (1, 4), y, dtype=dtype)


WIDE = QuantParams(IN, 0, None, "int16")
REFUSED = {
    "shifts": (shifting, UnsupportedOperatorError, "powers of two"),
    "an int32 bias": (with_bias_of_32_bits, UnsupportedOperatorError, "its bias is int32"),
    "a zero point": (alone("RELU", QuantParams(IN, 3, None, "int16"), WIDE), LayerError, "only 0 is read"),
    "an operator": (alone("TANH", WIDE, WIDE), UnsupportedOperatorError, "no integer form of tanh"),
    "int8 out of int16": (alone("LEAKY_RELU", WIDE, QuantParams(0.1), "int8"), UnsupportedOperatorError, "int8 is"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(load, name):
    file, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        load(file().content(), "tflite_reference")
