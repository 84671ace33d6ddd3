"""The smallest float network with an input of a given shape, for the streams' tests."""

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.tensor import TensorType
from int8sim.ops.relu import Relu


def network(*shapes, layout="NCHW"):
    """x0 -> relu0, x1 -> relu1 ...; one for each shape."""
    layers = [Layer(f"relu{i}", Relu(), (f"x{i}",), f"relu{i}") for i in range(len(shapes))]
    inputs = {f"x{i}": TensorType(shape, "float32", layout) for i, shape in enumerate(shapes)}
    return float_graph("net", layers, inputs, [layer.output for layer in layers], {})
