"""Every operator and every scheme: the registry's cases, layers of every profile, converters of all accumulators."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gpu.budget import Budget
from gpu.networks import images, table
from gpu.report import Compared
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.cpu import pointwise as by_cpu
from int8sim.kernels.cuda import pointwise as by_device
from int8sim.kernels.cuda.device import place
from int8sim.kernels.cuda.gemm import multiply, pack
from int8sim.kernels.storage import flip
from int8sim.lowering.lower import lower
from int8sim.model.errors import Int8SimError, MissingKernelError
from int8sim.model.step import Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Case
from int8sim.ops.registry import ops
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profiles
from int8sim.proof.converters import output_kinds, output_step
from int8sim.spec.float32 import float32

ENDS = (0, 1, -1, 127, 128, -128, -129, 2**31 - 1, -(2**31), 2**30, -(2**30), 2**24 + 1, -(2**24) - 1)
SCALES = {"x_scale": 0.0235, "w_scale": 0.0041, "y_scale": 0.0522}


def schemes(budget: Budget) -> Iterator[Compared]:
    """Every function that ends a product, of accumulators over all 32 bits; every quantization, of any float32."""
    seen: set[Any] = set()
    for name, profile in profiles().items():
        for kind in output_kinds(profile):
            step = output_step(profile, kind=kind, **SCALES)
            if budget.left(5.0) and (key := (step.function, *step.parameters)) not in seen:
                seen.add(key)
                yield _converted(budget, f"{name}, {kind}: {step.name}", step, accumulators(budget), "int32")
        step = quantization(profile)
        if budget.left(5.0) and (key := (step.function, *step.parameters)) not in seen:
            seen.add(key)
            yield _converted(budget, f"{name}, quantize: {step.name}", step, reals(budget), "float32")


def quantization(profile: Profile) -> Step:
    """Real values to int8 codes."""
    scheme = profile.scheme("quantize", "int8")
    assert scheme is not None
    return scheme.steps(y=QuantParams(float32(SCALES["y_scale"])))["convert"]


def accumulators(budget: Budget) -> Array:
    """int32 [n]: the ends, small and large ones."""
    random = np.random.default_rng(5)
    size = budget.size(1 << 20, 60)
    widths = random.integers(1, 33, size)
    values = random.integers(-(2**31), 2**31, size) >> (32 - widths)
    return np.concatenate([np.array(ENDS), values]).astype(np.int32)


def reals(budget: Budget) -> Array:
    """float32 [n]: any finite pattern, and as many within the range of the codes, ties among them."""
    random = np.random.default_rng(6)
    size = budget.size(1 << 20, 40)
    anything = random.integers(0, 2**32, size, np.uint32).view(np.float32)
    codes = random.integers(-300, 600, size).astype(np.float32) * np.float32(0.5) * np.float32(SCALES["y_scale"])
    return np.concatenate([anything[np.isfinite(anything)], codes])


def _converted(budget: Budget, name: str, step: Step, values: Array, dtype: str) -> Compared:
    x, y = TensorType((1, values.size), dtype), TensorType((1, values.size), "int8")
    found = by_device.each(step, x, y)(place(values)).fetch()
    if budget.reduced:
        places = [(i, values.size) if step.placed else () for i in range(values.size)]
        stored = [step(each, *at) + flip(y) for each, at in zip(values.tolist(), places, strict=True)]
        return Compared.arrays(name, found, np.array(stored, np.uint8))
    return Compared.arrays(name, found, by_cpu.each(step, x, y)(values))


def matrices(budget: Budget) -> Iterator[Compared]:
    """Products of matrices with tails, and one so deep that it leaves 32 bits, by each instruction."""
    random = np.random.default_rng(8)
    for shape in budget.size(((1, 16, 1), (129, 4080, 257), (1000, 1040, 333), (3, 70_000, 5)), ((3, 48, 5),)):
        rows, depth, columns = shape
        a = random.choice([0, 255, 1, 128], (rows, depth)).astype(np.uint8)
        b = random.integers(-128, 128, (depth, columns)).astype(np.int8)
        b[:, 0], a[0] = -128, 255
        expected = (a.astype(np.int64) @ b.astype(np.int64)).astype(np.uint64).astype(np.uint32).view(np.int32)
        for instruction in budget.dot_products:
            found = multiply(place(a), pack(b, instruction)).fetch()
            yield Compared.arrays(f"{rows}x{depth}x{columns}, {instruction}", found, expected)


def layers(budget: Budget) -> Iterator[Compared]:
    """The cases of the registry, with the numbers written there; then their operators under every profile."""
    cases = [(name, case) for name, op in ops().items() for case in op.cases()]
    for name, case in cases[:: budget.size(1, 12)]:
        if budget.left():
            yield _case(name, case)
    random = np.random.default_rng(7)
    pairs = [(*each, profile) for each in cases for profile in profiles() if each[0] not in {"quantize", "dequantize"}]
    for i in random.permutation(len(pairs))[: budget.size(len(pairs), 4)]:
        name, case, profile = pairs[i]
        if budget.left():
            yield from _lowered(f"{name}, {case.name}, {profile}", case, profile)


def _case(name: str, case: Case) -> Compared:
    real = case.output.quant is None and not case.arithmetic
    arrays = case.arrays()
    names = [f"x{i}" for i in range(len(case.types))]
    held = {names[i]: arrays[i] for i in case.constants}
    inputs = {each: array for each, array in zip(names, arrays, strict=True) if each not in held}
    tensors = {**dict(zip(names, case.types, strict=True)), "y": case.output}
    layer = Layer("layer", case.op, tuple(names), "y", None if real else case.arithmetic)
    expected = np.array(case.expected, case.output.dtype).reshape(case.output.shape)
    found = run(Graph((layer,), tensors, held, tuple(inputs), ("y",)), inputs, backend="cuda")["y"]
    return Compared.arrays(f"{name}, {case.name}", found, expected)


def _lowered(name: str, case: Case, profile: str) -> Iterator[Compared]:
    """A float layer of the case's shapes, lowered to a profile, on random inputs, beside the interpreted definition."""
    graph = _float_layer(case)
    try:
        integer = lower(graph, table(graph, "reference"), profile=profile)
        found = run(integer, images(graph, 3, 20), backend="cuda", keep="all")
    except MissingKernelError:
        raise
    except Int8SimError:  # the profile cannot hold it
        return
    expected = run(integer, images(graph, 3, 20), backend="reference", keep="all")
    for tensor, values in expected.items():
        yield Compared.arrays(f"{name}: {tensor}", found[tensor], values)


def _float_layer(case: Case) -> Graph:
    names = [f"x{i}" for i in range(len(case.types))]
    constants: Mapping[str, Array] = {
        names[i]: np.abs(np.random.default_rng(i).standard_normal(case.types[i].shape)).astype(np.float32)
        for i in case.constants
    }
    data = {
        name: TensorType((1, *kind.shape[1:]), "float32", kind.layout)
        for name, kind in zip(names, case.types, strict=True)
        if name not in constants
    }
    return float_graph("one", [Layer("layer", case.op, tuple(names), "y")], data, ["y"], dict(constants))
