"""Golden files: HDF5 that plain h5py opens, holding an integer graph, inputs, tensors, hashes and who produced them.

    /                attributes: int8sim_schema, graph (JSON), digest; producer, its version, instruction set, command
    /inputs/<t>      every sample                    /outputs/<t>   every sample
    /tensors/<t>     the first `samples` samples     /sha256/<t>    [N, 32] uint8, one hash per sample
    /constants/<t>, /states/<t>, /arithmetic/<layer>/<role>/<p>   what the graph's JSON refers to

A sample's hash is the SHA-256 of its values in C order, little endian, in the tensor's own layout. `digest` covers
every data set and the graph, so that damage is found before anything is compared.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from int8sim.golden.graph_json import decode, encode, tensor_key
from int8sim.graph.ir import Graph
from int8sim.model.errors import Int8SimError, NotAGoldenFileError
from int8sim.model.files import replacing
from int8sim.model.step import Array

SCHEMA = 1


@dataclass(frozen=True)
class Producer:
    """Who computed the tensors. A file produced by int8sim never proves int8sim."""

    name: str = "int8sim"
    version: str = ""
    instruction_set: str = ""
    command: str = ""


@dataclass(frozen=True, eq=False)
class Golden:
    """A golden file's content. tensors: the first samples; hashes: uint8 [N, 32] per tensor, every sample."""

    graph: Graph
    producer: Producer
    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    tensors: Mapping[str, Array]
    hashes: Mapping[str, Array]

    @property
    def count(self) -> int:
        """How many samples; 0 in a file that holds a graph alone."""
        return len(next(iter(self.inputs.values()), ()))


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
    """Write a golden file; a stopped write leaves the old one.

    tensors: every activation of the graph by name, [N, ...]; none at all for a graph without samples. samples: how
    many are kept in full (None: all); hashes and the graph's inputs and outputs cover every sample.
    Raises OutputNotWritableError.
    """
    with replacing(path) as partial, h5py.File(partial, "w", libver=("v110", "v110")) as file:
        _fill(file, graph, tensors, producer, samples)


def _fill(file: h5py.File, graph: Graph, tensors: Mapping[str, Array], producer: Producer, samples: int | None) -> None:
    text, arrays = encode(graph)
    content = dict(arrays)
    for name in graph.activations() if tensors else ():
        values, key = tensors[name], tensor_key(name)
        content[f"sha256/{key}"] = sample_hashes(values)
        if name in graph.inputs:
            content[f"inputs/{key}"] = values
        elif name in graph.outputs:
            content[f"outputs/{key}"] = values
        else:
            content[f"tensors/{key}"] = values[:samples]
    for key, values in content.items():
        file.create_dataset(key, data=values, track_times=False, **_compression(values))
    file.attrs["int8sim_schema"] = SCHEMA
    file.attrs["graph"] = np.void(text.encode())
    file.attrs["producer"] = producer.name
    file.attrs["producer_version"] = producer.version
    file.attrs["instruction_set"] = producer.instruction_set
    file.attrs["command"] = producer.command
    file.attrs["digest"] = _digest(file)


def _compression(values: Array) -> dict[str, Any]:
    if values.ndim == 0 or values.size < 256:
        return {}
    return {"compression": "gzip", "compression_opts": 9, "shuffle": True}


def _digest(file: h5py.File) -> str:
    """SHA-256 over the graph's JSON and every data set with its name, type and shape, in order of names."""
    digest = hashlib.sha256(bytes(file.attrs["graph"]))
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    for name in sorted(names):
        values = file[name][()]
        digest.update(f"{name} {values.dtype.str} {values.shape}".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


@contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """The file, checked: HDF5, ours, a schema we know. Raises NotAGoldenFileError."""
    if not Path(path).is_file():
        raise NotAGoldenFileError(path, "no such file")
    try:
        file = h5py.File(path, "r")
    except OSError as problem:
        raise NotAGoldenFileError(path, f"not an HDF5 file, or a truncated one ({problem})") from None
    with file:
        schema = file.attrs.get("int8sim_schema")
        if schema is None:
            raise NotAGoldenFileError(path, "an HDF5 file of something else: it has no attribute int8sim_schema")
        if schema > SCHEMA:
            raise NotAGoldenFileError(path, f"schema {schema}; this int8sim reads up to {SCHEMA}: upgrade int8sim")
        yield file


def read(path: str | os.PathLike[str]) -> Golden:
    """The whole file. Raises NotAGoldenFileError, which says what is missing or damaged."""
    with _opened(path) as file:
        try:
            _check_digest(path, file)
            return _content(file)
        except (KeyError, OSError, RuntimeError, ValueError, TypeError) as problem:
            raise NotAGoldenFileError(path, f"damaged: {problem}") from None
        except NotAGoldenFileError:
            raise
        except Int8SimError as problem:
            raise NotAGoldenFileError(path, str(problem)) from None


def _check_digest(path: str | os.PathLike[str], file: h5py.File) -> None:
    if _digest(file) != file.attrs["digest"]:
        raise NotAGoldenFileError(path, "its content does not match its digest: it is damaged or was edited")


def read_graph(path: str | os.PathLike[str]) -> Graph:
    """The graph alone."""
    return read(path).graph


def _content(file: h5py.File) -> Golden:
    graph = decode(bytes(file.attrs["graph"]).decode(), lambda key: file[key][()])

    def group(kind: str, names: tuple[str, ...]) -> dict[str, Array]:
        return {name: file[f"{kind}/{tensor_key(name)}"][()] for name in names if "sha256" in file}

    inner = tuple(name for name in graph.activations() if name not in {*graph.inputs, *graph.outputs})
    attributes = ("producer", "producer_version", "instruction_set", "command")
    return Golden(
        graph,
        Producer(*(str(file.attrs[name]) for name in attributes)),
        group("inputs", graph.inputs),
        group("outputs", tuple(name for name in graph.outputs if name not in graph.inputs)),
        group("tensors", inner),
        group("sha256", graph.activations()),
    )
