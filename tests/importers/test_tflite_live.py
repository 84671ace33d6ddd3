"""Forms of operators that the exporter does not write, read and run here and by the engines: no value may differ."""

import numpy as np
import pytest

from int8sim.exporters import tflite_flatbuffer
from int8sim.graph.run import run
from int8sim.importers.tflite import load_tflite
from int8sim.model.errors import LayerError, UnsupportedOperatorError
from int8sim.model.tensor import QuantParams

from .tflite_engines import ENGINES, answers
from .tflite_models import COARSE, FINE, File

pytestmark = pytest.mark.engine
MORE = {"SPLIT": (2, "SplitOptions"), "SPLIT_V": (2, "SplitVOptions")}


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Read a file's content by a profile."""
    for name, form in MORE.items():
        monkeypatch.setitem(tflite_flatbuffer.OPERATORS, name, form)

    def read(content, profile):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return load_tflite(path, profile)

    return read


@pytest.fixture
def equal(load):
    """How many values are the engine's, of all the file's outputs."""

    def check(file, profile, *inputs):
        content = file().content()
        graph = load(content, profile)
        found = run(graph, dict(zip(graph.inputs, inputs, strict=True)))
        theirs = answers(content, inputs, profile, len(graph.outputs))
        for mine, answer in zip(found.values(), theirs, strict=True):
            np.testing.assert_array_equal(mine, answer, strict=True)
        return sum(answer.size for answer in theirs)

    return check


def sliced(shape, begin, end, strides=(1, 1, 1, 1), **masks):
    def file():
        made = File()
        columns = [made.integers(f"c{i}", each) for i, each in enumerate((begin, end, strides))]
        return made.add("STRIDED_SLICE", shape, FINE, *columns, **masks)

    return file


def split(axis, shapes, sizes=None):
    def file():
        made = File()
        axes = made.integers("axis", axis)
        if sizes is None:
            return made.split("SPLIT", [axes, made.x], shapes, numSplits=len(shapes))
        return made.split("SPLIT_V", [made.x, made.integers("sizes", sizes), axes], shapes, numSplits=len(shapes))

    return file


def pixels():
    return np.random.default_rng(0).integers(-128, 128, (1, 6, 6, 4)).astype(np.int8)


