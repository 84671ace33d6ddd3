"""Write docs/requantization-schemes.md: which engine rounds how, and how many outputs the other schemes get wrong.

    python tools/scheme_table.py                measures with every engine that is installed, and writes the page
    python tools/scheme_table.py --profiles     writes anew only the part that follows from the profiles

Random convolutions and fully connected layers with random scales, codes in and codes out; the engine's outputs are
compared with int8sim's, whose output step is replaced by each scheme in turn.
"""

from __future__ import annotations

import argparse
import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import llvmlite.binding
import numpy as np
from engines import ENGINES
from pages import put

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Scales
from int8sim.ops.registry import op
from int8sim.profiles.base import Scheme
from int8sim.profiles.registry import BUILT_IN, profile
from int8sim.profiles.rules import Parameters, channel_scales, per_channel
from int8sim.profiles.tflite_rules import convolution
from int8sim.spec.multipliers import float32_ratio
from int8sim.spec.requantize import float_rne, output_double, output_double_up, output_real, output_single

PAGE = Path(__file__).parent.parent / "docs" / "requantization-schemes.md"
PACKAGES = {
    "onnxruntime": "onnxruntime",
    "tflite_reference": "ai-edge-litert",
    "tflite_optimized": "ai-edge-litert",
    "xnnpack": "ai-edge-litert",
    "tflm": "tflite-micro",
}
"""Engine -> the package that it comes in."""
OPERATORS = ("conv2d", "fully_connected")
OUTPUTS = 1_000_000
FEATURES = ("avx2", "fma", "avx512f", "avx512vnni", "avxvnni", "neon", "dotprod")
MEASURED, FROM_PROFILES = "measured", "from the profiles"


