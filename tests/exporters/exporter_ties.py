"""One-layer networks whose output scale puts many outputs half way between two codes, but for float32's rounding.

A multiplier that is derived in another precision, or in another order, then rounds to the other side.
"""

import numpy as np
from exporter_layers import network

from int8sim.model.table import Row
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op

PLACES = 512


def scale(dice):
    return float(np.float32(2.0 ** dice.rng.uniform(-8, 0)))


def at_tie(dice, real):
    """The float32 output scale at which a real value lies half way between two codes."""
    return float(np.float32(abs(real) / (dice.upto(0, 120) + 0.5)))


def made(dice, operator, codes, scales, y, batch=1):
    """The network over these codes; symmetric scales, which the tables then have to the last bit."""
    inputs = {name: TensorType((1, *values.shape[1:])) for name, values in codes.items()}
    rows = {name: Row(each) for name, each in {**scales, "y": y}.items()}
    found = network(dice, operator, inputs, rows, batch=batch)
    found.inputs = {name: (values * np.float64(scales[name])).astype(np.float32) for name, values in codes.items()}
    return found


def codes_of(dice, chosen):
    """[1, PLACES]: one code of a product or sum on every second place, any code between them."""
    codes = dice.rng.integers(-127, 128, (1, PLACES))
    codes[0, ::2] = chosen
    return codes


def multiply(dice):
    a, b, scales = dice.upto(1, 127), dice.upto(1, 127), {"a": scale(dice), "b": scale(dice)}
    y = at_tie(dice, a * b * scales["a"] * scales["b"])
    return made(dice, op("multiply")(), {"a": codes_of(dice, a), "b": codes_of(dice, -b)}, scales, y)


def add(dice, name="add", sign=1):
    a, b, scales = dice.upto(1, 127), dice.upto(1, 127), {"a": scale(dice), "b": scale(dice)}
    y = at_tie(dice, a * scales["a"] + sign * b * scales["b"])
    return made(dice, op(name)(), {"a": codes_of(dice, a), "b": codes_of(dice, b)}, scales, y)


def matmul(dice):
    a, b, scales = dice.upto(1, 127), dice.upto(1, 127), {"a": scale(dice), "b": scale(dice)}
    y = at_tie(dice, a * b * scales["a"] * scales["b"])
    codes = {"a": codes_of(dice, a)[:, :32, None], "b": codes_of(dice, b)[:, None, :16]}
    return made(dice, op("matmul")(), codes, scales, y)


def activation(dice, name):
    """Every code; one of them, of either sign, at a tie."""
    x, slope = {"x": scale(dice)}, float(np.float32(dice.rng.uniform(-1.5, 1.5)))
    operator = op(name)(*([slope] if name == "leaky_relu" else []))
    factor = abs(slope) if name == "leaky_relu" and dice.chance(0.7) else 1.0
    y = at_tie(dice, dice.upto(1, 127) * factor * x["x"])
    return made(dice, operator, {"x": np.arange(-256, 256)[None]}, x, y)


def global_average_pool(dice):
    """The same sum in every channel, the codes in another order."""
    size, x = (dice.upto(1, 5), dice.upto(1, 5)), scale(dice)
    cells = dice.rng.integers(-127, 128, size[0] * size[1])
    total = int(cells.sum()) or 1
    found = network(
        dice,
        op("global_average_pool")(),
        {"x": TensorType((1, *size, PLACES), "float32", "NHWC")},
        rows(x, at_tie(dice, total * x / len(cells))),
        batch=1,
    )
    columns = np.stack([dice.rng.permutation(cells) for _ in range(PLACES)], -1)
    found.inputs["x"] = (columns.reshape(1, *size, PLACES) * np.float64(x)).astype(np.float32)
    return found


def rows(x, y):
    return {"x": Row(x), "y": Row(y)}


TIES = {
    "multiply": multiply,
    "add": add,
    "subtract": lambda dice: add(dice, "subtract", -1),
    "matmul": matmul,
    "leaky_relu": lambda dice: activation(dice, "leaky_relu"),
    "requantize": lambda dice: activation(dice, "requantize"),
    "hard_swish": lambda dice: activation(dice, "hard_swish"),
    "global_average_pool": global_average_pool,
}
"""Op name -> maker of a network."""
