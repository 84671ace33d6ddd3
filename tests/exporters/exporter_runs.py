"""Random layers of one op through an engine until enough outputs have been compared."""

from collections import Counter

import numpy as np
from exporter_compare import compare
from exporter_layers import MAKERS, Dice, granularity

from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.ops.registry import op as find_op
from int8sim.profiles.registry import profile as find_profile

FEW, MANY = 80_000, 1_000_000
PRESETS = ("performance", "mixed")
REFUSED = {"average_pool"}  # some random ones have no form in TensorFlow Lite
BATCHES = {"conv2d": 12, "matmul": 12, "max_pool": 12, "average_pool": 12, "global_average_pool": 3, "softmax": 12}


def ops(profile):
    """The ops that a profile has an integer form of."""
    known = find_profile(profile)
    return [name for name in MAKERS if known.scheme(find_op(name).kind, "int8")]


def random_layers(op, profile, least, seed=0):
    """How many outputs of the op were compared: over both presets, scales at random and scales aimed at ties."""
    total = 0
    for position in range(4):
        dice = Dice(np.random.default_rng([seed, position]), profile, PRESETS[position % 2], position > 1)
        counts = Counter()
        while counts[op] < least // 4:
            counts += outputs(op, dice, enlarged(dice, op, MAKERS[op](dice)))
        total += counts[op]
    return total


def enlarged(dice, op, made):
    """The network with more images, where a file costs more than its run."""
    if op in BATCHES:
        shapes = {name: (BATCHES[op], *values.shape[1:]) for name, values in made.inputs.items()}
        made.inputs = {name: dice.data(made.table[name], shape) for name, shape in shapes.items()}
    return made


def outputs(op, dice, made):
    """The values compared, by op, of one network; none where it has no form in the engine's file."""
    graph = lower(made.graph, made.table, profile=granularity(dice), preset=dice.preset)
    try:
        return compare(graph, made.inputs, dice.profile)
    except NotExportableError:
        assert op in REFUSED
        return Counter()
