"""Which ONNX Resize takes given cells; and the float forms of operators, near ONNX Runtime's own."""

import numpy as np
import pytest
from exporter_compare import engine
from exporter_networks import minmax
from hypothesis import given
from hypothesis import strategies as st

from int8sim.exporters.onnx import onnx_model, write_layers
from int8sim.exporters.onnx_model import OnnxModel
from int8sim.exporters.onnx_resize import find_resize
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op
from int8sim.spec.resize import Coordinates, Nearest, nearest_cell, resized_size, scale_of_sizes


def cells(found, scale, size, resized):
    """What the Resize that was found takes along one axis."""
    coordinates = Coordinates[found.modes["coordinate_transformation_mode"].upper()]
    nearest = Nearest[found.modes["nearest_mode"].upper()]
    assert resized_size(size, scale) == resized
    return [nearest_cell(place, scale, size, resized, coordinates, nearest) for place in range(resized)]


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.sampled_from(Coordinates), st.sampled_from(Nearest)
)
def test_the_cells_of_any_mode_are_found(height, width, resized, coordinates, nearest):
    scales = [scale_of_sizes(size, resized) for size in (height, width)]
    rows, columns = (
        [nearest_cell(place, scale, size, resized, coordinates, nearest) for place in range(resized)]
        for scale, size in zip(scales, (height, width), strict=True)
    )
    found = find_resize(rows, columns, height, width)
    if found is None:  # the ratio truncates, and the next float32 moves a cell
        assert min(resized_size(size, scale) for size, scale in zip((height, width), scales, strict=True)) < resized
        return
    assert cells(found, found.scales[0], height, resized) == rows
    assert cells(found, found.scales[1], width, resized) == columns


@pytest.mark.parametrize("size", [41, 47, 55])
def test_a_scale_that_truncates_is_raised(size):
    """size * float32(1 / size) is below 1."""
    found = find_resize([size // 2], [0], size, 1)
    assert found.scales[0] > scale_of_sizes(size, 1)
    assert cells(found, found.scales[0], size, 1) == [size // 2]


def resized(rows, columns, layout="NCHW"):
    """A lowered graph of one resize of 3 x 4 cells."""
    x = TensorType((1, 2, 3, 4) if layout == "NCHW" else (1, 3, 4, 2), "float32", layout)
    graph = float_graph("one", [Layer("up", op("resize_nearest")(rows, columns), ("x",), "y")], {"x": x}, ["y"], {})
    values = {"x": np.linspace(-1, 1, 24, dtype=np.float32).reshape(x.shape)}
    return lower(graph, minmax(graph, values), profile="onnxruntime")


@pytest.mark.parametrize(("layout", "scales"), [("NCHW", [1, 1, 2, 3]), ("NHWC", [1, 2, 3, 1])])
def test_a_resize_needs_no_transposes(layout, scales):
    model = onnx_model(resized((0, 0, 1, 1, 2, 2), tuple(np.repeat(range(4), 3).tolist()), layout))
    assert [node.op_type for node in model.graph.node] == ["QuantizeLinear", "Resize", "DequantizeLinear"]
    factors = next(each for each in model.graph.initializer if each.name.endswith("_scales"))
    assert np.frombuffer(factors.raw_data, np.float32).tolist() == scales


def test_cells_that_no_mode_takes_are_refused():
    with pytest.raises(NotExportableError, match=r"layer 'up'.*no mode of Resize takes the rows \(2, 1, 0\)"):
        onnx_model(resized((2, 1, 0), (0, 1, 2, 3)))


FLOAT = {
    "sigmoid": lambda: (op("sigmoid")(), 1),
    "tanh": lambda: (op("tanh")(), 1),
    "hard_swish": lambda: (op("hard_swish")(), 1),
    "leaky_relu": lambda: (op("leaky_relu")(0.3), 1),
    "requantize": lambda: (op("requantize")(), 1),
    "multiply": lambda: (op("multiply")(), 2),
    "multiply of three": lambda: (op("multiply")(), 3),
    "resize_nearest": lambda: (op("resize_nearest")((0, 0, 1, 1), (0, 1)), 1),
}


@pytest.mark.engine
@pytest.mark.parametrize("name", FLOAT)
def test_float_forms(name):
    engine("onnxruntime")
    import onnxruntime

    operator, count = FLOAT[name]()
    kinds = {f"x{i}": TensorType((1, 5, 2, 2), "float32", "NCHW") for i in range(count)}
    graph = float_graph("one", [Layer("layer", operator, tuple(kinds), "y")], kinds, ["y"], {})
    rng = np.random.default_rng(0)
    inputs = {each: (rng.normal(size=(9, 5, 2, 2)) * 3).astype(np.float32) for each in kinds}
    model = write_layers(OnnxModel(graph))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (found,) = session.run(["y"], inputs)
    expected = run(graph, inputs)["y"]
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 4e-7 * np.abs(expected).max()
