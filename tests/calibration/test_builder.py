"""An object written for TensorRT's builder: the contract, call by call."""

import enum
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim.calibration.run import calibrate, image_batches
from int8sim.formats.tensorrt_cache import parse, to_text
from int8sim.model.errors import BatchSizeError, InputMismatchError, UnknownNameError

sys.path.insert(0, str(Path(__file__).parent))
import networks

CalibrationAlgoType = enum.Enum(
    "CalibrationAlgoType", "LEGACY_CALIBRATION ENTROPY_CALIBRATION ENTROPY_CALIBRATION_2 MINMAX_CALIBRATION", start=0
)
"""Spelled as TensorRT's Python binding spells it."""


class EntropyCalibrator:
    """As users write it for TensorRT, arrays in place of device pointers."""

    def __init__(self, images, size, cache=None):
        self.images, self.size, self.cache, self.calls = images, size, cache, []

    def get_batch_size(self):
        self.calls.append("get_batch_size")
        return self.size

    def get_batch(self, names):
        self.calls.append("get_batch")
        assert names == ["x"]
        if len(self.images) == 0:
            return None
        batch, self.images = self.images[: self.size], self.images[self.size :]
        return [batch]

    def read_calibration_cache(self):
        self.calls.append("read_calibration_cache")
        return self.cache

    def write_calibration_cache(self, cache):
        self.calls.append("write_calibration_cache")
        self.cache = bytes(cache)


def test_the_contract_without_a_cache():
    calibrator = EntropyCalibrator(networks.images(), 5)
    table = calibrate(networks.network(), calibrator)
    assert dict(table) == dict(calibrate(networks.network(), image_batches(networks.images(), 5, 4)))
    assert calibrator.calls == [
        "get_batch_size", "read_calibration_cache", *["get_batch"] * 5, "write_calibration_cache",
    ]  # fmt: skip
    assert calibrator.cache == to_text(table, "8601").encode()


def test_an_accepted_cache_ends_it():
    first = EntropyCalibrator(networks.images(), 5)
    written = calibrate(networks.network(), first)
    second = EntropyCalibrator(networks.images(seed=9), 5, first.cache)
    table = calibrate(networks.network(), second)
    assert {name: row.scale for name, row in table.items()} == {name: row.scale for name, row in written.items()}
    assert second.calls == ["get_batch_size", "read_calibration_cache"]


@pytest.mark.parametrize(
    "cache",
    [
        b"TRT-7202-EntropyCalibration2\nx: 3c010a14\n",
        b"TRT-8601-MinMaxCalibration\nx: 3c010a14\n",
        b"TRT-8601-EntropyCalibration2\nx 3c010a14\n",
        b"\xff\xfe",
    ],
    ids=["version", "algorithm", "line", "bytes"],
)
def test_a_cache_that_is_not_accepted_is_replaced_and_said(cache):
    calibrator = EntropyCalibrator(networks.images(), 5, cache)
    table = calibrate(networks.network(), calibrator)
    assert table.cautions[0].kind == "cache_refused"
    assert calibrator.calls[-1] == "write_calibration_cache"
    assert parse(calibrator.cache.decode(), "cache").keys() == table.keys()


@pytest.mark.parametrize(
    ("named", "method"),
    [
        (CalibrationAlgoType.ENTROPY_CALIBRATION, "entropy"),
        (CalibrationAlgoType.MINMAX_CALIBRATION, "minmax"),
        (2, "entropy2"),
        ("minmax", "minmax"),
    ],
)
def test_get_algorithm_chooses_the_method(named, method):
    calibrator = EntropyCalibrator(networks.images(), 5)
    calibrator.get_algorithm = lambda: named
    assert calibrate(networks.network(), calibrator).provenance.method == method


def test_a_legacy_calibrator_gives_its_quantile():
    calibrator = EntropyCalibrator(networks.images(), 5)
    calibrator.get_algorithm = lambda: CalibrationAlgoType.LEGACY_CALIBRATION
    calibrator.get_quantile, calibrator.get_regression_cutoff = (lambda: 0.5), (lambda: 1.0)
    table = calibrate(networks.network(), calibrator)
    assert table.provenance.parameters == {"quantile": 0.5, "cutoff": 1.0}
    assert dict(table) == dict(
        calibrate(networks.network(), image_batches(networks.images(), 5, 4), method="legacy", quantile=0.5)
    )


def test_an_unknown_algorithm():
    calibrator = EntropyCalibrator(networks.images(), 5)
    calibrator.get_algorithm = lambda: 7
    with pytest.raises(UnknownNameError, match="calibration algorithm '7'"):
        calibrate(networks.network(), calibrator)


def test_a_short_batch_is_an_error_and_writes_nothing():
    calibrator = EntropyCalibrator(networks.images(7), 5)
    with pytest.raises(BatchSizeError, match=r"batch 2: input 'x' has 2 samples, get_batch_size\(\) promised 5"):
        calibrate(networks.network(), calibrator)
    assert "write_calibration_cache" not in calibrator.calls


def test_too_many_arrays():
    calibrator = EntropyCalibrator(networks.images(), 5)
    calibrator.get_batch = lambda names: [np.zeros((5, 1, 8, 8), np.float32)] * 2
    with pytest.raises(InputMismatchError, match="2 arrays from get_batch"):
        calibrate(networks.network(), calibrator)
