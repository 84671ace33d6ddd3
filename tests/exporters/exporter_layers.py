"""Random one-layer networks: float graph, table and inputs, for every op; with scales at random, or aimed at ties."""

import math
from dataclasses import dataclass, replace

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op
from int8sim.profiles.registry import profile as find_profile

SPREAD = 74 * 74  # standard deviation of a product of two uniform 8-bit codes


@dataclass
class Dice:
    """Everything random. aimed: scales are powers of two, weights small codes, so that many outputs are exact ties."""

    rng: np.random.Generator
    profile: str
    preset: str
    aimed: bool

    def upto(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def chance(self, probability):
        return bool(self.rng.random() < probability)

    def choice(self, *values):
        return values[self.upto(0, len(values) - 1)]

    def scale(self, about):
        if self.aimed:
            return 2.0 ** round(math.log2(about))
        return float(np.float32(about * 2.0 ** self.rng.uniform(-1.5, 1.5)))

    def row(self, about, positive=False):
        """A range whose scale, in this preset, is near `about`; the asymmetric zero point anywhere, or at the end."""
        scale = self.scale(about)
        if self.preset == "performance":
            return Row(scale)
        below = 0 if positive else self.choice(0, 255, self.upto(0, 255), self.upto(100, 160))
        return Row(3 * scale, -below * scale, (255 - below) * scale)

    def real_scale(self, row):
        """The scale that a row gives in this preset."""
        return row.scale if row.low is None else (row.high - row.low) / 255

    def data(self, row, shape):
        """Values over the whole range and a little beyond; aimed: on codes and half way between them."""
        scale = self.real_scale(row)
        lowest = -128 if row.low is None else round(row.low / scale)
        codes = self.rng.integers(lowest, lowest + 256, shape)
        jitter = self.rng.choice([-0.5, 0.0, 0.5], shape) if self.aimed else self.rng.uniform(-1.5, 1.5, shape)
        return ((codes + jitter) * scale).astype(np.float32)

    def weight(self, shape):
        """Weights: normal, or (aimed) a few small codes and one 127 per channel, times a power of two."""
        if not self.aimed:
            return (self.rng.normal(size=shape) * 10.0 ** self.rng.uniform(-2, 0)).astype(np.float32)
        codes = self.rng.integers(-3, 4, shape)
        codes.reshape(shape[0], -1)[:, 0] = 127
        return (codes * 2.0 ** self.upto(-9, -3)).astype(np.float32)

    def image(self, low=1, high=12):
        """A 4-D input type with a layout, and (height, width, channels)."""
        height, width, channels = self.upto(low, high), self.upto(low, high), self.upto(1, 12)
        if self.chance(0.3):
            return TensorType((1, height, width, channels), "float32", "NHWC")
        return TensorType((1, channels, height, width), "float32", "NCHW")

    def bounds(self):
        """A ReLU or Clip behind the layer, or nothing."""
        edges = sorted(float(np.float32(value)) for value in self.rng.normal(size=2) * 3)
        clips = [op("clip")(*ends) for ends in ((0.0, 6.0), (-1.0, 1.0), edges, edges[:1])]
        return self.choice(None, None, op("relu")(), *clips)


@dataclass
class Network:
    """A float graph with its table and one batch of inputs."""

    graph: object
    table: Table
    inputs: dict


def network(dice, operator, inputs, rows, constants=None, then=None, batch=None):
    """One layer, `operator` over inputs and constants, a clamp behind it if asked; rows: of the inputs and of `y`."""
    constants = constants or {}
    layers = [Layer("layer", operator, (*inputs, *constants), "y" if then is None else "z")]
    if then is not None:
        layers.append(Layer("then", then, ("z",), "y"))
    graph = float_graph("one", layers, inputs, ["y"], constants)
    count = batch or dice.upto(1, 4)
    data = {name: dice.data(rows[name], (count, *kind.shape[1:])) for name, kind in inputs.items()}
    return Network(graph, Table(rows), data)


def weighted(dice, operator, x, weight, then):
    """A convolution or fully connected layer: an output scale that spreads the outputs over the codes, and a bias."""
    row = dice.row(2.0 ** dice.upto(-8, 2))
    unit = dice.real_scale(row) * float(np.abs(weight).max()) / 127
    taps = math.prod(weight.shape[1:])
    spread = SPREAD * math.sqrt(taps) / 60 if not dice.aimed else 2.0 ** dice.upto(1, 8)
    rows = {"x": row, "y": dice.row(unit * spread, isinstance(then, op("relu")))}
    constants = {"w": weight}
    if dice.chance(0.8):
        reach = spread * 100
        constants["b"] = (dice.rng.uniform(-reach, reach, weight.shape[0]) * unit).astype(np.float32)
    return network(dice, operator, {"x": x}, rows, constants, then)


def conv2d(dice):
    kernel, dilations = (dice.upto(1, 5), dice.upto(1, 5)), (dice.choice(1, 1, 2, 3), dice.choice(1, 1, 2))
    strides, pads = (dice.upto(1, 3), dice.upto(1, 3)), tuple(dice.choice(0, 0, 1, 2, 3) for _ in range(4))
    if dice.chance(0.4):
        pads = tuple(kernel[axis] // 2 * dilations[axis] for axis in (0, 1)) * 2
    size = [dilations[i] * (kernel[i] - 1) + dice.upto(1, 12) for i in (0, 1)]
    per_group, group = (1, dice.upto(2, 12)) if dice.chance(0.3) else (dice.upto(1, 9), dice.choice(1, 1, 2, 3))
    outputs, layout = group * dice.choice(1, 2, 3, 12 // group + 1), dice.choice("NCHW", "NCHW", "NHWC")
    shape = (1, group * per_group, *size) if layout == "NCHW" else (1, *size, group * per_group)
    weight = dice.weight((outputs, per_group, *kernel))
    operator = op("conv2d")(strides, pads, dilations, group)
    return weighted(dice, operator, TensorType(shape, "float32", layout), weight, dice.bounds())


def fully_connected(dice):
    rows, taps = dice.choice((), (dice.upto(1, 9),), (dice.upto(1, 40),)), dice.upto(1, 60)
    weight = dice.weight((dice.upto(1, 300), taps))
    return weighted(dice, op("fully_connected")(), TensorType((1, *rows, taps)), weight, dice.bounds())


def at_ties(dice, name):
    """x at real zero, so that the accumulator is the bias: half way between output codes, or one beside that."""
    outputs = 4096
    weight = (dice.rng.normal(size=(outputs, 1)) * 0.1 + 0.2).astype(np.float32)
    rows = {"x": dice.row(2.0 ** dice.upto(-6, 0)), "y": dice.row(2.0 ** dice.upto(-6, 4))}
    fine = dice.real_scale(rows["x"]) * float(np.abs(weight).max()) / 127
    if dice.real_scale(rows["y"]) < 8 * fine:
        rows["y"] = dice.row(fine * 2.0 ** dice.upto(3, 14))
    per_channel = "convolution" if name == "conv2d" else name
    scales = np.abs(weight).max(1 if per_channel in find_profile(dice.profile).weights.per_channel else None) / 127
    unit = dice.real_scale(rows["x"]) * np.float64(scales)
    places = dice.rng.integers(-300, 300, outputs) + 0.5
    codes = np.rint(places * dice.real_scale(rows["y"]) / unit) + dice.rng.integers(-1, 2, outputs)
    constants = {"w": weight, "b": (codes * unit).astype(np.float32)}
    x = TensorType((1, 1))
    if name == "conv2d":
        constants["w"], x = weight[:, :, None, None], TensorType((1, 1, 1, 1), "float32", "NCHW")
    made = network(dice, op(name)(), {"x": x}, rows, constants, dice.bounds(), batch=1)
    made.inputs["x"][:] = 0.0
    return made


def matmul(dice):
    lead = (1, *dice.choice((), (), (dice.upto(1, 4),)))
    m, k, p = dice.upto(1, 40), dice.upto(1, 40 if not dice.aimed else 2), dice.upto(1, 40)
    rows = {"a": dice.row(2.0 ** dice.upto(-6, 0)), "b": dice.row(2.0 ** dice.upto(-6, 0))}
    unit = dice.real_scale(rows["a"]) * dice.real_scale(rows["b"])
    spread = SPREAD * math.sqrt(k) / 60 if not dice.aimed else 2.0 ** dice.upto(3, 8)
    then = dice.bounds()
    rows["y"] = dice.row(unit * spread, isinstance(then, op("relu")))
    return network(
        dice, op("matmul")(), {"a": TensorType((*lead, m, k)), "b": TensorType((*lead, k, p))}, rows, then=then
    )


def pool(dice, name):
    kernel = (dice.upto(1, 4), dice.upto(1, 4))
    x = dice.image(4, 24)
    pads = dice.choice((0, 0, 0, 0), tuple(dice.upto(0, kernel[i % 2] - 1) for i in range(4)))
    strides, rounded_up = (dice.upto(1, 3), dice.upto(1, 3)), dice.chance(0.3)
    row = dice.row(2.0 ** dice.upto(-6, 0))
    if name == "max_pool":
        dilations = dice.choice((1, 1), (2, 1), (2, 2)) if dice.profile == "onnxruntime" and max(kernel) < 3 else (1, 1)
        operator = op(name)(kernel, strides, pads, dilations, rounded_up)
        return network(dice, operator, {"x": x}, {"x": row, "y": row})
    other = row if dice.profile != "onnxruntime" else dice.row(dice.real_scale(row) / 2)
    operator = op(name)(kernel, strides, pads, rounded_up, dice.chance(0.5))
    return network(dice, operator, {"x": x}, {"x": row, "y": other}, then=dice.bounds())


def global_average_pool(dice):
    row, x = dice.row(2.0 ** dice.upto(-6, 0)), dice.image(1, 12)
    size = [dice.choice(1, 2, 4, 8) if dice.aimed else each for each in x.shape[1:]]
    size[x.channel_axis - 1] = 1500
    x = x.with_shape((1, *size))
    rows = {"x": row, "y": dice.row(dice.real_scale(row) * dice.choice(0.25, 0.5, 1, 2))}
    return network(dice, op("global_average_pool")(), {"x": x}, rows, then=dice.bounds())


def add(dice, name="add"):
    x, then = dice.choice(dice.image(1, 20), TensorType((1, dice.upto(1, 999)))), dice.bounds()
    about = 2.0 ** dice.upto(-6, 0)
    rows = {"a": dice.row(about), "b": dice.row(about * dice.choice(0.1, 0.5, 1, 4)), "y": dice.row(about * 2)}
    return network(dice, op(name)(), {"a": x, "b": x}, rows, then=then)


def multiply(dice):
    x, then = dice.choice(dice.image(1, 20), TensorType((1, dice.upto(1, 999)))), dice.bounds()
    rows = {"a": dice.row(2.0 ** dice.upto(-6, 0)), "b": dice.row(2.0 ** dice.upto(-6, 0))}
    unit = dice.real_scale(rows["a"]) * dice.real_scale(rows["b"])
    rows["y"] = dice.row(unit * 2.0 ** dice.upto(0, 8))
    return network(dice, op("multiply")(), {"a": x, "b": x}, rows, then=then)


def activation(dice, name):
    """A function of one value: every code many times would say no more, so the scales vary instead."""
    about = 2.0 ** dice.upto(-8, 0)
    slope = (float(np.float32(dice.choice(0.25, 0.5, -0.5, dice.rng.uniform(-1, 1), dice.rng.uniform(0, 0.4)))),)
    operator = op(name)(*(slope if name == "leaky_relu" else ()))
    rows = {"x": dice.row(about), "y": dice.row(about * dice.choice(0.25, 0.5, 1, 1, 2, 4))}
    made = network(dice, operator, {"x": TensorType((1, 512))}, rows)
    spread = dice.real_scale(rows["x"])
    lowest = 0 if rows["x"].low is None else round(rows["x"].low / spread)
    codes = np.arange(512) - (256 if rows["x"].low is None else 128 - lowest)
    made.inputs["x"][:] = (codes * spread).astype(np.float32)
    return made


def resize_nearest(dice):
    x, row = dice.image(1, 20), dice.row(2.0 ** dice.upto(-6, 0))
    height, width = x.shape[2:] if x.layout == "NCHW" else x.shape[1:3]
    factors = dice.upto(1, 4), dice.upto(1, 4)
    rows, columns = (
        tuple(i // factor for i in range(size * factor)) for size, factor in zip((height, width), factors, strict=True)
    )
    return network(dice, op("resize_nearest")(rows, columns), {"x": x}, {"x": row, "y": row})


def concat(dice):
    first = dice.choice(dice.image(1, 20), TensorType((1, dice.upto(1, 99), dice.upto(1, 99))))
    axis, count = dice.upto(1, len(first.shape) - 1), dice.upto(1, 4)
    row = dice.row(2.0 ** dice.upto(-6, 0))
    shapes = [(*first.shape[:axis], dice.upto(1, 12), *first.shape[axis + 1 :]) for _ in range(count)]
    inputs = {f"x{i}": first.with_shape(shape) for i, shape in enumerate(shapes)}
    equal = dice.profile != "onnxruntime" or dice.chance(0.2)
    scale = dice.real_scale(row)
    rows = {name: row if equal or dice.chance(0.2) else dice.row(scale) for name in inputs}
    rows["y"] = row if equal else dice.row(scale * dice.choice(1, 2, 4))
    return network(dice, op("concat")(axis), inputs, rows)


def softmax(dice):
    x, axis = TensorType((1, dice.upto(1, 60), dice.choice(1, 2, 10, dice.upto(1, 400)))), 2
    if dice.chance(0.3):
        x = dice.image(1, 12)
        axis = x.channel_axis
    elif dice.profile == "onnxruntime":
        axis = dice.upto(1, 2)
    return network(dice, op("softmax")(axis), {"x": x}, {"x": dice.row(2.0 ** dice.upto(-9, 2))})


def clamp(dice, name):
    edges = sorted(float(np.float32(value)) for value in dice.rng.normal(size=2) * 3)
    clips = dice.choice((0.0, 6.0), (-1.0, 1.0), edges, (edges[0],), (-math.inf, edges[1]), ())
    operator = op("relu")() if name == "relu" else op("clip")(*clips)
    row = dice.row(2.0 ** dice.upto(-6, 0))
    return network(dice, operator, {"x": dice.image(1, 30)}, {"x": row, "y": row})


def move(dice, name):
    x, row = dice.image(1, 20), dice.row(2.0 ** dice.upto(-6, 0))
    size = math.prod(x.shape)
    shapes = [((size,), ""), ((1, size), ""), ((1, size, 1), dice.choice("NCHW", "NHWC"))]
    pads = [0, *(dice.upto(0, 3) for _ in range(3)), 0, *(dice.upto(0, 3) for _ in range(3))]
    order = (0, *(int(axis) for axis in dice.rng.permutation([1, 2, 3])))
    operators = {
        "flatten": lambda: op(name)(),
        "reshape": lambda: op(name)(*dice.choice(*shapes, (x.shape[:0:-1], dice.choice("NCHW", "NHWC")))),
        "transpose": lambda: op(name)(order),
        "pad": lambda: op(name)(tuple(pads)),
    }
    return network(dice, operators[name](), {"x": x}, {"x": row, "y": row})


def slices(dice):
    x, row = dice.image(1, 20), dice.row(2.0 ** dice.upto(-6, 0))
    taken = [range(1)]
    for size in x.shape[1:]:
        first, step = dice.upto(0, size - 1), dice.choice(1, 1, 1, 2, 3, -1, -2)
        places = range(first, dice.upto(first + 1, size) if step > 0 else dice.upto(-1, first - 1), step)
        taken.append(places if len(places) > 1 else range(first, first + 1))  # of one place no file keeps the step
    ends = (tuple(getattr(each, end) for each in taken) for end in ("start", "stop", "step"))
    return network(dice, op("slice")(*ends), {"x": x}, {"x": row, "y": row}, batch=120)


def quantize(dice):
    """The border itself: a flatten of many values, with infinities, NaN and huge values among them."""
    row = dice.row(2.0 ** dice.rng.uniform(-20, 20))
    made = network(dice, op("flatten")(), {"x": TensorType((1, 20000))}, {"x": row, "y": row})
    values = made.inputs["x"].reshape(-1)
    special = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 0.0, -0.0, 1e-45], np.float32)
    where = dice.rng.integers(0, len(values), 400)
    values[where] = dice.rng.choice(special, 400)
    codes = dice.rng.integers(2**31 - 300, 2**31 + 300, 200).astype(np.float64)
    values[dice.rng.integers(0, len(values), 200)] = (codes * dice.real_scale(row)).astype(np.float32)
    return made


MAKERS = {
    "conv2d": conv2d,
    "fully_connected": fully_connected,
    "matmul": matmul,
    "max_pool": lambda dice: pool(dice, "max_pool"),
    "average_pool": lambda dice: pool(dice, "average_pool"),
    "global_average_pool": global_average_pool,
    "add": add,
    "subtract": lambda dice: add(dice, "subtract"),
    "multiply": multiply,
    "leaky_relu": lambda dice: activation(dice, "leaky_relu"),
    "sigmoid": lambda dice: activation(dice, "sigmoid"),
    "tanh": lambda dice: activation(dice, "tanh"),
    "hard_swish": lambda dice: activation(dice, "hard_swish"),
    "requantize": lambda dice: activation(dice, "requantize"),
    "resize_nearest": resize_nearest,
    "concat": concat,
    "softmax": softmax,
    "relu": lambda dice: clamp(dice, "relu"),
    "clip": lambda dice: clamp(dice, "clip"),
    "flatten": lambda dice: move(dice, "flatten"),
    "reshape": lambda dice: move(dice, "reshape"),
    "transpose": lambda dice: move(dice, "transpose"),
    "pad": lambda dice: move(dice, "pad"),
    "slice": slices,
    "quantize": quantize,
    "dequantize": quantize,
}


def granularity(dice):
    """The profile, with weight scales per channel or per tensor as it says, or everywhere the other way."""
    chosen = find_profile(dice.profile)
    kinds = dice.choice(chosen.weights.per_channel, frozenset(), frozenset({"convolution", "fully_connected"}))
    return replace(chosen, weights=replace(chosen.weights, per_channel=kinds))
