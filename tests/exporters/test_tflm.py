"""Every op alone, random and aimed at ties, against TensorFlow Lite Micro, and once more against LiteRT: equal bits."""

import itertools

import numpy as np
import pytest
from exporter_layers import Dice, at_ties
from exporter_runs import FEW, MANY, PRESETS, ops, outputs, random_layers
from exporter_ties import TIES

pytestmark = pytest.mark.engine

ENGINES = ("tflite_reference", "tflm")
COUNTS = [FEW, pytest.param(MANY, marks=pytest.mark.slow)]
TIED = [FEW // 4, pytest.param(MANY, marks=pytest.mark.slow)]


@pytest.mark.parametrize("least", COUNTS)
@pytest.mark.parametrize("op", ops("tflm"))
def test_random_layers_equal_tflm(op, least, compared):
    compared(random_layers(op, "tflm", least), least, f"tflm {op}")


@pytest.mark.slow
@pytest.mark.parametrize("op", ops("tflite_reference"))
def test_more_random_layers_equal_litert(op, compared):
    compared(random_layers(op, "tflite_reference", MANY), MANY, f"tflite_reference {op}")


@pytest.mark.parametrize("least", TIED)
@pytest.mark.parametrize("op", ["conv2d", "fully_connected"])
def test_accumulators_at_ties_equal_tflm(op, least, compared):
    total = 0
    for position, preset in enumerate(itertools.cycle(PRESETS)):
        if total >= least:
            break
        dice = Dice(np.random.default_rng([7, position]), "tflm", preset, False)
        total += outputs(op, dice, at_ties(dice, op))[op]
    compared(total, least, f"tflm {op} at ties")


@pytest.mark.parametrize("least", TIED)
@pytest.mark.parametrize("op", TIES)
@pytest.mark.parametrize("profile", ENGINES)
def test_outputs_at_ties_equal_the_engine(profile, op, least, compared):
    """Half way between two codes but for float32's rounding of the output scale: the multiplier's last bits decide."""
    dice, total = Dice(np.random.default_rng(11), profile, "performance", False), 0
    while total < least:
        total += outputs(op, dice, TIES[op](dice))[op]
    compared(total, least, f"{profile} {op} at ties")
