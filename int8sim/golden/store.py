"""Golden files: HDF5 that plain h5py opens, holding an integer graph, inputs, tensors, hashes and who produced them.

    /                attributes: int8sim_schema, graph (JSON), digest; producer, its version, instruction set, command;
                     batch: samples that were run at once, 0 if that is not known
    /inputs/<t>      every sample                    /outputs/<t>   every sample
    /tensors/<t>     the first `samples` samples     /sha256/<t>    [N, 32] uint8, one hash per sample
    /accumulators/<t>   as /tensors, where they were asked for: what the layer of tensor t sums, bias included
    /constants/<t>, /states/<t>, /arithmetic/<layer>/<role>/<p>   what the graph's JSON refers to
    /layers/<layer>  the JSON's layers for readers of HDF5 (layer_view.py)

A sample's hash is the SHA-256 of its values in C order, little endian, in the tensor's own layout. `digest` and the
attribute `sha256` of each data set tell of damage before anything is compared (digests.py). Files are written and read
some samples at a time. Schema 1, of version 0.1.0, has neither accumulators, layers nor hashes of data sets.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from int8sim.golden.columns import Column, put
from int8sim.golden.data_sets import DataSets
from int8sim.golden.digests import digest_of, digest_of_schema_1, hashes, items, wrong_data_set
from int8sim.golden.graph_json import decode, encode, tensor_key
from int8sim.golden.layer_view import show_layers, show_tensor
from int8sim.graph.ir import Graph
from int8sim.model.errors import DamagedDataSetError, Int8SimError, NotAGoldenFileError, ParameterError
from int8sim.model.files import replacing
from int8sim.model.step import Array

SCHEMA = 2
GROUPS = ("inputs", "outputs", "tensors", "accumulators", "sha256")
"""What holds samples."""


@dataclass(frozen=True)
class Producer:
    """Who computed the tensors. A file produced by int8sim never proves int8sim."""

    name: str = "int8sim"
    version: str = ""
    instruction_set: str = ""
    command: str = ""


@dataclass(frozen=True, eq=False)
class Golden:
    """A golden file's content; an array is read when it is asked for, and `rows` of these mappings reads a part.

    tensors: the first samples; hashes: uint8 [N, 32] per tensor, every sample; accumulators: by the tensor that the
    layer computes, the first samples. batch: samples that the producer ran at once, 0 if that is not known. digest: the
    file's own hash.
    """

    graph: Graph
    producer: Producer
    inputs: DataSets
    outputs: DataSets
    tensors: DataSets
    hashes: DataSets
    accumulators: DataSets
    batch: int
    digest: str

    @property
    def count(self) -> int:
        """How many samples; 0 in a file that holds a graph alone."""
        return next(iter(self.inputs.samples.values()), 0)

    def recorded(self, name: str) -> int:
        """How many samples of an activation's values there are."""
        return self.holder(name).samples[name]

    def rows(self, name: str, start: int, stop: int) -> Array:
        """An activation's samples start .. stop - 1, those of them whose values are recorded."""
        return self.holder(name).rows(name, start, stop)

    def holder(self, name: str) -> DataSets:
        """Which of inputs, outputs and tensors holds an activation."""
        return next(group for group in (self.inputs, self.outputs, self.tensors) if name in group)


