"""Few vectors that kill every mutation: each kill seen again by the interpreter, each proof tried on other inputs."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.golden.generate import generate
from int8sim.golden.mutations.catalogue import catalogue
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.samples import SAMPLES, sample_layer
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.layers import chosen_samples
from int8sim.golden.vectors.pairs import Cells, packed
from int8sim.golden.vectors.pool import kills, prints
from int8sim.golden.vectors.registers import never_seen
from int8sim.golden.vectors.solve import Solver
from int8sim.golden.vectors.targets import reach
from int8sim.golden.vectors.weighted import EACH
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.errors import LayerError
from int8sim.ops.relu import Relu
from int8sim.profiles.registry import BUILT_IN

from .test_mutations import drawn


def judge(kind, profile, preset="mixed"):
    graph = sample_layer(kind, profile, preset=preset)
    return graph, generate(graph, graph.layers[0])


def interpreted(graph, inputs, arithmetic):
    """The layer with other steps, by its op's own definition."""
    (layer,) = graph.layers
    other = Graph((replace(layer, arithmetic=arithmetic),), graph.tensors, graph.constants, graph.inputs, graph.outputs)
    (found,) = run(other, inputs, backend="reference").values()
    return found


def check(graph, found, compared):
    """What the score says, seen by other ways than it was computed."""
    subject = Subject.of(graph, graph.layers[0])
    entries = {each.key: each for each in catalogue(subject)}
    count = len(found.inputs[graph.inputs[0]])
    assert found.score.vectors == count <= 200
    assert len(entries) == found.score.mutations
    unkilled = {each.key for each in (*found.score.proved, *found.score.survivors)}
    right = interpreted(graph, found.inputs, subject.arithmetic)
    seen = 0
    for key, mutant in entries.items():
        if mutant.subject.arithmetic is not subject.arithmetic and key not in unkilled:
            try:
                wrong = interpreted(graph, found.inputs, mutant.subject.arithmetic)
            except OverflowError:  # a code that the dtype does not hold
                continue
            assert not np.array_equal(right, wrong), key
            seen += right.size
    proved = [entries[each.key] for each in found.score.proved]
    other = drawn(graph, 20, seed=77)
    assert not kills(subject, proved, other).any()
    compared(seen + len(proved) * other[0].size, 1)


def test_every_mutation_is_killed_or_proved(compared):
    graph, found = judge("fully_connected", "onnxruntime")
    assert found.score.survivors == ()
    assert found.score.percent == 100.0 > found.score.random_percent
    assert found.score
    check(graph, found, compared)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("profile", BUILT_IN)
def test_every_profile(profile, kind, compared):
    graph, found = judge(kind, profile)
    assert found.score.survivors == ()
    check(graph, found, compared)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["conv2d", "fully_connected"])
def test_sixteen_bits(kind, compared):
    graph, found = judge(kind, "cmsis_nn", "int16")
    assert found.score.survivors == ()
    check(graph, found, compared)


@pytest.mark.parametrize("kind", ["conv2d", "depthwise", "fully_connected"])
def test_accumulators_are_solved_for(kind, compared):
    graph = sample_layer(kind, "tflite_reference")
    products = Subject.of(graph, graph.layers[0]).products
    solver = Solver(products, graph.tensors[graph.inputs[0]], np.random.default_rng(3))
    channels = range(len(products.weights))
    for channel in channels:
        for wanted in (-4321, 0, 1, 999):
            (place,) = [solver.places[channel]]
            found = products.accumulators(solver.vector(channel, wanted), np.array([place]))
            assert [int(each[0]) for each in found] == [wanted, channel]
    compared(4 * len(channels), 1)


def test_what_cannot_be_reached_is_not_solved():
    graph = sample_layer("fully_connected", "tflite_reference")
    products = Subject.of(graph, graph.layers[0]).products
    even = replace(products, weights=products.weights * 2, bias=products.bias * 0)
    solver = Solver(even, graph.tensors[graph.inputs[0]], np.random.default_rng(3))
    assert solver.vector(0, 4321) is None
    assert solver.vector(0, 1 << 40) is None


def test_a_cover_takes_the_widest_first():
    table = np.array([[1, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]], bool)
    assert cover(table, 9) == [0, 1]
    assert cover(table, 1) == [0]


