"""Streaming networks, which keep variables between steps: trained wake words beside TensorFlow Lite Micro, live."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import int8sim
from int8sim.exporters import tflite_flatbuffer
from int8sim.importers.tflite_file import read_model
from int8sim.model.errors import GraphError, UnsupportedOperatorError

from .tflite_engines import ENGINES, opened
from .tflite_models import FINE, File

pytestmark = pytest.mark.engine
WORDS = ("alexa", "hey_jarvis", "hey_mycroft", "okay_nabu")


def model_of(word):
    """The file, without importing the package, which loads a library."""
    package = find_spec("pymicro_wakeword")
    if package is None:
        pytest.skip("the package pymicro-wakeword is not installed")
    return Path(package.origin).parent / "models" / f"{word}.tflite"


def steps(shape, count):
    """Noise of any loudness, and silence of any level."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        level, loudness = rng.integers(-128, 128), rng.choice([0, 2, 10, 40, 128])
        yield np.clip(level + rng.normal(0, loudness, shape), -128, 127).astype(np.int8)


CASES = [*(pytest.param(word, marks=pytest.mark.slow) for word in WORDS[:-1]), WORDS[-1]]
STEPS = 200


@pytest.mark.parametrize("word", CASES)
def test_every_tensor_of_every_step_is_the_engines(word, compared):
    runtime = pytest.importorskip("tflite_micro").runtime
    path, total = model_of(word), 0
    engine = runtime.Interpreter.from_bytes(
        path.read_bytes(), arena_size=1 << 20, intrepreter_config=runtime.InterpreterConfig.kPreserveAllTensors
    )
    graph = int8sim.load(path, profile="tflm")
    places = {tensor.name: place for place, tensor in enumerate(read_model(path).tensors)}
    session, (name,) = int8sim.Session(graph), graph.data_inputs
    for x in steps(graph.tensors[name].shape, STEPS):
        engine.set_input(x, 0)
        engine.invoke()
        found = session.step({name: x}, keep="all")
        for tensor in places.keys() & found.keys():
            answer = engine.GetTensor(places[tensor], 0)["tensor_data"]
            np.testing.assert_array_equal(found[tensor], answer, strict=True, err_msg=tensor)
            total += answer.size
    compared(total, 9_000 * STEPS, word)


RESOURCE = 13
START = np.array([[5, -100, 0, 127]], np.int8)


FORMS = {
    "VAR_HANDLE": (1, "VarHandleOptions"),
    "READ_VARIABLE": (1, "ReadVariableOptions"),
    "ASSIGN_VARIABLE": (1, "AssignVariableOptions"),
    "CALL_ONCE": (1, "CallOnceOptions"),
}
"""Operators that no exporter writes."""


@pytest.fixture
def forms(monkeypatch):
    for name, form in FORMS.items():
        monkeypatch.setitem(tflite_flatbuffer.OPERATORS, name, form)


def handle(file):
    made = file.flat.tensor("handle", (), "int32", batched=False)
    file.flat.tensors[made].type = RESOURCE
    return file.flat.operator("VAR_HANDLE", [], made, container="", sharedName="sum")


def assign(file, variable, value):
    file.flat.operator("ASSIGN_VARIABLE", [variable, value], -1)
    file.flat.operators[-1].outputs = []


def initial():
    """The subgraph that is called once."""
    file = File((1, 4))
    assign(file, handle(file), file.flat.constant("start", START, FINE))
    return file


def sums(first=None):
    """A running sum, and its maximum with 0: the variable read twice. first: the subgraph that is called once."""
    file = File((1, 4))
    if first:
        file.flat.operator("CALL_ONCE", [], -1, initSubgraphIndex=1)
        file.flat.operators[-1].outputs = []
    variable = handle(file)
    file.add("READ_VARIABLE", (1, 4), FINE, inputs=[variable])
    file.add("ADD", (1, 4), FINE, inputs=[file.x, file.last])
    assign(file, variable, file.last)
    file.add("READ_VARIABLE", (1, 4), FINE, inputs=[variable])
    file.add("RELU", (1, 4), FINE)
    return both(file, first) if first else file.content()


def both(file, first):
    """The file's content with a second subgraph, its operators and buffers renumbered."""
    codes, buffers = list(file.flat.codes), len(file.flat.buffers)
    schema = file.flat.schema
    for operator in first.flat.operators:
        operator.opcodeIndex = codes.index(list(first.flat.codes)[operator.opcodeIndex])
    for tensor in first.flat.tensors:
        tensor.buffer += buffers
    subgraph = schema.SubGraphT(
        tensors=first.flat.tensors, operators=first.flat.operators, inputs=[], outputs=[], name="first"
    )
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(file.content()))
    model.subgraphs.append(subgraph)
    model.buffers += first.flat.buffers
    builder = file.flat.flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


@pytest.fixture
def load(tmp_path, forms):
    def read(content, profile):
        path = tmp_path / "sums.tflite"
        path.write_bytes(content)
        return int8sim.load(path, profile=profile)

    return read


@pytest.mark.parametrize("profile", ENGINES)
def test_a_variable_is_a_state(load, profile, tmp_path):
    graph = load(sums(initial()), profile)
    engine, session = opened(sums(initial()), profile), int8sim.Session(graph)
    x = [np.random.default_rng(i).integers(-20, 20, (1, 4)).astype(np.int8) for i in range(4)]
    rows = [session.step({"x": each}, keep="all") for each in x]
    for each, found in zip(x, rows, strict=True):
        np.testing.assert_array_equal(found[graph.outputs[0]], *engine([each]), strict=True)
    (state,) = graph.states
    np.testing.assert_array_equal(state.initial, START)
    session.reset()
    np.testing.assert_array_equal(session.step({"x": x[0]})[state.output], rows[0][state.output])
    steps_as_samples = {name: np.concatenate([row[name] for row in rows]) for name in graph.inputs}
    int8sim.record(graph, steps_as_samples, tmp_path / "steps.h5")
    assert int8sim.verify(tmp_path / "steps.h5")
    assert [each.input for each in int8sim.load(tmp_path / "steps.h5").states] == [state.input]


def test_two_samples_are_two_streams(load):
    graph = load(sums(initial()), "tflm")
    x = np.array([[1, 2, 3, 4], [-9, 9, -9, 9]], np.int8)
    together, apart = int8sim.Session(graph), [int8sim.Session(graph) for _ in x]
    for _ in range(3):
        found = together.step({"x": x})[graph.outputs[0]]
        alone = [each.step({"x": x[i : i + 1]})[graph.outputs[0]] for i, each in enumerate(apart)]
        np.testing.assert_array_equal(found, np.concatenate(alone))


def test_a_network_with_states_is_not_lowered(load):
    graph = load(sums(initial()), "tflm")
    with pytest.raises(GraphError, match="keeps 'READ_VARIABLE_2' between steps"):
        int8sim.lower(replace(graph, profile=""), int8sim.Table({}), profile="tflm")


def wrongly_assigned():
    file = initial()
    file.flat.tensors[-1].shape = [1, 2, 2]
    return sums(file)


REFUSED = {
    "without a value": (sums, UnsupportedOperatorError, "gives its variable 'sum' an initial value"),
    "of another shape": (wrongly_assigned, GraphError, "one type and shape is needed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_variables_that_are_refused(load, name):
    content, error, message = REFUSED[name]
    with pytest.raises(error, match=message):
        load(content(), "tflm")
