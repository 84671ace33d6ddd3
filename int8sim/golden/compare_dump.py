"""A device's tensors against a golden file's, bit by bit; the first mismatch explained by the file's own inputs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from int8sim.golden.compare import Mismatch, Report, TensorReport, count_tensor, count_values, explain
from int8sim.golden.digests import rows_of
from int8sim.golden.dumps import Packing, Piece, pieces
from int8sim.golden.recorded import BLOCK, Recorded
from int8sim.golden.store import Golden, sample_hashes
from int8sim.graph.run import run
from int8sim.model.errors import NotADumpError
from int8sim.model.step import Array


def compare_dump(golden: Golden, path: Path, packing: Packing | None = None, *, backend: str = "cpu") -> Report:
    """Compare every tensor that the dump holds.

    backend: computes the first wrong sample again, where that is recorded by its hash alone. Raises what `pieces`
    raises.
    """
    described = f"{golden.producer.name} {golden.producer.version}".strip()
    report = Report(described, str(path), [])
    entries: dict[str, TensorReport] = {}
    for piece in pieces(golden, path, packing):
        own = TensorReport(piece.tensor.name, piece.tensor.layer or "input")
        _compare_piece(golden, piece, entries.setdefault(own.tensor, own), report, backend)
    report.tensors = list(entries.values())
    return report


def _compare_piece(golden: Golden, piece: Piece, entry: TensorReport, report: Report, backend: str) -> None:
    entry.compared -= piece.unseen
    step = rows_of((1, *piece.tensor.shape), piece.tensor.dtype.itemsize, BLOCK)
    for at in range(0, len(piece.values), step):
        actual = _part(piece, at, at + step)
        start = piece.start + at
        recorded = piece.tensor.rows(start, start + len(actual))
        wrong = len(entry.bad_samples)
        if piece.tensor.role == "accumulator":
            entry.compared += actual.size
            places = count_values(recorded, actual, entry)
        else:
            places = count_tensor(golden, start, recorded, actual, entry)
        if report.first is None and (len(places) or entry.bad_samples[wrong:]):
            sample = int(places[0][0]) if len(places) else entry.bad_samples[wrong] - start
            report.first = _explained(golden, piece.tensor, start + sample, actual[sample : sample + 1], backend)


def _part(piece: Piece, start: int, stop: int) -> Array:
    """Some of a piece's samples. Raises NotADumpError."""
    try:
        values: Array = np.ascontiguousarray(piece.values[start:stop])
    except OSError as problem:
        raise NotADumpError(piece.source, f"it cannot be read: {problem}") from None
    return values.astype(piece.tensor.dtype, copy=False)


def _explained(golden: Golden, tensor: Recorded, sample: int, actual: Array, backend: str) -> Mismatch | None:
    """The first value of one sample that differs. None if the golden file's own values do not match its hash."""
    expected = tensor.rows(sample, sample + 1)
    if not len(expected):
        expected = _computed(golden, [tensor.tensor], sample, backend)[tensor.tensor]
        if (sample_hashes(expected) != golden.hashes.rows(tensor.tensor, sample, sample + 1)).any():
            return None
    places = count_values(expected, actual, TensorReport(tensor.name, tensor.layer))
    if not len(places):
        return None
    index = tuple(map(int, places[0]))
    layer = golden.graph.producer(tensor.tensor)
    if layer is None or tensor.role == "accumulator":
        words = (layer.name, layer.op.name) if layer else ("input", "input")
        values = expected[index].item(), actual[index].item()
        return Mismatch(*words, tensor.name, (sample, *index[1:]), *values)
    held = _computed(golden, [name for name in layer.inputs if name not in golden.graph.constants], sample, backend)
    return explain(golden.graph, tensor.tensor, index, expected, {**held, tensor.tensor: actual}, sample)


def _computed(golden: Golden, names: Iterable[str], sample: int, backend: str) -> dict[str, Array]:
    """One sample of these tensors: as recorded, or computed again."""
    found = {name: golden.rows(name, sample, sample + 1) for name in names}
    if all(len(values) for values in found.values()):
        return found
    inputs = {name: golden.inputs.rows(name, sample, sample + 1) for name in golden.inputs}
    tensors = run(golden.graph, inputs, backend=backend, keep="all")
    return {name: tensors[name] for name in found}
