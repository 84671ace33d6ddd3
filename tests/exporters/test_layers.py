"""Every op alone, random and aimed at ties, against both engines: no output may differ."""

from collections import Counter

import numpy as np
import pytest
from exporter_compare import compare
from exporter_layers import MAKERS, Dice, at_ties, granularity

from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.ops.registry import op as find_op
from int8sim.profiles.registry import profile as find_profile

pytestmark = pytest.mark.engine

PROFILES = ("onnxruntime", "tflite_reference")
PRESETS = ("performance", "mixed")
FEW = 80_000  # a million of each, marked slow: test_onnxruntime_pairs.py, test_tflm.py
LEAST = {"conv2d": 2 * FEW, "fully_connected": 2 * FEW}
REFUSED = {"average_pool"}  # some random ones have no form in TensorFlow Lite


def random_layers(op, profile, preset, aimed, least):
    """Random layers until `least` outputs of the op have been compared; how many were, and how many layers refused."""
    seed = [PROFILES.index(profile), PRESETS.index(preset), int(aimed), sorted(MAKERS).index(op)]
    dice = Dice(np.random.default_rng(seed), profile, preset, aimed)
    counts, refused = Counter(), 0
    while counts[op] < least:
        made = MAKERS[op](dice)
        graph = lower(made.graph, made.table, profile=granularity(dice), preset=preset)
        try:
            counts += compare(graph, made.inputs, profile)
        except NotExportableError:
            refused += 1
            assert op in REFUSED
    return counts[op], refused


def cases():
    """Every profile with every op that it has an integer form of."""
    for profile in PROFILES:
        known = find_profile(profile)
        yield from ((profile, name) for name in MAKERS if known.scheme(find_op(name).kind, "int8"))


@pytest.mark.parametrize(("profile", "op"), list(cases()))
def test_random_layers_equal_the_engine(profile, op, compared):
    least = LEAST.get(op, FEW)
    found = [random_layers(op, profile, preset, aimed, least // 4) for preset in PRESETS for aimed in (False, True)]
    compared(sum(count for count, _ in found), least, f"{profile} {op}")


@pytest.mark.parametrize("op", ["conv2d", "fully_connected"])
@pytest.mark.parametrize("profile", PROFILES)
def test_accumulators_at_ties_equal_the_engine(profile, op, compared):
    dice = Dice(np.random.default_rng(7), profile, "performance", False)
    total = 0
    for position in range(20):
        dice.preset = PRESETS[position % 2]
        made = at_ties(dice, op)
        total += compare(lower(made.graph, made.table, profile=profile, preset=dice.preset), made.inputs, profile)[op]
    compared(total, FEW, f"{profile} {op}")
