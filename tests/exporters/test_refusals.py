"""Layers that an engine would compute otherwise, or cannot express, are refused with the reason."""

from dataclasses import replace

import numpy as np
import pytest
from exporter_networks import edited, images, minmax, residual

from int8sim.exporters.onnx import onnx_model
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.model.step import LookupTable, Step
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op


def tflite(graph):
    pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
    from int8sim.exporters.tflite import tflite_model

    return tflite_model(graph)


EXPORTERS = {"onnxruntime": onnx_model, "tflite_reference": tflite}


@pytest.fixture(scope="module")
def network():
    graph = residual(1, "NCHW")
    return graph, minmax(graph, images(graph, 1, 4))


def one(operator, *shapes, layout="", profile="tflite_reference", preset="performance", rows=None, **constants):
    """A lowered one-layer graph; rows: the scale of each tensor, 1/64 where it is not given."""
    inputs = {f"x{i}": TensorType((1, *shape), "float32", layout) for i, shape in enumerate(shapes)}
    arrays = {name: np.asarray(values, np.float32) for name, values in constants.items()}
    graph = float_graph("one", [Layer("layer", operator, (*inputs, *arrays), "y")], inputs, ["y"], arrays)
    scales = {**dict.fromkeys([*inputs, "y"], 1 / 64), **(rows or {})}
    table = Table({name: Row(scale, -scale * 127, scale * 127) for name, scale in scales.items()})
    return lower(graph, table, profile=profile, preset=preset)


@pytest.mark.parametrize("engine", EXPORTERS)
@pytest.mark.parametrize("profile", ["tensorrt", "nvdla", "onnxruntime", "tflite_reference"])
def test_a_graph_for_another_target_is_refused(network, engine, profile):
    graph = lower(*network, profile=profile)
    if profile == engine:
        EXPORTERS[engine](graph)
        return
    with pytest.raises(NotExportableError, match=rf"layer '.*' cannot be written.*{engine}"):
        EXPORTERS[engine](graph)


def changed_step(graph, op_name, role, **parameters):
    """The graph with parameters of one layer's step changed."""
    position, layer = next((i, each) for i, each in enumerate(graph.layers) if each.op.name == op_name)
    step = layer.arithmetic[role]
    arithmetic = {**layer.arithmetic, role: Step(step.function, {**step.parameters, **parameters})}
    return edited(graph, position, arithmetic=arithmetic), layer.name


@pytest.mark.parametrize(
    ("profile", "op_name", "role", "parameter"),
    [
        ("onnxruntime", "conv2d", "output", "multiplier"),
        ("onnxruntime", "conv2d", "output", "zero_point"),
        ("onnxruntime", "add", "combine", "fixed"),
        ("onnxruntime", "quantize", "convert", "scale"),
        ("onnxruntime", "quantize", "convert", "low"),
        ("onnxruntime", "softmax", "quotient", "inverse_scale"),
        ("tflite_reference", "fully_connected", "output", "multiplier"),
        ("tflite_reference", "conv2d", "output", "shift"),
        ("tflite_reference", "add", "combine", "a_multiplier"),
        ("tflite_reference", "global_average_pool", "finish", "multiplier"),
        ("tflite_reference", "softmax", "exponential", "difference_min"),
    ],
)
def test_a_changed_parameter_is_refused(network, profile, op_name, role, parameter):
    graph = lower(*network, profile=profile)
    layer = next(each for each in graph.layers if each.op.name == op_name)
    value = layer.arithmetic[role].parameters[parameter]
    is_float = not isinstance(value, int) and value.dtype.kind == "f"
    other = np.nextafter(value, value.dtype.type(9)) if is_float else value + 1
    broken, name = changed_step(graph, op_name, role, **{parameter: other})
    with pytest.raises(NotExportableError, match=rf"layer '{name}'.*{role}.*{parameter}"):
        EXPORTERS[profile](broken)


def test_a_changed_table_is_refused(network):
    graph = lower(*network, profile="onnxruntime")
    layer = next(each for each in graph.layers if each.op.name == "softmax")
    table = layer.arithmetic["exponential"].parameters["table"].values.copy()
    table[3] = np.nextafter(table[3], np.float32(1))
    broken, _ = changed_step(graph, "softmax", "exponential", table=LookupTable(table))
    with pytest.raises(NotExportableError, match="table"):
        onnx_model(broken)


def with_quant(graph, tensor, **changes):
    kind = graph.tensors[tensor]
    return replace(graph, tensors={**graph.tensors, tensor: replace(kind, quant=replace(kind.quant, **changes))})


@pytest.mark.parametrize("profile", EXPORTERS)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"narrow": True}, "narrow range"),
        ({"scale": (0.5,) * 8, "axis": 1}, "scale per slice"),
        ({"zero_point": 300}, "no int8 code"),
        ({"dtype": "uint8"}, "without a quantization of that type"),
        ({"scale": 0.5}, "from the scales"),
    ],
)
def test_a_quantization_that_no_engine_takes_is_refused(network, profile, changes, reason):
    broken = with_quant(lower(*network, profile=profile), "stem", **changes)
    with pytest.raises(NotExportableError, match=reason):
        EXPORTERS[profile](broken)


