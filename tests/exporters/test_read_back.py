"""A lowered graph, exported as .tflite and read again: the same steps, to the last bit, and the same tensors."""

from contextlib import suppress

import numpy as np
import pytest
from exporter_compare import expect_equal
from exporter_layers import MAKERS, Dice
from exporter_networks import digits, lenet, minmax

from int8sim.exporters.exact import _different
from int8sim.exporters.onnx import export_onnx
from int8sim.exporters.tflite import FAMILY, export_tflite, tensor_names
from int8sim.graph.run import run
from int8sim.importers.onnx import load_onnx
from int8sim.importers.tflite import load_tflite
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError, UnsupportedOperatorError
from int8sim.ops.registry import op as find_op
from int8sim.profiles.registry import profile as find_profile

pytestmark = pytest.mark.engine

ONLY_WRITTEN = ("PADV2",)
"""Operators that the exporter writes with another value than 0 in a max pool's border, which is not read."""
APART = ("_unclamped", "_maximum")
"""Tensors of an output whose bounds are operators of their own: its steps are those of two layers, which are run."""
GEOMETRY = {"conv2d", "fully_connected", "max_pool", "average_pool", "concat", "resize_nearest"}
GEOMETRY |= {"flatten", "reshape", "transpose", "pad", "slice"}
"""Ops whose steps do not say everything: these are run, too."""


def again(graph, path):
    """The graph, written and read; None where it has no form, or one that is not read."""
    try:
        export_tflite(graph, path)
        return load_tflite(path, graph.profile)
    except NotExportableError:
        return None
    except UnsupportedOperatorError as refused:
        assert refused.operator in ONLY_WRITTEN  # noqa: PT017
        return None


def same_steps(graph, back):
    """How many layers of both have the same steps; every layer's output is in both."""
    made = {layer.output: layer for layer in back.layers}
    for layer in graph.layers:
        assert not _different(layer.arithmetic, made[layer.output].arithmetic, "the file")
        assert graph.tensors[layer.output].quant == back.tensors[layer.output].quant
    return len(graph.layers)


def same_tensors(graph, back, inputs):
    """How many values of both are equal."""
    mine, axes = run(graph, inputs, keep="all"), tensor_names(graph)
    stored = {name: np.ascontiguousarray(values.transpose(axes[name])) for name, values in inputs.items()}
    theirs = run(back, stored, keep="all")
    for layer in graph.layers:
        expect_equal(layer, mine[layer.output].transpose(axes[layer.output]), theirs[layer.output])
    return sum(mine[layer.output].size for layer in graph.layers)


@pytest.mark.parametrize("profile", FAMILY)
@pytest.mark.parametrize("name", MAKERS)
def test_random_layers_come_back(name, profile, tmp_path):
    if find_profile(profile).scheme(find_op(name).kind, "int8") is None:
        pytest.skip(f"{profile} has no {name}")
    runs, found, values = profile == FAMILY[0] and name in GEOMETRY, 0, 0
    for position in range(10):
        dice = Dice(np.random.default_rng([position, sorted(MAKERS).index(name)]), profile, "mixed", position % 2 > 0)
        made = MAKERS[name](dice)
        graph = lower(made.graph, made.table, profile=profile, preset="mixed")
        back = again(graph, tmp_path / "again.tflite")
        apart = back and any(name.endswith(APART) for name in back.tensors)
        found += same_steps(graph, back) if back and not apart else bool(apart)
        values += same_tensors(graph, back, made.inputs) if back and (runs or apart) else 0
    assert found >= 3
    assert values or not runs


@pytest.mark.slow
def test_the_lenet_comes_back(tmp_path):
    graph, inputs = lenet(), {"data": digits()["data"][:20]}
    lowered = lower(graph, minmax(graph, inputs), profile="tflite_reference", preset="mixed")
    assert same_tensors(lowered, again(lowered, tmp_path / "lenet.tflite"), inputs) > 400_000


def onnx_again(graph, path):
    """The graph, written as ONNX and read; None where it has no form there."""
    with suppress(NotExportableError):
        export_onnx(graph, path)
        return load_onnx(path)


def has_onnx_rows(graph):
    """Whether the ONNX file has other layers: the importer reads images as NCHW, and a matrix product as it is."""
    deep = any(layer.op.name == "fully_connected" and len(graph.types(layer)[0].shape) > 2 for layer in graph.layers)
    return deep or any(kind.layout == "NHWC" for kind in graph.tensors.values())


def same_layers(graph, back):
    """How many layers of both are the same op with the same steps, the fused bounds apart, which are a Clip there."""
    made = {layer.output: layer for layer in back.layers}
    for layer in graph.layers:
        other = made.get(f"{layer.output}_unclamped", made[layer.output])
        if other is made[layer.output]:
            assert not _different(layer.arithmetic, other.arithmetic, "the file")
        assert layer.op == other.op or layer.op.kind == "clamp"
        assert graph.tensors[layer.output].quant == back.tensors[layer.output].quant
    return len(graph.layers)


@pytest.mark.parametrize("name", MAKERS)
def test_random_layers_come_back_from_onnx(name, tmp_path):
    if find_profile("onnxruntime").scheme(find_op(name).kind, "int8") is None:
        pytest.skip(f"onnxruntime has no {name}")
    found = 0
    for position in range(12):
        dice = Dice(np.random.default_rng([position, sorted(MAKERS).index(name)]), "onnxruntime", "mixed", position % 2)
        made = MAKERS[name](dice)
        graph = lower(made.graph, made.table, profile="onnxruntime", preset="mixed")
        back = None if has_onnx_rows(graph) else onnx_again(graph, tmp_path / "again.onnx")
        found += same_layers(graph, back) if back else 0
    assert found >= 3
