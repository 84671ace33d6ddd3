"""`int8sim golden record`, `verify` and `export`; each returns the exit status."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from int8sim import api
from int8sim.calibration.streams.opening import open_samples
from int8sim.calibration.streams.preprocessing import Preprocessing
from int8sim.calibration.streams.samples import Samples
from int8sim.cli.screen import Screen
from int8sim.formats.words import Words
from int8sim.golden import store
from int8sim.golden.compare import Report
from int8sim.golden.dumps import Packing
from int8sim.golden.export import export
from int8sim.model.errors import ParameterError
from int8sim.model.step import Array
from int8sim.nvdla_trace.hardware import hardware


class SampleSlices:
    """A data set as an array [N, ...] of which only slices are read."""

    def __init__(self, samples: Samples) -> None:
        self._samples, self.ndim = samples, 1 + len(samples.shape)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, part: slice) -> Array:
        start, stop, _ = part.indices(len(self))
        return self._samples.read(start, stop)


def golden_record(
    model: Path,
    data: str,
    output: Path,
    backend: str,
    samples: int | None,
    accumulators: bool,
    preprocessing: Preprocessing,
    profile: str | None,
    as_json: bool,
) -> int:
    """`int8sim golden record`."""
    screen, graph = Screen(as_json), api.load(model, profile=profile)
    images = SampleSlices(open_samples(data, graph, preprocessing))
    inputs = {graph.inputs[0]: images}
    api.record(graph, inputs, output, backend=backend, samples=samples, accumulators=accumulators)
    screen.say(f"wrote {output}: {len(images)} samples of {graph.name}")
    screen.result({"output": str(output), "graph": graph.name, "samples": len(images)})
    return 0


def golden_verify(file: Path, backend: str, dump: Path | None, packing: Packing, as_json: bool) -> int:
    """`int8sim golden verify`."""
    screen, report = Screen(as_json), api.verify(file, backend=backend, dump=dump, packing=packing)
    show_report(screen, str(file), report)
    screen.result(report.as_dict())
    return 0 if report else 1


def golden_export(
    file: Path,
    form: str,
    output: Path,
    tensors: list[str],
    constants: bool,
    packing: Packing,
    as_json: bool,
) -> int:
    """`int8sim golden export`."""
    screen, words, hardware = Screen(as_json), packing.words, packing.hardware
    index = export(
        store.read(file),
        output,
        form,
        tensors=tensors,
        samples=packing.samples,
        constants=constants,
        words=words,
        hardware=hardware,
    )
    rows = ([each["tensor"], each["dtype"], str(each["shape"]), each["file"]] for each in index["files"])
    screen.table(f"{output}, {form}", ("tensor", "dtype", "shape", "file"), rows)
    for key, reason in index["left_out"].items():
        screen.say(f"left out: {key}: {reason}")
    screen.say(f"wrote {output}: samples {index['samples'][0]} .. {index['samples'][1] - 1} of {index['graph']}")
    screen.result({"output": str(output), **index})
    return 0


def read_packing(bits: int, order: str, depth: int | None, pad: int, target: str, samples: str) -> Packing:
    """From options. samples: as 0:8, "" for none. Raises ParameterError, UnknownNameError."""
    return Packing(Words(bits, order, depth, pad), hardware(target), _range(samples))


def _range(text: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"(\d+):(\d+)", text)
    if text and not (found and int(found[1]) < int(found[2])):
        raise ParameterError("samples", text, "the first and the one behind the last, as 0:8")
    return (int(found[1]), int(found[2])) if found else None


def show_report(screen: Screen, title: str, report: Report) -> None:
    """Every tensor's counts, and the first mismatch in full."""
    columns = ("tensor", "layer", "compared", "different")
    screen.table(f"{title}, produced by {report.producer}", columns, _counts(report))
    for problem in report.problems:
        screen.say(problem)
    if report.first:
        for line in report.first.lines():
            screen.say(line)
    undefined = f", {report.unpredictable:,} of them unpredictable" if report.unpredictable else ""
    verdict = "every bit equal" if report else f"{report.different:,} differ{undefined}"
    screen.say(f"{report.compared:,} values compared on {report.backend}: {verdict}")


def _counts(report: Report) -> Iterable[list[str]]:
    return ([entry.tensor, entry.layer, f"{entry.compared:,}", f"{entry.different:,}"] for entry in report.tensors)