def sample_hashes(values: Array) -> Array:
    """uint8 [N, 32]: the SHA-256 of each sample of [N, ...]."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    digests = [hashlib.sha256(sample.tobytes()).digest() for sample in little]
    return np.frombuffer(b"".join(digests), np.uint8).reshape(len(digests), 32)


def write(
    path: str | os.PathLike[str],
    graph: Graph,
    tensors: Mapping[str, Array],
    producer: Producer,
    samples: int | None = None,
) -> None:
    """Write a golden file of tensors that are in memory; a stopped write leaves the old one.

    tensors: every activation of the graph by name, [N, ...]; none at all for a graph without samples. samples: how
    many are kept in full (None: all); hashes and the graph's inputs and outputs cover every sample.
    Raises OutputNotWritableError.
    """
    with writing(path, graph, producer, len(next(iter(tensors.values()), ())), samples) as writer:
        if tensors:
            writer.append(tensors)


@contextmanager
def writing(
    path: str | os.PathLike[str],
    graph: Graph,
    producer: Producer,
    count: int,
    samples: int | None = None,
    batch: int = 0,
) -> Iterator[Writer]:
    """A writer that takes `count` samples, some at a time; the file is there at the end, and not before.

    samples: as `write` takes it. batch: how many are run at once. Raises OutputNotWritableError, and ParameterError if
    other than `count` samples came.
    """
    with replacing(path) as partial, h5py.File(partial, "w", libver=("v110", "v110")) as file:
        writer = Writer(file, graph, count, count if samples is None else samples)
        _describe(file, graph, producer, batch)
        yield writer
        writer.close()
        file.attrs["digest"] = _digest(file)


class Writer:
    """Takes the samples of a golden file in order."""

    def __init__(self, file: h5py.File, graph: Graph, count: int, kept: int) -> None:
        """kept: of how many samples intermediate tensors are stored."""
        self._file, self._graph, self._count, self._kept = file, graph, count, kept
        self._columns: dict[str, Column] = {}
        self._taken = 0

    def append(self, tensors: Mapping[str, Array], accumulators: Iterable[tuple[str, Array]] = ()) -> None:
        """The next samples. tensors: every activation by name, [n, ...]; accumulators: with their layer's output."""
        for name in self._graph.activations():
            self._put(self._kind(name), name, tensors[name])
            self._put("sha256", name, sample_hashes(tensors[name]))
        for name, values in accumulators:
            self._put("accumulators", name, values)
        self._taken += len(next(iter(tensors.values())))

    def close(self) -> None:
        """Write the hashes of what has come. Raises ParameterError."""
        if self._taken != self._count:
            raise ParameterError("number of samples", self._taken, f"{self._count}, as was announced")
        for column in self._columns.values():
            column.close()

    def _kind(self, name: str) -> str:
        if name in self._graph.inputs:
            return "inputs"
        return "outputs" if name in self._graph.outputs else "tensors"

    def _put(self, kind: str, name: str, values: Array) -> None:
        key = f"{kind}/{tensor_key(name)}"
        if key not in self._columns:
            whole = kind not in {"tensors", "accumulators"}
            self._columns[key] = Column(self._file, key, self._count if whole else min(self._kept, self._count), values)
            if kind in {"inputs", "outputs", "tensors"}:
                show_tensor(self._file[key], name, self._graph.tensors[name])
        self._columns[key].append(values)


def _describe(file: h5py.File, graph: Graph, producer: Producer, batch: int) -> None:
    """Everything but the samples."""
    text, arrays = encode(graph)
    for key, values in arrays.items():
        put(file, key, values)
    for name in graph.constants:
        show_tensor(file[f"constants/{tensor_key(name)}"], name, graph.tensors[name])
    show_layers(file, graph)
    file.attrs["int8sim_schema"] = SCHEMA
    file.attrs["graph"] = np.void(text.encode())
    file.attrs["producer"] = producer.name
    file.attrs["producer_version"] = producer.version
    file.attrs["instruction_set"] = producer.instruction_set
    file.attrs["command"] = producer.command
    file.attrs["batch"] = batch


