"""What the small commands do; each returns the exit status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from int8sim import api
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.cli.data import load_input
from int8sim.cli.ranges import read_ranges
from int8sim.cli.screen import Screen
from int8sim.golden import store
from int8sim.graph.ir import Graph
from int8sim.model.files import replacing
from int8sim.profiles.registry import profile as find_profile


def lower(
    model: Path,
    table: Path,
    profile: str,
    preset: str,
    output: Path,
    float_layers: bool,
    keep_input_scales: bool,
    choices: Mapping[str, Any],
    as_json: bool,
) -> int:
    """`int8sim lower`; a target that says what its own software computes refuses the rest. choices: more of lower's."""
    screen, target = Screen(as_json), find_profile(profile)
    if keep_input_scales:
        target = replace(target, equal_inputs=frozenset())
    left = float_layers or target.host is None
    ranges = read_ranges(table)
    graph = api.lower(api.load(model), ranges, profile=target, preset=preset, float_layers=left, **choices)
    store.write(output, graph, {}, store.Producer(command="int8sim lower"))
    screen.table(f"{graph.name}, preset {preset}", ("layer", "op", "input", "output", "steps"), layer_rows(graph))
    for note in graph.notes:
        screen.say(f"note: {note}")
    screen.say(f"wrote {output}")
    screen.result({"output": str(output), "notes": graph.notes, "layers": [layer.name for layer in graph.layers]})
    return 0


def layer_rows(graph: Graph) -> list[list[str]]:
    """The layers of a graph for the screen."""
    rows = []
    for layer in graph.layers:
        steps = ", ".join(f"{role} {step.function.__name__}" for role, step in (layer.arithmetic or {}).items())
        kinds = [graph.tensors[layer.inputs[0]], graph.tensors[layer.output]]
        dtypes = [f"{kind.dtype}{list(kind.shape[1:])}" for kind in kinds]
        rows.append([layer.name, layer.op.name, *dtypes, "float32" if layer.arithmetic is None else steps])
    return rows


def run(
    model: Path,
    data: str,
    output: Path,
    backend: str,
    keep_all: bool,
    preprocessing: Preprocessing,
    profile: str | None,
    as_json: bool,
) -> int:
    """`int8sim run`."""
    screen, graph = Screen(as_json), api.load(model, profile=profile)
    inputs = {graph.inputs[0]: load_input(graph, data, preprocessing)}
    tensors = api.run(graph, inputs, backend=backend, keep="all" if keep_all else "outputs")
    save_npz(output, tensors)
    shapes = {name: f"{values.dtype}{list(values.shape)}" for name, values in tensors.items()}
    screen.table(f"{graph.name} on {backend}", ("tensor", "type"), shapes.items())
    screen.say(f"wrote {output}")
    screen.result({"output": str(output), "tensors": shapes})
    return 0


def save_npz(path: Path, tensors: dict[str, Any]) -> None:
    """Write arrays to a temporary name and rename. Raises OutputNotWritableError."""
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **tensors)  # type: ignore[arg-type, unused-ignore]
