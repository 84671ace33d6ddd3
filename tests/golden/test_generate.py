"""Few vectors that kill every mutation: each kill seen again by the interpreter, each proof tried on other inputs."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.golden.generate import generate
from int8sim.golden.mutations.catalogue import catalogue
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.samples import sample_kinds, sample_layer
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.layers import chosen_samples
from int8sim.golden.vectors.matrices import MatrixSolver
from int8sim.golden.vectors.pairs import Cells, packed
from int8sim.golden.vectors.pool import kills, prints
from int8sim.golden.vectors.registers import never_seen
from int8sim.golden.vectors.solve import Solver
from int8sim.golden.vectors.targets import reach
from int8sim.golden.vectors.weighted import EACH
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.errors import LayerError
from int8sim.ops.add import Add
from int8sim.ops.matmul import Matmul
from int8sim.ops.quantize import Quantize
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax
from int8sim.profiles.registry import BUILT_IN

from .test_mutations import drawn, reshaped

WIDE = (1, 5, 36), (1, 36, 4), (1, 5, 4)
SQUARE = "matmul", Matmul(), (1, 7, 7), "tosa"


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
@pytest.mark.parametrize(("profile", "kind"), [(each, kind) for each in BUILT_IN for kind in sample_kinds(each)])
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
    solver = Solver(products, np.random.default_rng(3))
    channels = range(len(products.weights))
    for channel in channels:
        for wanted in (-4321, 0, 1, 999):
            (place,) = [solver.places[channel]]
            found = products.accumulators(*solver.vector(channel, wanted), np.array([place]))
            assert [int(each[0]) for each in found] == [wanted, channel]
    compared(4 * len(channels), 1)


def test_what_cannot_be_reached_is_not_solved():
    graph = sample_layer("fully_connected", "tflite_reference")
    products = Subject.of(graph, graph.layers[0]).products
    even = replace(products, weights=products.weights * 2, bias=products.bias * 0)
    solver = Solver(even, np.random.default_rng(3))
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


def test_operands_of_the_vector_loop_fill_it():
    """A tensor of one element has no vector loop, sixteen samples of it have."""
    graph = reshaped(sample_layer("add", "tflite_optimized"), Add(), (1, 1), (1, 1))
    subject = Subject.of(graph, *graph.layers)
    cells = Cells(subject, np.random.default_rng(0))
    assert len(packed(cells, [(7, *cells.where[0])])[0]) >= 16


@pytest.mark.parametrize(
    ("kind", "op", "shape", "profile"),
    [("add", Add(), (1, 40), "tensorrt"), ("add", Add(), (1, 40), "tflite_optimized"), SQUARE],
)
def test_a_tensor_that_is_read_twice_is_one_input(kind, op, shape, profile, compared):
    graph = reshaped(sample_layer(kind, profile), op, shape, shape)
    found = generate(graph, graph.layers[0])
    assert found.score.survivors == ()
    assert [*found.inputs] == [*graph.inputs]
    subject = Subject.of(graph, graph.layers[0])
    (x,) = found.inputs.values()
    entries, places = catalogue(subject), np.arange(x.size)
    right = subject.values([x, x], places)
    told = {each.key for each in entries if not np.array_equal(each.subject.values([x, x], places), right)}
    assert told == {each.key for each in entries} - {each.key for each in found.score.proved}
    assert "combine.exchanged" not in told  # a + a
    compared(len(entries) * x.size, 1)


@pytest.mark.parametrize(
    ("constant", "shapes"), [((), WIDE), ((0,), WIDE), ((1,), WIDE), ((), ((1, 19, 19), (1, 19, 19)))]
)
def test_either_side_of_a_product_is_solved_for(constant, shapes, compared):
    """And what the solver says is what the op's own definition accumulates."""
    graph = reshaped(sample_layer("matmul", "tosa"), Matmul(), *shapes)
    fixed = {graph.inputs[i]: drawn(graph, 1)[i] for i in constant}
    (layer,), inputs = graph.layers, tuple(name for name in graph.inputs if name not in fixed)
    subject = Subject.of(replace(graph, constants=fixed, inputs=inputs), layer)
    solver, count = MatrixSolver(subject, subject.matrices, np.random.default_rng(2)), 0
    for channel, place in enumerate(solver.places):
        for wanted in (-4321, 0, 1, 999):
            for sample in (solver.vector(channel, wanted), solver.pair_within(channel, 1, wanted)):
                operands = subject.inputs(subject.activations(sample))
                index = np.unravel_index(place, shapes[-1])
                assert index[-1] == channel
                assert layer.op.accumulator(subject.types, layer.arithmetic, operands, index) == wanted
                count += 1
    compared(count, 1)