FORMS = {
    "masks": sliced((1, 4, 6, 3), (0, 2, 5, -3), (0, 9, 1, 9), beginMask=5, endMask=7),
    "negative": sliced((1, 2, 3, 2), (0, -4, -6, 0), (1, -2, -3, -2)),
    "backward": sliced((1, 3, 2, 4), (0, -1, 4, 9), (1, -7, 1, -9), (1, -2, -2, -1)),
    "shrunk": sliced((1, 6, 2), (0, 3, 0, 1), (1, 0, 6, 3), beginMask=1, endMask=1, shrinkAxisMask=2),
    "shrunk to a row": sliced((1, 6), (0, -1, 0, -2), (1, 0, 6, 0), endMask=8, shrinkAxisMask=10),
    "beyond the ends": sliced((1, 6, 6, 4), (0, -99, -99, -99), (99, 99, 99, 99)),
    "split": split([-1], [(1, 6, 6, 2)] * 2),
    "split in three": split([1], [(1, 2, 6, 4)] * 3),
    "sizes": split([2], [(1, 6, 1, 4), (1, 6, 3, 4), (1, 6, 2, 4)], [1, 3, 2]),
    "the rest": split([-1], [(1, 6, 6, 1), (1, 6, 6, 3)], [1, -1]),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("profile", ENGINES)
def test_parts_are_the_engines(equal, compared, profile, name):
    compared(equal(FORMS[name], profile, pixels()), 4, profile)


def combined(kind, shape, first=False, quant=COARSE, **options):
    """With a constant, or with a part of the tensor itself."""

    def file():
        made, rng = File(), np.random.default_rng(1)
        codes = rng.integers(-128, 128, shape).astype(np.int8)
        other = made.flat.constant("c", codes, QuantParams(float(np.float32(0.03)), 11))
        return made.add(kind, (1, 6, 6, 4), quant, inputs=[other, made.x] if first else [made.x, other], **options)

    return file


def broadcast(kind):
    """A tensor with its own first column."""

    def file():
        made = File()
        ends = [made.integers(f"c{i}", each) for i, each in enumerate(((0,) * 4, (1, 6, 1, 4), (1,) * 4))]
        made.add("STRIDED_SLICE", (1, 6, 1, 4), FINE, *ends)
        return made.add(kind, (1, 6, 6, 4), COARSE, inputs=[made.x, made.last])

    return file


SUMS = {
    f"{kind} {name}": combined(kind, *form)
    for kind in ("ADD", "SUB", "MUL")
    for name, form in {"whole": ((1, 6, 6, 4),), "channels": ((4,),), "first": ((1, 1, 6, 4), True)}.items()
} | {f"{kind} column": broadcast(kind) for kind in ("ADD", "SUB", "MUL")}
LIMITS = {"MAXIMUM": combined("MAXIMUM", (1,), quant=FINE), "MINIMUM": combined("MINIMUM", (), True, quant=FINE)}
SUMS |= {"ADD number": combined("ADD", (1,), fusedActivationFunction=1), "SUB number": combined("SUB", (), True)}


@pytest.mark.parametrize("name", SUMS)
@pytest.mark.parametrize("profile", ENGINES)
def test_constants_and_broadcasting_are_the_engines(equal, compared, profile, name):
    compared(equal(SUMS[name], profile, pixels()), 144, profile)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("profile", ENGINES)
def test_limits_are_the_engines(equal, compared, profile, name):
    compared(equal(LIMITS[name], profile, pixels()), 144, profile)


def padded(value):
    def file():
        made = File()
        widths = made.integers("p", [[0, 0], [1, 0], [0, 2], [0, 0]])
        filling = made.flat.constant("filling", np.array([value], np.int8), FINE)
        return made.add("PADV2", (1, 7, 8, 4), FINE, widths, filling)

    return file


@pytest.mark.parametrize("profile", ENGINES)
def test_a_border_of_zero_is_the_engines(equal, compared, profile):
    compared(equal(padded(FINE.tensor_zero_point), profile, pixels()), 224, profile)


REFUSED = {
    "another scale": (combined("MINIMUM", (1,)), UnsupportedOperatorError, "different scales"),
    "ellipsis": (sliced((1, 6, 6, 4), (0,) * 4, (6,) * 4, ellipsisMask=2), UnsupportedOperatorError, "ellipsis_mask"),
    "offset": (sliced((1, 6, 6, 4), (0,) * 4, (6,) * 4, offset=True), UnsupportedOperatorError, "offset"),
    "three of four": (sliced((1, 6, 6, 4), (0,) * 3, (6,) * 3), LayerError, "4 of each are needed"),
    "strides of 0": (sliced((1, 6, 6, 4), (0,) * 4, (6,) * 4, (1, 1, 0, 1)), LayerError, "strides not 0"),
    "empty": (sliced((1, 6, 6, 4), (0, 3, 0, 0), (1, 3, 6, 4)), LayerError, "has no place"),
    "no batch": (sliced((6, 6, 4), (0,) * 4, (6,) * 4, shrinkAxisMask=1), UnsupportedOperatorError, "the batch"),
    "batch backward": (sliced((0, 6, 6, 4), (1, 0, 0, 0), (6,) * 4), UnsupportedOperatorError, "0 of the batch of 1"),
    "split of 6 in 4": (split([1], [(1, 6, 6, 1)] * 4), LayerError, "4 equal parts of 6"),
    "axis 4": (split([4], [(1, 6, 6, 2)] * 2), LayerError, r"its axis is \[4\]"),
    "the batch": (split([-4], [(1, 6, 6, 2)] * 2), UnsupportedOperatorError, "axis 0, the batch"),
    "two rests": (split([1], [(1, 3, 6, 4)] * 2, [-1, -1]), LayerError, "one may be -1"),
    "too little": (split([1], [(1, 2, 6, 4)] * 2, [2, 2]), LayerError, r"its sizes are \[2, 2\], of 6"),
    "one output": (split([1], [(1, 6, 6, 4)], [3, 3]), LayerError, "2 sizes and 1 outputs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(load, name):
    file, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        load(file().content(), "tflm")
