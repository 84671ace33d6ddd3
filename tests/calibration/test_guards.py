"""Cautions: each provoked, and silence where there is nothing to say."""

import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim.calibration.run import calibrate

sys.path.insert(0, str(Path(__file__).parent))
import networks


def kinds(table):
    return {(caution.kind, caution.tensor) for caution in table.cautions}


def test_ordinary_data_need_no_caution():
    assert calibrate(networks.network(), [networks.images(200)], method="minmax").cautions == ()


def test_zeros_and_constants_are_named():
    table = calibrate(networks.network(), [np.zeros((4, 1, 8, 8), np.float32)])
    assert {("all_zero", name) for name in ("x", "conv", "relu")} == kinds(table)
    assert table["x"].scale == 0.0
    table = calibrate(networks.network(), [np.full((4, 1, 8, 8), 0.5, np.float32)])
    assert ("constant", "x") in kinds(table)
    assert table["x"].chosen_bin == 2048


def test_a_first_batch_of_zeros_is_named():
    table = calibrate(networks.network(), [np.zeros((4, 1, 8, 8), np.float32), networks.images()])
    assert ("first_batch_zero", "x") in kinds(table)
    assert "cannot double" in str(next(each for each in table.cautions if each.kind == "first_batch_zero"))
    mergeable = [np.zeros((4, 1, 8, 8), np.float32), networks.images()]
    assert not {kind for kind, _ in kinds(calibrate(networks.network(), mergeable, statistics="mergeable"))} & {
        "first_batch_zero"
    }


def test_a_deep_cut_and_its_noise_are_named():
    """A background atom away from zero: the entropy search keeps little else."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random((50, 1, 8, 8)) < 0.97, 0.02, rng.uniform(0, 1, (50, 1, 8, 8))).astype(np.float32)
    table = calibrate(networks.network(), [values], method="percentile", percentile=90.0)
    found = [caution for caution in table.cautions if caution.tensor == "x"]
    assert [caution.kind for caution in found] == ["deep_cut", "noisier_than_minmax"]
    row = table["x"]
    share = row.threshold / row.high
    assert str(found[0]) == f"x: the threshold {row.threshold:.6g} is {share:.3f} of max |x|"


@pytest.mark.parametrize("cutoff", [1.0, 0.5])
def test_a_cutoff_that_changes_nothing_is_named(cutoff):
    table = calibrate(networks.network(), [networks.images()], method="legacy", cutoff=cutoff)
    assert (("cutoff", "") in kinds(table)) == (cutoff != 1.0)
    assert table.provenance.parameters == {"quantile": 0.999999, "cutoff": cutoff}
