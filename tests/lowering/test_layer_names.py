"""Tables by layer names: found out, turned into tables by tensor, and what is refused, with the way out."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.formats import nvdla_json
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.layer_names import by_tensor, row_places, table_of_layers
from int8sim.lowering.lower import lower
from int8sim.model.errors import MissingLayersError, MissingRangeError, UnnamedLayersError
from int8sim.model.table import Provenance, Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.relu import Relu

UNNAMED = "(Unnamed Layer* 0) [Fully Connected]_output"


def network():
    """As Caffe's importer makes it of a fully connected layer `ip` with a ReLU in place: `ip` is the ReLU's tensor."""
    layers = [Layer("ip", FullyConnected(), ("x", "w"), UNNAMED), Layer("relu", Relu(), (UNNAMED,), "ip")]
    graph = float_graph("net", layers, {"x": TensorType((1, 3))}, ["ip"], {"w": np.eye(3, dtype=np.float32)})
    return replace(graph, listed=("x", UNNAMED, "ip"))


LAYERS = {"x": Row(0.1), "ip": Row(0.2), "relu": Row(0.3)}
TENSORS = {"x": Row(0.1), UNNAMED: Row(0.2), "ip": Row(0.3)}


def table(rows, producer="NVDLA JSON"):
    return Table(dict(rows), Provenance(producer=producer))


def test_the_places_of_a_table_by_layers():
    assert row_places(network()) == [("x", "x"), ("ip", UNNAMED), ("relu", "ip")]


@pytest.mark.parametrize("producer", ["NVDLA JSON", "", "int8sim 0.1.0"])
def test_rows_by_layer_become_rows_by_tensor(producer):
    """Also where nothing says so but the names: a row for every layer, and none for a tensor."""
    assert by_tensor(table(LAYERS, producer), network()).rows == TENSORS


@pytest.mark.parametrize("producer", ["", "int8sim 0.1.0"])
def test_rows_by_tensor_stay(producer):
    given = table(TENSORS, producer)
    assert by_tensor(given, network()) is given


def test_lowering_takes_either():
    found = [lower(network(), rows, profile="nvdla") for rows in (table(LAYERS), table(TENSORS, ""))]
    for lowered in found:
        assert lowered.tensors["ip_quantized"].quant.tensor_scale == 0.3
    first, second = (graph.layers[1].arithmetic["output"].parameters for graph in found)
    assert (first["scale"], first["truncate"]) == (second["scale"], second["truncate"])


def test_a_json_table_by_tensors_of_a_network_that_has_one_name_for_both():
    """What calib_txt_to_json.py makes, where no tensor is unnamed."""
    layers = [Layer("node", FullyConnected(), ("x", "w"), "y")]
    graph = float_graph("net", layers, {"x": TensorType((1, 3))}, ["y"], {"w": np.eye(3, dtype=np.float32)})
    given = table({"x": Row(0.1), "y": Row(0.2)})
    assert by_tensor(given, graph) is given


@pytest.mark.parametrize("left_out", LAYERS)
def test_a_table_that_lacks_a_layer(left_out):
    rows = {name: row for name, row in LAYERS.items() if name != left_out}
    with pytest.raises(MissingLayersError, match=f"without a row: {left_out}") as caught:
        lower(network(), table(rows), profile="nvdla")
    assert set(caught.value.layers) == {left_out}


def test_a_table_of_tensorrts_unnamed_layers():
    with pytest.raises(UnnamedLayersError) as caught:
        lower(network(), table(TENSORS), profile="nvdla")
    assert caught.value.rows == {UNNAMED: "ip"}
    assert caught.value.missing == ("relu",)
    assert "is layer 'ip'" in str(caught.value)
    assert "int8sim table convert TABLE --to nvdla --model NETWORK" in str(caught.value)


def test_an_unnamed_layer_of_another_network():
    other = "(Unnamed Layer* 9) [Scale]_output"
    with pytest.raises(UnnamedLayersError, match="is none of its"):
        table_of_layers(table({"x": Row(1.0), other: Row(1.0)}), network())


def test_a_cache_of_another_network_is_still_a_table_by_tensors():
    with pytest.raises(MissingRangeError, match="no row for tensor"):
        lower(network(), table({"x": Row(0.1)}, ""), profile="nvdla")


def test_to_nvdlas_table_and_back(tmp_path):
    """The names of the file are the layers'; read with the network, they are the tensors' again."""
    path = tmp_path / "table.json"
    path.write_text(nvdla_json.to_text(table(TENSORS, ""), network()))
    read = nvdla_json.read(path)
    assert list(read) == ["x", "ip", "relu"]
    assert {name: row.scale for name, row in by_tensor(read, network()).items()} == {
        name: np.float32(row.scale) for name, row in TENSORS.items()
    }
