"""A whole MobileNetV2, recorded, verified, exported and read back; every profile's accumulators by compiled kernels."""

import numpy as np
import pytest

from int8sim import api
from int8sim.bench.networks import mobilenet_v2
from int8sim.golden import store
from int8sim.golden.export import export
from int8sim.model.table import Row, Table
from int8sim.profiles.registry import profiles

from . import small

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """All tensors of eight images of 224x224."""
    graph, path = mobilenet_v2(), tmp_path_factory.mktemp("golden") / "mobilenet.h5"
    images = np.random.default_rng(0).standard_normal((8, 3, 224, 224)).astype(np.float32)
    tensors = api.run(graph, {"x": images[:1]}, keep="all")
    rows = {k: Row(float(np.float32(abs(v).max() / 127)), float(v.min()), float(v.max())) for k, v in tensors.items()}
    lowered = api.lower(graph, Table(rows), profile="tflite_reference", preset="mixed")
    api.record(lowered, {"x": images}, path)
    return path


def test_a_mobilenet_verifies(recorded, compared):
    report = api.verify(recorded)
    assert report.matched
    compared(report.compared, least=50_000_000)


@pytest.mark.parametrize("form", ["readmemh", "raw"])
def test_one_flipped_bit_in_fifty_million_values_is_named(recorded, tmp_path, form, compared):
    golden, folder = store.read(recorded), tmp_path / "out"
    index = export(golden, folder, form)
    report = api.verify(recorded, dump=folder)
    assert report.matched
    compared(report.compared, least=50_000_000)
    layer = next(each for each in golden.graph.layers if each.name == "conv2d31")
    entry = next(each for each in index["files"] if each["tensor"] == layer.output)
    place = np.ravel_multi_index((5, 20, 7, 3), entry["shape"])
    content = bytearray((folder / entry["file"]).read_bytes())
    if form == "raw":
        content[place] ^= 1
    else:
        at = place // 4 * 9 + 2 * (3 - place % 4) + 1
        content[at : at + 1] = f"{int(chr(content[at]), 16) ^ 1:x}".encode()
    (folder / entry["file"]).write_bytes(content)
    first = api.verify(recorded, dump=folder).first
    expected = int(golden.rows(layer.output, 5, 6)[0, 20, 7, 3])
    assert (first.layer, first.index, first.expected, first.actual) == (
        "conv2d31",
        (5, 20, 7, 3),
        expected,
        expected ^ 1,
    )


@pytest.mark.parametrize("profile", profiles())
def test_compiled_accumulators_are_the_interpreted_ones(tmp_path, profile, compared):
    path = tmp_path / "g.h5"
    api.record(small.lowered(profile), {"x": small.images()}, path, accumulators=True, backend="reference")
    report = api.verify(path, backend="cpu")
    assert report.matched
    compared(sum(values.size for values in store.read(path).accumulators.values()), least=150)