def test_products_of_two_activations(compared):
    graph, found = judge("matmul", "onnxruntime")
    assert found.score.survivors == ()
    check(graph, found, compared)


def rows_of(profile, length):
    graph = reshaped(sample_layer("softmax", profile), Softmax(1), (1, length), (1, length))
    return graph, generate(graph, graph.layers[0])


def test_all_rows_of_two_are_tried(compared):
    graph, found = rows_of("tflite_reference", 2)
    assert found.score.survivors == ()
    assert {each.how for each in found.score.proved} == {"all 511 rows tried", "all 256 differences tried"}
    check(graph, found, compared)


@pytest.mark.slow
def test_rows_of_ten_are_searched(compared):
    graph, found = rows_of("onnxruntime", 10)
    assert found.score.killed > found.score.random
    assert not any("rows" in each.how for each in found.score.proved)
    check(graph, found, compared)


def test_a_layer_without_arithmetic_is_refused():
    layer = Layer("real", Relu(), ("x",), "y")
    graph = sample_layer("add", "tosa")
    kinds = dict.fromkeys(("x", "y"), graph.tensors[graph.inputs[0]])
    with pytest.raises(LayerError, match="no integer arithmetic"):
        generate(Graph((layer,), kinds, {}, ("x",), ("y",)), layer)


def test_ties_of_real_values(compared):
    (case, *_) = Quantize.cases()
    layer = Layer("in", case.op, ("x",), "y", arithmetic=case.arithmetic)
    graph = Graph((layer,), {"x": case.types[0], "y": case.output}, {}, ("x",), ("y",))
    found = generate(graph, layer)
    subject, (x,) = Subject.of(graph, layer), found.inputs.values()
    told = kills(subject, catalogue(subject), [x]).any(axis=1)
    assert x.dtype == np.float32
    assert told.sum() == found.score.killed > found.score.random
    assert "convert.round_half_up@half_even" not in {each.key for each in found.score.survivors}
    compared(told.size * x.size, 1)


def test_a_layer_of_other_real_inputs_is_refused():
    (case, *_) = Quantize.cases()
    layer = Layer("in", Add(), ("x", "x"), "y", arithmetic=case.arithmetic)
    with pytest.raises(LayerError, match="layer 'in': its input is float32"):
        generate(Graph((layer,), {"x": case.types[0], "y": case.output}, {}, ("x",), ("y",)), layer)


@pytest.mark.parametrize("seed", range(4))
def test_a_register_that_is_proved_unseen_is_not_seen(seed, compared):
    """On sums that grow as far as they can and turn behind each product, the inputs on which one shows first."""
    graph = sample_layer("fully_connected", "tosa", seed=seed)
    subject, count, proved = Subject.of(graph, graph.layers[0]), 0, 0
    solver = Solver(subject.products, np.random.default_rng(seed))
    bounds = reach(subject.products)
    turns = [solver.extreme(o, cut / 36, sign)[0] for o in range(4) for sign in (1, -1) for cut in range(37)]
    x, places = [np.concatenate(turns)], np.arange(4 * len(turns))
    right = subject.values(x, places)
    for mutant in catalogue(subject):
        width = EACH.fullmatch(mutant.key)
        if width and never_seen(subject, bounds, int(width[1])):
            np.testing.assert_array_equal(mutant.subject.values(x, places), right, strict=True)
            count, proved = count + right.size, proved + 1
    assert 0 < proved < len([each for each in catalogue(subject) if EACH.fullmatch(each.key)])
    compared(count, 1)
