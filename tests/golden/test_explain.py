"""Every element of every integer op replays from its operands; and what hardware leaves undefined is said so."""

import numpy as np
import pytest

from int8sim.golden.compare import explain, is_defined_at, operands_at
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.add import Add
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.registry import ops
from int8sim.spec.requantize import output_real


def graph_of(case):
    names = [f"x{i}" for i in range(len(case.types))]
    arrays = dict(zip(names, case.arrays(), strict=True))
    held = {names[i]: arrays[names[i]] for i in case.constants}
    given = tuple(name for name in names if name not in held)
    tensors = {**dict(zip(names, case.types, strict=True)), "y": case.output}
    layer = Layer("layer", case.op, tuple(names), "y", case.arithmetic)
    return Graph((layer,), tensors, held, given, ("y",)), {name: arrays[name] for name in given}


def integer_cases():
    for name, op in ops().items():
        for case in op.cases():
            if case.arithmetic and case.output.quant:
                yield pytest.param(case, id=f"{name}: {case.name}")


@pytest.mark.parametrize("case", list(integer_cases()))
def test_operands_replay_every_element(case, compared):
    graph, inputs = graph_of(case)
    tensors = run(graph, inputs, keep="all")
    (layer,) = graph.layers
    for index in np.ndindex(*tensors["y"].shape):
        given = operands_at(graph, layer, index, tensors)
        if given:
            role, operands = given
            channel = index[case.output.channel_axis]
            assert case.arithmetic[role](*operands, channel=channel) == tensors["y"][index]
    compared(tensors["y"].size, 1)


def product(multiplier):
    """One fully connected layer with a bias of 2**30."""
    step = {"multiplier": np.array([multiplier]), "zero_point": 0, "low": -128, "high": 127}
    types = TensorType((1, 1), "int8", "", QuantParams(1.0)), TensorType((1, 1), "int8", "", QuantParams(1.0))
    bias = TensorType((1,), "int32", "", QuantParams(1.0, dtype="int32"))
    layer = Layer("fc", FullyConnected(), ("x", "w", "b"), "y", {"output": Step(output_real, step)})
    tensors = {"x": types[0], "w": types[1], "b": bias, "y": types[0]}
    constants = {"w": np.array([[1]], np.int8), "b": np.array([2**30], np.int32)}
    return Graph((layer,), tensors, constants, ("x",), ("y",))


@pytest.mark.parametrize(("multiplier", "is_it"), [(1.0, True), (2.5, False)])
def test_undefined_steps_are_unpredictable(multiplier, is_it):
    graph = product(multiplier)
    tensors = run(graph, {"x": np.array([[5]], np.int8)}, keep="all")
    assert is_defined_at(graph, graph.layers[0], (0, 0), tensors) is is_it
    found = explain(graph, "y", (0, 0), np.array([[3]], np.int8), tensors)
    assert found.unpredictable is not is_it
    assert found.accumulator == 2**30 + 5
    assert ("unpredictable" in "\n".join(found.lines())) is not is_it


def test_other_roles_show_their_operands():
    case = next(iter(Add.cases()))
    graph, inputs = graph_of(case)
    tensors = run(graph, inputs, keep="all")
    found = explain(graph, "y", (0, 2), np.array([[0, 0, 3, 0]], np.int8), tensors)
    assert (found.role, found.operands, found.accumulator) == ("combine", (-3, 0), None)
    assert "  combine of -3, 0" in found.lines()
    assert found.as_dict()["accumulator"] is None