def _ratio(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    ratios = [float32_ratio(x.tensor_scale, s, y.tensor_scale) for s in channel_scales(w, channels)]
    return _output(per_channel(ratios, np.float32), y, low, high)


def _real(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    reals = [x.tensor_scale * s / y.tensor_scale for s in channel_scales(w, channels)]
    return _output(per_channel(reals, np.float64), y, low, high)


def _output(multiplier: Array, y: QuantParams, low: int, high: int) -> Parameters:
    return {"output": {"multiplier": multiplier, "zero_point": y.tensor_zero_point, "low": low, "high": high}}


SCHEMES: Mapping[str, Scheme] = {
    "double": Scheme({"output": output_double}, convolution),
    "double_up": Scheme({"output": output_double_up}, convolution),
    "single": Scheme({"output": output_single}, convolution),
    "float_rne": Scheme({"output": float_rne}, _ratio),
    "real_half_away": Scheme({"output": output_real}, _real),
}
"""The schemes of spec/requantize.py by name, their multipliers from float64 products but for float_rne's."""


def layer(rng: np.random.Generator, operator: str) -> tuple[Graph, Table, dict[str, Array]]:
    """A random float layer over full-range data, its table and one batch."""
    taps, outputs = int(rng.integers(1, 60)), int(rng.integers(1, 200))
    weight = (rng.normal(size=(outputs, taps)) * 10.0 ** rng.uniform(-2, 0)).astype(np.float32)
    shape, rows = (1, taps), int(rng.integers(20, 60))
    if operator == "conv2d":
        weight, shape = weight[:, :, None, None], (1, 1, 1, taps)
    x_scale = 2.0 ** rng.uniform(-8, 2)
    spread = 2.0 ** rng.uniform(-1.5, 1.5) * 5000 / 60 * taps**0.5
    y_scale = x_scale * float(np.abs(weight).max()) / 127 * spread
    table = {name: _row(rng, scale) for name, scale in (("x", x_scale), ("y", y_scale))}
    bias = (rng.uniform(-50, 50, outputs) * y_scale).astype(np.float32)
    x = TensorType(shape, "float32", "NHWC" if operator == "conv2d" else "")
    made = Layer("layer", op(operator)(), ("x", "w", "b"), "y")
    graph = float_graph("one", [made], {"x": x}, ["y"], {"w": weight, "b": bias})
    low, high = table["x"].real_range()
    return graph, Table(table), {"x": rng.uniform(low, high, (rows, *shape[1:])).astype(np.float32)}


def _row(rng: np.random.Generator, scale: float) -> Row:
    below = int(rng.integers(0, 256))
    return Row(scale, -below * scale, (255 - below) * scale)


def codes_only(graph: Graph) -> Graph:
    """The lowered one-layer graph without its border."""
    inside = next(each for each in graph.layers if each.op.name in OPERATORS)
    return replace(graph, layers=(inside,), inputs=inside.inputs[:1], outputs=(inside.output,))


def wrong(engine: str, operator: str, least: int) -> tuple[int, Counter[str]]:
    """Outputs compared, and how many of them each scheme gets wrong."""
    rng, compared, counts = np.random.default_rng(11), 0, Counter(dict.fromkeys(SCHEMES, 0))
    while compared < least:
        made, table, values = layer(rng, operator)
        lowered = lower(made, table, profile=engine, preset="mixed")
        graph = codes_only(lowered)
        inputs = {name: run(lowered, values, keep="all")[name] for name in graph.inputs}
        (theirs,) = ENGINES[engine](graph, inputs, keep="outputs").values()
        compared += theirs.size
        for name, scheme in SCHEMES.items():
            (mine,) = run(with_scheme(graph, scheme), inputs).values()
            counts[name] += int((mine != theirs).sum())
    return compared, counts


def with_scheme(graph: Graph, scheme: Scheme) -> Graph:
    """The one-layer graph with another output step."""
    inside = graph.layers[0]
    output = graph.tensors[inside.output]
    scales = Scales(graph.types(inside), output, output.quantized.low, output.quantized.high)
    return replace(graph, layers=(replace(inside, arithmetic=inside.op.arithmetic(scheme, scales)),))


def measured(least: int = OUTPUTS) -> str:
    """The table of wrong outputs, and what made it."""
    lines = [f"| engine, operator | outputs | {' | '.join(SCHEMES)} |", f"| --- | ---: |{' ---: |' * len(SCHEMES)}"]
    for engine in installed():
        for operator in OPERATORS:
            compared, counts = wrong(engine, operator, least)
            row = " | ".join(f"**{counts[name]}**" if not counts[name] else f"{counts[name]:,}" for name in SCHEMES)
            lines.append(f"| {engine}, {operator} | {compared:,} | {row} |")
    features = llvmlite.binding.get_host_cpu_features()
    present = " ".join(name for name in FEATURES if features.get(name))
    versions = ", ".join(f"{name} {version(name)}" for name in dict.fromkeys(PACKAGES[each] for each in installed()))
    lines += ["", f"`python tools/scheme_table.py`: {versions}; {platform.machine()}, {present}."]
    return "\n".join(lines)


def installed() -> list[str]:
    """The engines whose package is there."""
    return [engine for engine, package in PACKAGES.items() if engine in BUILT_IN and _has(package)]


def _has(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def from_profiles() -> str:
    """Every kind of operator, and which profiles compute it by which functions of the specification."""
    kinds = dict.fromkeys(kind for name in BUILT_IN for kind in profile(name).schemes)
    return "\n\n".join("\n".join([f"### {kind}", "", *_users(kind)]) for kind in kinds if kind != "move")


def _users(kind: str) -> Iterator[str]:
    users: dict[str, list[str]] = {}
    for name in BUILT_IN:
        if kind in profile(name).schemes:
            users.setdefault(described(profile(name).schemes[kind]), []).append(f"`{name}`")
    return (f"- {', '.join(names)}: {what}" for what, names in users.items())


def described(scheme: Scheme) -> str:
    """The functions of a scheme by name, then those of its branches."""
    names = ", ".join(
        f"{function.__module__.removeprefix('int8sim.spec.')}.{function.__name__}"
        for function in scheme.functions.values()
    )
    parts = [f"`{names}`" if names else "codes move"]
    return "; ".join([*parts, *(f"{each.what}: {described(each.scheme)}" for each in scheme.branches)])


def main() -> None:
    """Rewrite the generated parts of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profiles", action="store_true", help="only the part that follows from the profiles")
    only_profiles = parser.parse_args().profiles
    text = put(PAGE.read_text(encoding="utf-8"), FROM_PROFILES, from_profiles())
    if not only_profiles:
        text = put(text, MEASURED, measured())
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
