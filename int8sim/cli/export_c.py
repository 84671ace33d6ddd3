"""`int8sim export-c`: a function, a layer's step or a network as a C library without Python."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from int8sim import api
from int8sim.cli.screen import Screen
from int8sim.export_c.export import Written, export_function, export_graph, export_steps
from int8sim.export_c.named import parameters

MODELS = (".h5", ".onnx", ".prototxt", ".tflite")


class Part(NamedTuple):
    """Of a network: a layer, or all; the steps of a role, not whole layers. profile: as `load` takes it."""

    layer: str
    step: str
    profile: str | None


def export_c(what: str, numbers: Sequence[str], output: Path, part: Part, name: str, cpu: str, as_json: bool) -> int:
    """The exit status, always 0."""
    given = parameters(numbers)
    if not what.endswith(MODELS):
        return _show(export_function(what, output, given, name=name, cpu=cpu), as_json)
    graph = api.load(what, profile=part.profile)
    if part.step:
        return _show(export_steps(graph, output, layer=part.layer, step=part.step, name=name, cpu=cpu), as_json)
    return _show(export_graph(graph, output, layer=part.layer, name=name, cpu=cpu), as_json)


def _show(written: Written, as_json: bool) -> int:
    screen = Screen(as_json)
    for each in written.prototypes:
        screen.table(
            f"{each.result.c} {each.name}: {'; '.join(each.title)}",
            ("argument", "C", "SystemVerilog", "values"),
            [(a.spelled, a.kind.c, a.kind.systemverilog, a.values) for a in each.operands],
        )
    screen.say(f"SHA-256 {written.sha256}")
    screen.say(f"wrote {', '.join(map(str, written.files))}")
    functions = {
        each.name: {"result": each.result.c, "arguments": {a.name: a.kind.c for a in each.operands}}
        for each in written.prototypes
    }
    screen.result({"files": written.files, "functions": functions, "sha256": written.sha256})
    return 0
