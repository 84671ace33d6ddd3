"""A float network lowered by the ranges of the vendor's own int8 file: that file's scales and zero points come back."""

import pytest

from int8sim.analysis.pairs import layer_pairs
from int8sim.importers.tflite import load_tflite
from int8sim.lowering.lower import lower
from int8sim.lowering.own_ranges import own_ranges


@pytest.mark.witness
def test_the_keyword_spotter_of_mlperf_tiny(oracle_folder, compared):
    """Every activation; pool, reshape, the fully connected layer and the softmax whole."""
    vendor = load_tflite(oracle_folder / "tflite" / "kws_ref_model.tflite", profile="tflm")
    network = load_tflite(oracle_folder / "tflite" / "kws_ref_model_float32.tflite")
    graph = lower(network, own_ranges(vendor), profile="tflm", preset="mixed")
    pairs = [pair for pair in layer_pairs(graph, vendor) if pair.second]
    assert len(pairs) == len(vendor.layers) == 13
    for pair in pairs:
        assert (pair.first, pair.second) == ("int8", "int8")
        assert not {change.what for change in pair.changes} & {"scale", "zero point", "dtype", "shape"}
    assert [pair.changes for pair in pairs[-4:]] == [()] * 4
    compared(2 * len(pairs))