@pytest.mark.parametrize("profile", EXPORTERS)
def test_pools_and_reshapes_keep_their_scale(network, profile):
    with pytest.raises(NotExportableError, match="one scale and zero point"):
        EXPORTERS[profile](with_quant(lower(*network, profile=profile), "flat", scale=0.5))


def test_missing_or_additional_roles_are_refused(network):
    graph = lower(*network, profile="onnxruntime")
    position = next(i for i, each in enumerate(graph.layers) if each.op.name == "softmax")
    arithmetic = dict(graph.layers[position].arithmetic)
    del arithmetic["total"]
    with pytest.raises(NotExportableError, match="its roles are"):
        onnx_model(edited(graph, position, arithmetic=arithmetic))


IMAGE = ((2, 7, 7),)
REFUSED_BY_TFLITE = {
    "dilations": lambda: one(op("max_pool")((2, 2), dilations=(2, 2)), *IMAGE, layout="NCHW"),
    "neither SAME nor VALID": lambda: one(op("average_pool")((3, 3), pads=(2, 2, 0, 0)), *IMAGE, layout="NCHW"),
    "beyond the counted padding": lambda: one(
        op("average_pool")((3, 3), (2, 2), (1, 1, 0, 0), ceil_mode=True, count_include_pad=True), *IMAGE, layout="NCHW"
    ),
    "last axis": lambda: one(op("softmax")(1), (4, 4)),
    "below 2": lambda: one(op("softmax")(1), (4,), rows={"x0": 2.0**-27}),
    "ADD's multiplier": lambda: one(op("add")(), (4,), (4,), rows={"y": 2.0**-26}),
    "the bias's scale": lambda: one(op("fully_connected")(), (1,), rows={"x0": 1.1, "y": 1e-9}, w=[[1.3]], b=[0.5]),
}


@pytest.mark.parametrize("reason", REFUSED_BY_TFLITE)
def test_what_tensorflow_lite_cannot_express_is_refused(reason):
    with pytest.raises(NotExportableError, match=reason):
        tflite(REFUSED_BY_TFLITE[reason]())


def test_tensorflow_lite_takes_no_other_scale_from_softmax():
    graph = one(op("softmax")(1), (4,))
    graph = replace(graph, layers=graph.layers[:2], outputs=("y_quantized",))
    with pytest.raises(NotExportableError, match="1/256"):
        tflite(with_quant(graph, "y_quantized", scale=1 / 128))


def test_tensorflow_lite_takes_no_weights_with_a_zero_point():
    graph = one(op("fully_connected")(), (2,), w=[[1.0, 2.0]])
    with pytest.raises(NotExportableError, match="zero points 0"):
        tflite(with_quant(graph, "layer_weight", zero_point=3))


def integers_only(graph, **kinds):
    """The one integer layer of a one-layer graph, from integer inputs to an integer output, some types changed."""
    layer = next(each for each in graph.layers if each.op.name not in {"quantize", "dequantize"})
    tensors = {
        name: replace(kind, dtype=kinds[name], quant=replace(kind.quant, dtype=kinds[name])) if name in kinds else kind
        for name, kind in graph.tensors.items()
    }
    return replace(graph, layers=(layer,), inputs=layer.inputs[:2], outputs=(layer.output,), tensors=tensors)


def test_unsigned_tensors_are_refused_by_tensorflow_lite():
    graph = one(op("flatten")(), (2, 2), profile="onnxruntime", preset="mixed")
    with pytest.raises(NotExportableError, match="int8 is needed"):
        tflite(integers_only(replace(graph, inputs=("x0_quantized",))))


def test_mixed_types_are_refused_by_onnxruntime():
    graph = one(op("add")(), (4,), (4,), profile="onnxruntime")
    onnx_model(integers_only(graph))
    with pytest.raises(NotExportableError, match="all int8 or all uint8"):
        onnx_model(integers_only(graph, x0_quantized="uint8"))


def test_onnxruntime_counts_whole_windows_where_ceil_mode_lets_them_hang_over():
    operator = op("average_pool")((3, 3), (2, 2), (0, 0, 0, 0), ceil_mode=True, count_include_pad=True)
    graph = one(operator, (2, 6, 6), layout="NCHW", profile="onnxruntime")
    with pytest.raises(NotExportableError, match="beyond the counted padding"):
        onnx_model(graph)
    padded = op("average_pool")((3, 3), (2, 2), (1, 1, 0, 0), ceil_mode=False, count_include_pad=True)
    onnx_model(one(padded, (2, 6, 6), layout="NCHW", profile="onnxruntime"))
