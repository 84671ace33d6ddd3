"""The catalogue: its right layer is the interpreter's, and each wrong one is what its words say."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.golden.mutations.catalogue import catalogue
from int8sim.golden.mutations.functions import variants
from int8sim.golden.mutations.parts import ROUNDERS, real_as, shift_as
from int8sim.golden.mutations.sites import replaced, sites
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.samples import sample_kinds, sample_layer
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.ops.matmul import Matmul
from int8sim.ops.softmax import Softmax
from int8sim.profiles.registry import profiles
from int8sim.spec.requantize import double, double_up, output_double
from int8sim.spec.rounding import Rounding, shift_right


def reshaped(graph, op, *shapes):
    """A graph of one layer with other shapes: of each tensor that it reads, then of its output."""
    (layer,), (*inputs, output) = graph.layers, shapes
    names = graph.inputs[: len(inputs)]
    arithmetic = {
        role: replace(step, parameters={name: resized(value, output[-1]) for name, value in step.parameters.items()})
        for role, step in layer.arithmetic.items()
    }
    tensors = {name: graph.tensors[name].with_shape(shape) for name, shape in zip(names, inputs, strict=True)}
    tensors[layer.output] = graph.tensors[layer.output].with_shape(output)
    layer = replace(layer, op=op, inputs=(names * 2)[: len(layer.inputs)], arithmetic=arithmetic)
    return Graph((layer,), tensors, {}, names, graph.outputs, graph.name, graph.profile)


def resized(value, channels):
    """A parameter of each channel, for another number of them."""
    return np.resize(value, channels) if isinstance(value, np.ndarray) else value


def drawn(graph, batch, seed=0):
    rng = np.random.default_rng(seed)
    kinds = [graph.tensors[name] for name in graph.inputs]
    return [
        rng.integers(kind.quant.low, kind.quant.high + 1, (batch, *kind.shape[1:])).astype(kind.dtype) for kind in kinds
    ]


def check_right(graph, compared):
    inputs = drawn(graph, 2)
    (expected,) = run(graph, dict(zip(graph.inputs, inputs, strict=True)), backend="reference").values()
    subject = Subject.of(graph, graph.layers[0])
    found = subject.values(subject.activations(inputs), np.arange(expected.size))
    assert np.array_equal(found, expected.reshape(-1))
    compared(expected.size, 1)


@pytest.mark.parametrize(("profile", "kind"), [(each, kind) for each in profiles() for kind in sample_kinds(each)])
def test_the_right_layer_in_arrays_is_the_interpreters(profile, kind, compared):
    check_right(sample_layer(kind, profile), compared)


@pytest.mark.parametrize(
    ("kind", "op", "shapes"),
    [
        ("softmax", Softmax(1), ((1, 3, 2, 2), (1, 3, 2, 2))),
        ("softmax", Softmax(2), ((1, 3, 4), (1, 3, 4))),
        ("matmul", Matmul(), ((1, 2, 3, 5), (1, 1, 5, 4), (1, 2, 3, 4))),
        ("matmul", Matmul(), ((1, 4, 4), (1, 4, 4))),
    ],
)
@pytest.mark.parametrize("profile", ["onnxruntime", "tflite_reference"])
def test_so_it_is_in_other_shapes(profile, kind, op, shapes, compared):
    """The last shape is the output's; a layer with too few of others reads its first input twice."""
    check_right(reshaped(sample_layer(kind, profile), op, *shapes), compared)


@pytest.mark.parametrize("mode", Rounding)
def test_a_float_is_rounded_as_a_shift_rounds(mode, compared):
    for value in range(-64, 65):
        assert real_as(value / 8, mode) == shift_right(value, 3, mode) == shift_as(value, 3, 0, mode)
    compared(129, 2)


def test_a_replaced_part_is_another_engines_scheme(compared):
    """`double` with its shift half up is `double_up`, and the right function is left as it was."""
    (site,) = (each for each in sites(output_double) if each.path[-1] == "shift_right_32")
    wrong = replaced(double, site.path[1:], lambda value, shift, _: shift_as(value, shift, 0, Rounding.HALF_UP))
    for acc in range(-3000, 3000):
        assert wrong(acc, 1 << 30, 4) == double_up(acc, 1 << 30, 4)
    assert double(-24, 1 << 30, 3) == -2 != wrong(-24, 1 << 30, 3)
    compared(6000, 1)


def test_every_rounder_knows_its_own_mode(compared):
    """With its own mode as the substitute's, the right part comes back."""
    rng, count = np.random.default_rng(1), 0
    arguments = {"shift": (0, 1, 5, 33), "count": (1, 4, 6, 9), "multiplier": (0.25, 0.5, 0.37), "double_round": (0, 1)}
    for right, rule in ROUNDERS.items():
        names = right.__code__.co_varnames[: right.__code__.co_argcount]
        if rule.own is None or "a_multiplier" in names:
            continue
        for value in rng.integers(-4000, 4000, 200).tolist():
            real = names == ("value",)
            given = [value / 8 if real else value]
            given += [
                arguments.get(name, {"low": [-500], "high": [400]}.get(name, [3]))[value % 2]
                if name in arguments
                else {"low": -500, "high": 400}[name]
                for name in names[1:]
            ]
            if right.__name__ in ("apply_scale_32", "scale_wide"):
                given[1:3] = 1234567, 34
            assert rule.substitute(*given, int(rule.own)) == right(*given), right.__name__
            count += 1
    compared(count, 1)


def test_keys_are_unique_and_words_are_there():
    for profile in profiles():
        for kind in sample_kinds(profile):
            graph = sample_layer(kind, profile)
            entries = catalogue(Subject.of(graph, graph.layers[0]))
            keys = [each.key for each in entries]
            assert len(set(keys)) == len(keys), [key for key in keys if keys.count(key) > 1]
            assert all(each.words for each in entries)


def test_what_an_rtl_review_would_name():
    """The mistakes that every requantizer is suspected of are in the catalogue of TensorFlow Lite's."""
    graph = sample_layer("conv2d", "tflite_reference")
    words = {each.words for each in catalogue(Subject.of(graph, graph.layers[0]))}
    assert words >= {
        "ties toward +inf instead of ties away from zero",
        "ties to even instead of ties away from zero",
        "rounded down, toward -inf instead of ties away from zero",
        "one rounding instead of two",
        "no saturation: the low bits are kept",
        "saturation at 7 bits instead of 8",
        "saturation before the zero point is added, instead of after",
        "zero point added before the rounding",
        "zero point added before the scaling",
        "x: zero extension instead of sign extension",
        "weights: zero extension instead of sign extension",
        "zero point of x not subtracted",
        "padding with code 0 instead of -33, the zero point",
        "upper bound one too low",
        "weights: kernel rotated by 180 degrees",
        "multiplier and shift of the channel before",
        "bias missing",
        "accumulator of 16 bits, which wraps",
    }


def test_a_function_of_nobodys_profile_has_variants():
    def mine(acc, multiplier, zero_point):
        return shift_right(acc * multiplier, 8, Rounding.HALF_EVEN) + zero_point

    found = {each.words for each in variants(mine, {"multiplier": 77, "zero_point": 3}, [(5, 77, 3)], (-128, 127))}
    assert "ties toward +inf instead of ties to even" in found
    assert "zero point missing" in found
