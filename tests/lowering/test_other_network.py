"""A table says which network it was made from: lowering another one notes it, and only then."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.fingerprint import network_hash
from int8sim.graph.ir import Layer
from int8sim.lowering.lower import lower
from int8sim.model.table import Provenance, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected


def network(weight):
    layers = [Layer("fc", FullyConnected(), ("x", "w"), "fc")]
    constants = {"w": np.full((2, 3), weight, np.float32)}
    return float_graph("net", layers, {"x": TensorType((1, 3), "float32")}, ["fc"], constants)


TABLE = Table.from_ranges({"x": 1.0, "fc": 3.0})


@pytest.mark.parametrize("profile", ["nvdla", "tflite_reference"])
def test_the_note_names_both_networks(profile):
    made, here = network_hash(network(0.5)), network_hash(network(0.25))
    lowered = lower(network(0.25), replace(TABLE, provenance=Provenance(network=made)), profile=profile)
    (note,) = [note for note in lowered.notes if "another network" in note]
    assert made[:16] in note
    assert here[:16] in note


@pytest.mark.parametrize("made", ["", network_hash(network(0.5))])
def test_no_note_for_its_own_network_or_where_nothing_is_known(made):
    lowered = lower(network(0.5), replace(TABLE, provenance=Provenance(network=made)), profile="nvdla")
    assert not [note for note in lowered.notes if "another network" in note]