def test_rows_are_told_apart_as_far_as_they_differ():
    values = np.array([[0, 0, 5], [1, 0, 6], [1, 2, 6], [1, 2, 6]])
    assert apart(values, [0], 9) == [0, 1]
    assert apart(values, [0], 1) == [0]
    assert apart(values, [], 9) == [0, 1]


def test_vectors_that_tell_apart_leave_one_name(compared):
    graph = sample_layer("conv2d", "xnnpack")
    subject = Subject.of(graph, graph.layers[0])
    entries = [each for each in catalogue(subject) if each.key.startswith(("w_", "bias_", "x_"))]
    found, _, _ = chosen_samples(subject, entries, np.random.default_rng(0), 200, told_apart=True)
    table = prints(subject, entries, found)
    same = {"w_channels_reversed", "w_bytes_reversed"}  # four channels are one word
    others = [row for row, each in zip(table[1:], entries, strict=True) if each.key not in same]
    assert len(np.unique(others, axis=0)) == len(others)
    compared(table.size, 1)


def test_operands_behind_the_vector_loop_stand_at_the_end():
    subject = Subject.of(graph := sample_layer("add", "tflite_optimized"), graph.layers[0])
    cells = Cells(subject, np.random.default_rng(0))
    early, late = cells.where
    a, b = packed(cells, [(7, 8, *early), (5, 6, *late), (1, 2, *late)])
    assert a.size % 16 >= 2
    assert (a.flat[0], b.flat[0]) == (7, 8)
    assert [*zip(a.flat[-2:], b.flat[-2:], strict=True)] == [(5, 6), (1, 2)]


def with_itself(graph):
    """A graph of one layer of two inputs, with its first one as both."""
    (layer,) = graph.layers
    layer = replace(layer, inputs=(layer.inputs[0],) * 2)
    kinds = {name: graph.tensors[name] for name in (*layer.inputs, layer.output)}
    return Graph((layer,), kinds, {}, layer.inputs[:1], graph.outputs, graph.name, graph.profile)


@pytest.mark.parametrize("profile", ["tensorrt", "tflite_optimized"])
def test_a_tensor_that_is_read_twice_is_one_input(profile, compared):
    graph = with_itself(sample_layer("add", profile))
    found = generate(graph, graph.layers[0])
    assert found.score.survivors == ()
    assert [*found.inputs] == [*graph.inputs]
    subject = Subject.of(graph, graph.layers[0])
    (x,) = found.inputs.values()
    right = subject.values([x, x], np.arange(x.size))
    entries = {each.key: each for each in catalogue(subject)}
    told = {
        key
        for key, each in entries.items()
        if not np.array_equal(each.subject.values([x, x], np.arange(x.size)), right)
    }
    assert told == {*entries} - {each.key for each in found.score.proved}
    assert "combine.exchanged" not in told  # a + a
    compared(len(entries) * x.size, 1)


def test_a_layer_without_arithmetic_is_refused():
    layer = Layer("real", Relu(), ("x",), "y")
    graph = sample_layer("add", "tosa")
    kinds = dict.fromkeys(("x", "y"), graph.tensors[graph.inputs[0]])
    with pytest.raises(LayerError, match="no integer arithmetic"):
        generate(Graph((layer,), kinds, {}, ("x",), ("y",)), layer)


@pytest.mark.parametrize("seed", range(4))
def test_a_register_that_is_proved_unseen_is_not_seen(seed, compared):
    """On sums that grow as far as they can and turn behind each product, the inputs on which one shows first."""
    graph = sample_layer("fully_connected", "tosa", seed=seed)
    subject, count, proved = Subject.of(graph, graph.layers[0]), 0, 0
    solver = Solver(subject.products, subject.types[0], np.random.default_rng(seed))
    bounds = reach(subject.products, subject.types[0])
    turns = [solver.extreme(o, cut / 36, sign) for o in range(4) for sign in (1, -1) for cut in range(37)]
    x, places = [np.concatenate(turns)], np.arange(4 * len(turns))
    right = subject.values(x, places)
    for mutant in catalogue(subject):
        width = EACH.fullmatch(mutant.key)
        if width and never_seen(subject, subject.types[0], bounds, int(width[1])):
            np.testing.assert_array_equal(mutant.subject.values(x, places), right, strict=True)
            count, proved = count + right.size, proved + 1
    assert 0 < proved < len([each for each in catalogue(subject) if EACH.fullmatch(each.key)])
    compared(count, 1)
