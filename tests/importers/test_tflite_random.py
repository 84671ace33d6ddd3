"""Random files of one operator in the forms that converters write, int8: read and run here and by the engines.

Half of them have scales that are powers of two, so that many results are exact ties.
"""

import math

import numpy as np
import pytest

from int8sim.exporters import tflite_flatbuffer
from int8sim.graph.run import run
from int8sim.importers.tflite import load_tflite
from int8sim.model.tensor import QuantParams, dtype_range

from .tflite_engines import ENGINES, opened
from .tflite_models import File

pytestmark = pytest.mark.engine
AMOUNTS = [pytest.param(500, id="few"), pytest.param(1_000_000, id="million", marks=pytest.mark.slow)]
FORMS = {
    "RELU_N1_TO_1": (1, ""),
    "PRELU": (1, ""),
    "REDUCE_MAX": (2, "ReducerOptions"),
    "RESIZE_BILINEAR": (3, "ResizeBilinearOptions"),
    "SQUEEZE": (1, "SqueezeOptions"),
    "EXPAND_DIMS": (1, "ExpandDimsOptions"),
    "SPACE_TO_DEPTH": (2, "SpaceToDepthOptions"),
    "DEPTH_TO_SPACE": (1, "DepthToSpaceOptions"),
    "SLICE": (2, "SliceOptions"),
    "MIRROR_PAD": (2, "MirrorPadOptions"),
    "PACK": (2, "PackOptions"),
    "UNPACK": (2, "UnpackOptions"),
    "SHAPE": (1, "ShapeOptions"),
}


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

    def quant(self, about=0.05, dtype="int8"):
        scale = 2.0 ** round(math.log2(about)) if self.aimed else about * 2.0 ** self.rng.uniform(-1.5, 1.5)
        low, high = dtype_range(dtype)
        return QuantParams(float(np.float32(scale)), self.pick(low, 0, high, self.upto(low, high)), None, dtype)

    def shape(self, rank=None):
        """[1, ...], the last axis long."""
        inner = [self.upto(1, 9) for _ in range((rank or self.upto(2, 4)) - 2)]
        return (1, *inner, self.upto(1, max(2, self.size // max(1, math.prod(inner)))))

    def codes(self, shape, dtype="int8"):
        low, high = dtype_range(dtype)
        return self.rng.integers(low, high + 1, shape).astype(dtype)


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


def clamp(kind):
    def make(dice):
        x, shape = dice.quant(), (1, 2 * dice.size)
        return File(shape, x).add(kind, shape, dice.pick(x, dice.quant()))

    return make


def max_pool(dice):
    shape, x = (1, dice.upto(3, 9), dice.upto(3, 9), dice.upto(1, 9 + dice.size // 20)), dice.quant(0.03)
    options = {"padding": 0, "filterHeight": dice.upto(1, 3), "filterWidth": 2, "strideH": 1, "strideW": 1}
    return File(shape, x).add("MAX_POOL_2D", shape, x, **options, fusedActivationFunction=dice.upto(0, 3))


def squeeze(dice):
    x, named = dice.quant(), dice.pick(True, False)
    file = File((1, 1, dice.size, 1), x)
    return file.add("SQUEEZE", (1, dice.size), x, squeezeDims=[-1, 1] if named else [1, 3])


def expand_dims(dice):
    x, sizes = dice.quant(), (1, 3, dice.size)
    axis = dice.pick(1, 2, 3, -1, -2, -3)
    shape = list(sizes)
    shape.insert(axis % 4, 1)
    file = File(sizes, x)
    return file.add("EXPAND_DIMS", shape, x, file.integers("axis", axis))


def blocks(kind):
    def make(dice):
        x, block, (height, width, depth) = dice.quant(), dice.upto(1, 3), (dice.upto(1, 5) for _ in range(3))
        few, many = (1, height * block, width * block, depth), (1, height, width, depth * block * block)
        first, last = (few, many) if kind == "SPACE_TO_DEPTH" else (many, few)
        return File(first, x).add(kind, last, x, blockSize=block)

    return make


def sliced(dice):
    x, shape = dice.quant(), (1, *(dice.upto(2, 9) for _ in range(3)))
    begin = [0, *(dice.upto(0, size - 1) for size in shape[1:])]
    size = [1, *(dice.pick(-1, dice.upto(1, end - first)) for first, end in zip(begin[1:], shape[1:], strict=True))]
    left = [end - first if few < 0 else few for first, few, end in zip(begin, size, shape, strict=True)]
    file = File(shape, x)
    return file.add("SLICE", left, x, file.integers("begin", begin), file.integers("size", size))


def mirrored(dice):
    x, shape, mode = dice.quant(), (1, dice.upto(3, 6), dice.upto(3, 6), dice.upto(1, 30)), dice.pick(0, 1)
    widths = [[0, 0], *([dice.upto(0, 2), dice.upto(0, 2)] for _ in range(2)), [0, 0]]
    padded = [size + sum(pair) for size, pair in zip(shape, widths, strict=True)]
    file = File(shape, x)
    return file.add("MIRROR_PAD", padded, x, file.integers("widths", widths), mode=mode)


def packed(dice):
    x, (height, width) = dice.quant(), (dice.upto(1, 20), dice.upto(1, 20))
    file, axis = File((1, height, width), x), dice.pick(1, 2, 3, -1, -2)
    shape = [1, height, width]
    shape.insert(axis % 4, 2)
    return file.add("PACK", shape, x, file.input((1, height, width), x), valuesCount=2, axis=axis)


def unpacked(dice):
    x, shape = dice.quant(), [1, *(dice.upto(1, 6) for _ in range(3))]
    axis, rest = dice.pick(1, 2, 3, -1, -2), list(shape)
    count = rest.pop(axis)
    file = File(shape, x)
    return file.split("UNPACK", [file.x], [rest] * count, x, num=count, axis=axis)


def computed_shape(dice):
    """What Keras writes for a Flatten of any batch."""
    x, shape = dice.quant(), (1, dice.upto(1, 9), dice.upto(1, 9), 3)
    file, size = File(shape, x), math.prod(shape)
    file.add("SHAPE", (4,), None, dtype="int32", outType=2)
    ends = [file.integers(f"e{i}", [value]) for i, value in enumerate((0, 1, 1))]
    file.add("STRIDED_SLICE", (), None, *ends, dtype="int32", shrinkAxisMask=1)
    file.add("PACK", (2,), None, file.integers("size", size), dtype="int32", valuesCount=2)
    return file.add("RESHAPE", (1, size), x, inputs=[file.x, file.last])


def limit(kind):
    """As `broadcast`, at one scale."""

    def make(dice):
        x, sizes = dice.quant(), (1, dice.upto(1, 5), dice.upto(2, 40), dice.upto(2, 70))
        others = [sizes, (1, 1, 1, sizes[3]), (1, sizes[1], sizes[2], 1), (sizes[3],)]
        shape = others[dice.upto(0, 3)]
        file = File(sizes, x)
        other = file.input(shape, x) if len(shape) > 1 else file.flat.constant("c", dice.codes(shape), x)
        return file.add(kind, sizes, x, inputs=[file.x, other][:: dice.pick(1, -1)])

    return make


def padded(dice):
    x, shape = dice.quant(), (1, dice.upto(1, 5), dice.upto(1, 5), dice.upto(1, 9))
    widths = [[0, 0], *([dice.upto(0, 2), dice.upto(0, 2)] for _ in range(3))]
    file = File(shape, x)
    filling = file.flat.constant("filling", dice.codes(()), x)
    sizes = [size + sum(pair) for size, pair in zip(shape, widths, strict=True)]
    return file.add("PADV2", sizes, x, file.integers("widths", widths), filling)


def bilinear(dice):
    x, shape = dice.quant(), (1, dice.upto(1, 9), dice.upto(1, 9), dice.upto(1, 9 + dice.size // 200))
    sizes = dice.pick([2 * shape[1], 2 * shape[2]], [dice.upto(1, 24), dice.upto(1, 24)])
    corners, centers = dice.pick((False, False), (True, False), (False, True))
    file, options = File(shape, x), {"alignCorners": corners, "halfPixelCenters": centers}
    return file.add("RESIZE_BILINEAR", (1, *sizes, shape[3]), x, file.integers("size", sizes), **options)


def prelu(dice):
    """Slopes by channel, as Keras shares them, or of every place."""
    x, shape = dice.quant(), (1, dice.upto(1, 9), dice.upto(1, 9), dice.upto(1, 9 + dice.size // 80))
    file, sizes = File(shape, x), dice.pick((1, 1, shape[3]), (shape[3],), shape[1:], (1, 1, 1))
    slopes = file.flat.constant("slopes", dice.codes(sizes), dice.quant(2.0**-7))
    return file.add("PRELU", shape, dice.pick(x, dice.quant()), slopes)


def reduce_max(dice):
    shape, x, kept = dice.shape(), dice.quant(), dice.pick(True, False)
    axes = sorted({dice.upto(1, len(shape) - 1) for _ in range(2)})
    sizes = [1 if axis in axes else size for axis, size in enumerate(shape) if kept or axis not in axes]
    file = File(shape, x)
    return file.add("REDUCE_MAX", sizes, x, file.integers("axes", axes), keepDims=kept)


def requantized(dice):
    """What stands at the ends of a network whose user has uint8."""
    source, target = dice.pick(("int8", "int8"), ("int8", "uint8"), ("uint8", "int8"))
    shape, x = (1, dice.upto(1, 2 * dice.size)), dice.quant(0.05, source)
    y = dice.quant(0.05, target)
    return File(shape, x, source).add("QUANTIZE", shape, y, dtype=target)


def matmul(dice):
    rows, depth, columns = dice.upto(1, 30), dice.upto(1, 30), dice.upto(1, 60)
    a, b, turned = dice.quant(), dice.quant(), [dice.pick(False, True) for _ in range(2)]
    file = File((1, depth, rows) if turned[0] else (1, rows, depth), a)
    file.input((1, columns, depth) if turned[1] else (1, depth, columns), b)
    about = a.tensor_scale * b.tensor_scale * 2.0 ** dice.upto(4, 9)
    options = {"adjX": turned[0], "adjY": turned[1]}
    return file.add("BATCH_MATMUL", (1, rows, columns), dice.quant(about), inputs=file.inputs, **options)


MAKERS = {
    "MEAN": mean,
    "ADD": broadcast("ADD"),
    "SUB": broadcast("SUB"),
    "MUL": broadcast("MUL"),
    "QUANTIZE": requantized,
    "BATCH_MATMUL": matmul,
    "RELU": clamp("RELU"),
    "RELU6": clamp("RELU6"),
    "RELU_N1_TO_1": clamp("RELU_N1_TO_1"),
    "MAX_POOL_2D": max_pool,
    "MAXIMUM": limit("MAXIMUM"),
    "MINIMUM": limit("MINIMUM"),
    "PADV2": padded,
    "PRELU": prelu,
    "REDUCE_MAX": reduce_max,
    "RESIZE_BILINEAR": bilinear,
    "SQUEEZE": squeeze,
    "EXPAND_DIMS": expand_dims,
    "SPACE_TO_DEPTH": blocks("SPACE_TO_DEPTH"),
    "DEPTH_TO_SPACE": blocks("DEPTH_TO_SPACE"),
    "SLICE": sliced,
    "MIRROR_PAD": mirrored,
    "PACK": packed,
    "UNPACK": unpacked,
    "SHAPE, PACK, RESHAPE": computed_shape,
}
ABSENT = {"tflm": {"RELU_N1_TO_1"}}
"""Engine -> operators that it has not."""
MOVES = (
    "MAXIMUM",
    "MINIMUM",
    "PADV2",
    "SQUEEZE",
    "EXPAND",
    "SPACE",
    "DEPTH",
    "SLICE",
    "MIRROR",
    "PACK",
    "UNPACK",
    "SHAPE",
)


def cases():
    for name in MAKERS:
        yield from ((profile, name) for profile in ENGINES if name not in ABSENT.get(profile, ()))


@pytest.mark.parametrize("least", AMOUNTS)
@pytest.mark.parametrize(("profile", "name"), list(cases()))
def test_random_ones_are_the_engines(load, compared, profile, name, least):
    least = min(least // 2, 20_000) if name.startswith(MOVES) else least  # codes that only move
    dice, total = Dice([len(name), *name.encode()], least // 8), 0
    while total < least:
        dice.aimed = not dice.aimed
        content = MAKERS[name](dice).content()
        graph = load(content, profile)
        inputs = {each: dice.codes(graph.tensors[each].shape, graph.tensors[each].dtype) for each in graph.inputs}
        answer = opened(content, profile, len(graph.outputs))(list(inputs.values()))
        for mine, theirs in zip(run(graph, inputs).values(), answer, strict=True):
            np.testing.assert_array_equal(mine, theirs, strict=True)
            total += theirs.size
    compared(total, least, f"{profile} {name}")
