"""The documented rule by which TensorRT reuses a cache, case by case."""

import pytest

from int8sim.formats import acceptance, tensorrt_cache
from int8sim.formats.acceptance import accepts
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Row, Table


def cache(header):
    return tensorrt_cache.parse(f"{header}\na: 3f800000\n", "c")


@pytest.mark.parametrize(
    ("header", "version", "algorithm"),
    [
        ("TRT-7202-EntropyCalibration2", "7202", "entropy2"),
        ("TRT-7202-EntropyCalibration2", "7202", "EntropyCalibration2"),
        ("TRT-8400-MinMaxCalibration", "8400", "minmax"),
        ("TRT-100300-EntropyCalibration2", "100300", "entropy2"),
        ("TRT-101000-EntropyCalibration", "101000", "entropy"),
        ("1", "", "entropy"),
        ("03ff00000000000003feffffde7210be9", "", "legacy"),
    ],
)
def test_reused(header, version, algorithm):
    verdict = accepts(cache(header), version, algorithm)
    assert verdict
    assert "does not calibrate" in verdict.reason


@pytest.mark.parametrize(
    ("header", "version", "algorithm", "reason"),
    [
        ("TRT-7202-EntropyCalibration2", "7203", "entropy2", "issue 1378"),
        ("TRT-8601-EntropyCalibration2", "100300", "entropy2", "version 8601"),
        ("TRT-7202-EntropyCalibration2", "7202", "minmax", "of EntropyCalibration2, the calibrator is MinMax"),
        ("TRT-7202-EntropyCalibration", "7202", "entropy2", "of EntropyCalibration, the calibrator is Entropy"),
        ("TRT-110000-EntropyCalibration2", "110000", "entropy2", "TensorRT 11 has no calibrator"),
        ("1", "5100", "entropy", "an old release"),
    ],
)
def test_calibrated_again(header, version, algorithm, reason):
    verdict = accepts(cache(header), version, algorithm)
    assert not verdict
    assert reason in verdict.reason


def test_a_legacy_cache_is_for_its_own_quantile_and_cutoff():
    legacy = cache("03ff00000000000003feffffde7210be9")
    assert accepts(legacy, "", "legacy", {"quantile": 0.999999, "cutoff": 1.0})
    assert "quantile is 0.999999" in accepts(legacy, "", "legacy", {"quantile": 0.9999}).reason
    assert "cutoff is 1.0" in accepts(legacy, "", "legacy", {"cutoff": 0.5}).reason


def test_a_table_without_a_header_is_not_a_cache():
    assert not accepts(Table({"a": Row(1.0)}), "8601", "entropy2")


@pytest.mark.parametrize(("version", "algorithm"), [("8.6.1", "entropy2"), ("8601", "percentile")])
def test_unknown_names(version, algorithm):
    with pytest.raises(UnknownNameError):
        accepts(cache("1"), version, algorithm)


def test_it_says_that_it_is_not_measured():
    assert "not measured" in acceptance.__doc__
    assert "not measured" in accepts.__doc__
