"""Statistics in a file: another calibrator or more data later gives the same table; damage is named."""

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from int8sim.calibration.derive import table_from
from int8sim.calibration.gather import gather, merge_statistics
from int8sim.calibration.methods.registry import METHODS
from int8sim.calibration.run import calibrate, image_batches
from int8sim.calibration.store import load_statistics, save_statistics
from int8sim.model.errors import NotStatisticsError, OutputNotWritableError, UnmergeableError

sys.path.insert(0, str(Path(__file__).parent))
import networks


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "statistics.h5"
    save_statistics(gather(networks.network(), image_batches(networks.images(), 5, 2)), path)
    return path


@pytest.mark.parametrize("method", METHODS)
def test_every_calibrator_needs_no_second_pass(stored, method):
    direct = calibrate(networks.network(), image_batches(networks.images(), 5, 2), method=method)
    derived = table_from(load_statistics(stored), method)
    assert (dict(derived), derived.provenance, derived.cautions) == (dict(direct), direct.provenance, direct.cautions)


def test_stored_statistics_continue(stored):
    more = image_batches(networks.images()[10:], 5, 2)
    continued = calibrate(networks.network(), more, statistics=load_statistics(stored))
    assert dict(continued) == dict(calibrate(networks.network(), image_batches(networks.images(), 5, 4)))


def test_plain_h5py_reads_them(stored):
    with h5py.File(stored) as file:
        assert file["counts"].shape == (4, 2048)
        assert file["samples"].shape == (10,)


def test_shards_merge_to_the_whole():
    images = networks.images(21)
    whole = gather(networks.network(), [images], statistics="mergeable")
    parts = images[:3], images[3:16], images[16:]
    shards = [gather(networks.network(), [part], statistics="mergeable") for part in parts]
    for order in ((0, 1, 2), (2, 0, 1)):
        a, b, c = (shards[place] for place in order)
        merged = merge_statistics(merge_statistics(a, b), c)
        assert dict(table_from(merged)) == dict(table_from(whole))
        assert merged.data == whole.data


def test_statistics_of_two_networks_do_not_merge():
    a, b = (gather(networks.network(seed), [networks.images()], statistics="mergeable") for seed in (0, 1))
    with pytest.raises(UnmergeableError, match="different networks"):
        merge_statistics(a, b)


def test_a_missing_file(tmp_path):
    with pytest.raises(NotStatisticsError, match="no such file"):
        load_statistics(tmp_path / "none.h5")


def test_a_foreign_file(tmp_path):
    path = tmp_path / "foreign.h5"
    path.write_bytes(b"not HDF5")
    with pytest.raises(NotStatisticsError, match="no statistics file"):
        load_statistics(path)


def test_a_changed_count_is_found(stored):
    with h5py.File(stored, "r+") as file:
        file["counts"][1, 5] += 1
    with pytest.raises(NotStatisticsError, match="digest"):
        load_statistics(stored)


def test_a_newer_schema_is_refused(stored):
    with h5py.File(stored, "r+") as file:
        file.attrs["int8sim_statistics_schema"] = 2
    with pytest.raises(NotStatisticsError, match="schema is 2"):
        load_statistics(stored)


@pytest.mark.parametrize("keep", [0, 100, 3000])
def test_a_truncated_file(stored, keep):
    stored.write_bytes(stored.read_bytes()[:keep])
    with pytest.raises(NotStatisticsError):
        load_statistics(stored)


def test_a_folder_that_does_not_exist(tmp_path):
    statistics = gather(networks.network(), [np.ones((1, 1, 8, 8), np.float32)])
    with pytest.raises(OutputNotWritableError):
        save_statistics(statistics, tmp_path / "none" / "statistics.h5")
