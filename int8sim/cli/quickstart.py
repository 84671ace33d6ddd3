"""`int8sim quickstart`: from a trained network to bit-exact integer networks, checked against two engines."""

from __future__ import annotations

import json
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import int8sim
from int8sim import api
from int8sim.cli.accuracy import COLUMNS, Accuracy, accuracy, scores
from int8sim.cli.commands import save_npz
from int8sim.cli.golden_files import show_report
from int8sim.cli.recipe import BATCH_SIZE, BATCHES, KEPT, PRESETS, WITNESSES, calibrated, digits, labels
from int8sim.cli.screen import Screen
from int8sim.cli.tables import TABLE_COLUMNS, table_dict, table_rows
from int8sim.exporters.onnx import export_onnx
from int8sim.formats.text import write_text
from int8sim.golden.compare import Report
from int8sim.golden.packaged import lenet
from int8sim.graph.ir import Graph
from int8sim.model.errors import OutputNotWritableError
from int8sim.model.step import Array
from int8sim.model.table import Table


def quickstart(output: Path, as_json: bool) -> int:
    """The exit status: 0, or 1 if one bit differs."""
    start, screen = time.perf_counter(), Screen(as_json)
    _make_folder(output)
    screen.say(f"int8sim {int8sim.__version__} on {platform.machine()}, writing to {output}/\n")
    graph, table = _calibrate(screen)
    images, classes = digits(graph, "test"), labels("test")
    _write_tables(screen, table, output)
    integers = _lower(screen, graph, table, output)
    found = _evaluate(screen, graph, integers, images, classes)
    reports = {name: _verify(screen, name, integers[name]) for name in WITNESSES}
    files = _leave(screen, output, integers, images)
    seconds = time.perf_counter() - start
    matched = all(reports.values())
    summary = _summary(table, found, reports, files, seconds)
    write_text(output / "report.json", json.dumps(summary, indent=2, default=str) + "\n")
    screen.say(f"\n{'Every bit matched' if matched else 'BITS DIFFER'}; {seconds:.1f} s")
    screen.result(summary)
    return 0 if matched else 1


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        probe = output / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as problem:
        raise OutputNotWritableError(output, problem.strerror or str(problem)) from None


def _calibrate(screen: Screen) -> tuple[Graph, Table]:
    """Steps 1 and 2."""
    with screen.progress("calibrating", BATCHES) as progress:
        graph, table = calibrated(progress)
    screen.say(f"1. Loaded the LeNet: {len(graph.layers)} float32 layers, trained on other digits than those below")
    screen.say(f"2. Calibrated: entropy2, {BATCHES} batches of {BATCH_SIZE} digits\n")
    screen.table("", TABLE_COLUMNS, table_rows(table))
    return graph, table


def _write_tables(screen: Screen, table: Table, output: Path) -> None:
    api.write_table(table, output / "lenet.calibration.cache", format="tensorrt")
    api.write_table(table, output / "lenet.nvdla.json", format="nvdla")
    screen.say("3. Wrote the TensorRT calibration cache and the NVDLA table")


def _lower(screen: Screen, graph: Graph, table: Table, output: Path) -> dict[str, Graph]:
    integers = {}
    screen.say("4. Lowered to int8:")
    for profile, preset in PRESETS.items():
        integers[profile] = api.lower(graph, table, profile=profile, preset=preset)
        screen.say(f"   {profile} ({preset}): {'; '.join(integers[profile].notes) or 'no overrides'}")
    export_onnx(integers["onnxruntime"], output / "lenet.qlinear.onnx")
    return integers


def _evaluate(
    screen: Screen, graph: Graph, integers: Mapping[str, Graph], images: Array, classes: Array
) -> list[Accuracy]:
    real, rate = scores(graph, images)
    found = [accuracy("float32", real, rate, classes, real)]
    for profile, integer in integers.items():
        found.append(accuracy(profile, *scores(integer, images), classes, real))
    screen.table(f"5. {len(images):,} test digits", COLUMNS, (entry.row() for entry in found))
    return found


def _verify(screen: Screen, profile: str, integer: Graph) -> Report:
    """The graph lowered just now against the file that the engine itself produced."""
    report = api.verify(lenet(f"{profile}.h5"), graph=integer)
    show_report(screen, f"6. {profile}", report)
    return report


def _leave(screen: Screen, output: Path, integers: Mapping[str, Graph], images: Array) -> dict[str, str]:
    """Golden files of every profile, the digits, and what each file is."""
    files = {
        "lenet.calibration.cache": "TensorRT calibration cache (scales, hexadecimal float32)",
        "lenet.nvdla.json": "the same table as NVDLA's compiler reads it",
        "lenet.calibration.cache.provenance.json": "what the cache was made from, and what it has no room for",
        "lenet.nvdla.json.provenance.json": "the same for the NVDLA table",
        "lenet.qlinear.onnx": "the onnxruntime graph as ONNX QLinear operators, for ONNX Runtime itself",
        "digits.npz": "the test digits as the network takes them, float32",
        "report.json": "everything printed here, for machines",
    }
    save_npz(output / "digits.npz", {"data": images})
    for profile, integer in integers.items():
        inputs = {integer.inputs[0]: images[:KEPT]}
        api.record(integer, inputs, output / f"{profile}.golden.h5")
        files[f"{profile}.golden.h5"] = f"int8 graph, {KEPT} digits and every tensor, computed by int8sim ({profile})"
    for profile in WITNESSES:
        shutil.copyfile(lenet(f"{profile}.h5"), output / f"{profile}.engine.h5")
        files[f"{profile}.engine.h5"] = "the same for 1,000 digits, computed by the engine itself"
    screen.table(f"7. In {output}/", ("file", "what it is"), sorted(files.items()))
    screen.say("Next:")
    screen.say(f"  int8sim golden verify {output}/tflite_reference.engine.h5 --backend cpu")
    screen.say(f"  int8sim table show {output}/lenet.calibration.cache")
    screen.say(f"  int8sim run {output}/nvdla.golden.h5 --data {output}/digits.npz --all -o tensors.npz")
    return files


def _summary(
    table: Table,
    found: list[Accuracy],
    reports: Mapping[str, Report],
    files: Mapping[str, str],
    seconds: float,
) -> dict[str, Any]:
    return {
        "version": int8sim.__version__,
        "matched": all(reports.values()),
        "seconds": round(seconds, 3),
        "table": table_dict(table),
        "results": [entry.as_dict() for entry in found],
        "verified": {name: report.as_dict() for name, report in reports.items()},
        "files": dict(files),
    }
