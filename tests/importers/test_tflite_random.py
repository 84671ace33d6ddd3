"""Random files of one operator in the forms that converters write, int8: read and run here and by the engines.

Half of them have scales that are powers of two, so that many results are exact ties.
"""

import math

import numpy as np
import pytest

from int8sim.exporters import tflite_flatbuffer
from int8sim.graph.run import run
from int8sim.importers.tflite import load_tflite
from int8sim.model.tensor import QuantParams

from .tflite_engines import ENGINES, opened
from .tflite_models import File

pytestmark = pytest.mark.engine
AMOUNTS = [pytest.param(1_500, id="few"), pytest.param(1_000_000, id="million", marks=pytest.mark.slow)]
FORMS: dict = {}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Read a file's content by a profile."""
    for name, form in FORMS.items():
        monkeypatch.setitem(tflite_flatbuffer.OPERATORS, name, form)

    def read(content, profile):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return load_tflite(path, profile)

    return read


class Dice:
    """aimed: scales are powers of two. size: the most values of a tensor, roughly."""

    def __init__(self, seed, size):
        self.rng, self.aimed, self.size = np.random.default_rng(seed), False, size

    def upto(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def pick(self, *values):
        return values[self.upto(0, len(values) - 1)]

    def quant(self, about=0.05):
        scale = 2.0 ** round(math.log2(about)) if self.aimed else about * 2.0 ** self.rng.uniform(-1.5, 1.5)
        return QuantParams(float(np.float32(scale)), self.pick(-128, 0, 127, self.upto(-128, 127)))

    def shape(self, rank=None):
        """[1, ...], the last axis long."""
        inner = [self.upto(1, 9) for _ in range((rank or self.upto(2, 4)) - 2)]
        return (1, *inner, self.upto(1, max(2, self.size // max(1, math.prod(inner)))))

    def codes(self, shape):
        return self.rng.integers(-128, 128, shape).astype(np.int8)


def mean(dice):
    shape = dice.shape()
    axes = sorted({dice.upto(1, len(shape) - 1) for _ in range(2)})
    kept, x = dice.pick(True, False), dice.quant()
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape) if kept or axis not in axes]
    file = File(shape, x)
    given = file.integers("axes", [axis - dice.pick(0, len(shape)) for axis in axes])
    return file.add("MEAN", sizes, dice.pick(x, dice.quant()), given, keepDims=kept)


def broadcast(kind):
    """Two operands that repeat along any axes, in any order; one of them may be a constant, of as many axes or less.

    Long rows and short ones: a vector loop takes 8 or 16 elements.
    """

    def make(dice):
        sizes = (
            1,
            *(dice.pick(1, dice.upto(1, 5)) for _ in range(dice.upto(0, 2))),
            dice.upto(1, 40),
            dice.upto(1, 70),
        )
        most = dice.pick(1, 2)
        shapes = [tuple(dice.pick(size, size, 1) if each < most else size for size in sizes) for each in (0, 1)]
        file, quant = File(shapes[0], dice.quant()), dice.quant()
        if dice.pick(True, False):
            other = file.input(shapes[1], quant)
        else:
            few = shapes[1][dice.upto(0, len(sizes)) :] if shapes[0] == sizes else shapes[1]
            other = file.flat.constant("c", dice.codes(few), quant)
        operands = [file.x, other][:: dice.pick(1, -1)]
        about = 0.05 if kind != "MUL" else 0.05**2 * 32
        shape = np.broadcast_shapes(*shapes)
        return file.add(kind, shape, dice.quant(about), inputs=operands, fusedActivationFunction=dice.upto(0, 3))

    return make


MAKERS = {"MEAN": mean, "ADD": broadcast("ADD"), "SUB": broadcast("SUB"), "MUL": broadcast("MUL")}
ABSENT: dict = {}
"""Engine -> operators that it has not."""


def cases():
    for name in MAKERS:
        yield from ((profile, name) for profile in ENGINES if name not in ABSENT.get(profile, ()))


@pytest.mark.parametrize("least", AMOUNTS)
@pytest.mark.parametrize(("profile", "name"), list(cases()))
def test_random_ones_are_the_engines(load, compared, profile, name, least):
    dice, total = Dice([len(name), *name.encode()], least // 8), 0
    while total < least:
        dice.aimed = not dice.aimed
        content = MAKERS[name](dice).content()
        graph = load(content, profile)
        inputs = {each: dice.codes(graph.tensors[each].shape) for each in graph.inputs}
        answer = opened(content, profile, len(graph.outputs))(list(inputs.values()))
        for mine, theirs in zip(run(graph, inputs).values(), answer, strict=True):
            np.testing.assert_array_equal(mine, theirs, strict=True)
            total += theirs.size
    compared(total, least, f"{profile} {name}")