def _digest(file: h5py.File) -> str:
    """The file's digest as its content is now."""
    held = items(file)
    return digest_of_schema_1(file) if file.attrs["int8sim_schema"] == 1 else digest_of(file, held, hashes(held))


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """The file, checked: HDF5, ours, a schema we know. Raises NotAGoldenFileError, whatever is wrong with it."""
    if not Path(path).is_file():
        raise NotAGoldenFileError(path, "no such file")
    try:
        file = h5py.File(path, "r")
    except OSError as problem:
        raise NotAGoldenFileError(path, f"not an HDF5 file, or a truncated one ({problem})") from None
    with file, _named(path):
        schema = file.attrs.get("int8sim_schema")
        if schema is None:
            raise NotAGoldenFileError(path, "an HDF5 file of something else: it has no attribute int8sim_schema")
        if schema > SCHEMA:
            raise NotAGoldenFileError(path, f"schema {schema}; this int8sim reads up to {SCHEMA}: upgrade int8sim")
        yield file


@contextmanager
def _named(path: str | os.PathLike[str]) -> Iterator[None]:
    """Turn what HDF5 and the graph's reader raise into NotAGoldenFileError."""
    try:
        yield
    except NotAGoldenFileError:
        raise
    except (KeyError, OSError, RuntimeError, ValueError, TypeError) as problem:
        raise NotAGoldenFileError(path, f"damaged: {problem}") from None
    except Int8SimError as problem:
        raise NotAGoldenFileError(path, str(problem)) from None


def read(path: str | os.PathLike[str]) -> Golden:
    """A file's graph and how to read the rest, every value checked against its hash.

    Raises NotAGoldenFileError, which says what is missing or damaged.
    """
    with _opened(path) as file:
        golden = _content(file)
        _check(file)
    return golden


def read_graph(path: str | os.PathLike[str]) -> Graph:
    """The graph alone; samples are not looked at. Raises NotAGoldenFileError."""
    with _opened(path) as file:
        graph = _graph(file)
        _check(file, GROUPS)
    return graph


def _check(file: h5py.File, unread: tuple[str, ...] = ()) -> None:
    """Raise NotAGoldenFileError for a file that is not what its digest says. unread: groups not to look into."""
    if file.attrs["int8sim_schema"] == 1:
        matches, wrong = digest_of_schema_1(file) == file.attrs["digest"], None
    else:
        matches, wrong = _matches(file, unread)
    if not matches:
        reason = "its content does not match its digest: it is damaged or was edited"
        raise wrong or NotAGoldenFileError(file.filename, reason)


def _matches(file: h5py.File, unread: tuple[str, ...]) -> tuple[bool, DamagedDataSetError | None]:
    """Whether the digest is right, and if not the data set that is to blame, if it is one."""
    held, digest = items(file), file.attrs["digest"]
    if unread and digest_of(file, held, hashes(held, unread)) == digest:
        return True, None
    found = hashes(held)
    matches = digest_of(file, held, found) == digest
    return matches, None if matches else wrong_data_set(file.filename, held, found)


def _content(file: h5py.File) -> Golden:
    graph = _graph(file)

    def group(kind: str, names: tuple[str, ...]) -> DataSets:
        found = {name: _data_set(file, f"{kind}/{tensor_key(name)}") for name in names if "sha256" in file}
        return DataSets(Path(file.filename).absolute(), kind, found)

    inner = tuple(name for name in graph.activations() if name not in {*graph.inputs, *graph.outputs})
    summed = tuple(name for name in inner if f"accumulators/{tensor_key(name)}" in file)
    attributes = ("producer", "producer_version", "instruction_set", "command")
    return Golden(
        graph,
        Producer(*(str(file.attrs[name]) for name in attributes)),
        group("inputs", graph.inputs),
        group("outputs", tuple(name for name in graph.outputs if name not in graph.inputs)),
        group("tensors", inner),
        group("sha256", graph.activations()),
        group("accumulators", summed),
        int(file.attrs.get("batch", 0)),
        str(file.attrs["digest"]),
    )


def _graph(file: h5py.File) -> Graph:
    return decode(bytes(file.attrs["graph"]).decode(), lambda key: _data_set(file, key)[()])


def _data_set(file: h5py.File, key: str) -> h5py.Dataset:
    if key not in file:
        raise DamagedDataSetError(file.filename, f"/{key}", "it is missing")
    return file[key]
