"""What `int8sim export-c` writes, as functions: a spec function, steps of a layer, a network."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

import int8sim
from int8sim.export_c.compiled import source
from int8sim.export_c.converter import Converter, Prototype, add_converter, as_numbers
from int8sim.export_c.header import About, c_header, systemverilog_package
from int8sim.export_c.library import Library, llvm_processor, write
from int8sim.export_c.module import Module
from int8sim.export_c.named import converter, identifier
from int8sim.export_c.network import add_network, part
from int8sim.export_c.network_texts import c_lines, systemverilog_lines, value_prototype
from int8sim.export_c.steps import as_identifier, step_converters
from int8sim.export_c.words import Operand
from int8sim.golden.graph_json import encode
from int8sim.graph.ir import Graph
from int8sim.model.step import LookupTable


class Written(NamedTuple):
    """files: object, header, package, shared library. prototypes: the functions. sha256: of what they compute."""

    files: tuple[Path, ...]
    prototypes: tuple[Prototype, ...]
    sha256: str


def export_function(
    function: str, folder: Path, given: Mapping[str, str] = MappingProxyType({}), *, name: str = "", cpu: str = ""
) -> Written:
    """A spec function as a library in a folder.

    function: module:name, or the end of it, as nvdla.sdp_out_convert or dp4a. given: parameters that are fixed, by
    name, as text; requantize.fixed_point needs its scheme. name: of the C function and of the files. cpu: one of
    `processors`, by default any machine of this kind.
    Raises UnknownNameError, ParameterError, LibraryError, CompileError, CompilerError, NumbaVersionError,
    OutputNotWritableError.
    """
    one = converter(function, given, name)
    return export_converters([one], folder, one.name, cpu)


def export_steps(
    graph: Graph, folder: Path, *, layer: str = "", step: str = "", name: str = "", cpu: str = ""
) -> Written:
    """Steps of a graph's layers with their own numbers: the converters of one layer or all, of one role or all.

    name: of the files, and what the functions' names begin with; by default the graph's. Raises as `export_function`.
    """
    own = identifier(name or as_identifier(graph.name))
    return export_converters(step_converters(graph, own, layer, step), folder, own, cpu)


def export_graph(graph: Graph, folder: Path, *, layer: str = "", name: str = "", cpu: str = "") -> Written:
    """A lowered graph, or one layer of it, as a library: NAME_run, NAME_sample, NAME_tensor, NAME_value.

    name: of the files, and what the functions' names begin with; by default the graph's, and the layer's. Raises as
    `export_function`; LibraryError names a layer that no portable loop computes.
    """
    chosen, plain = part(graph, layer), as_identifier(f"{graph.name}_{layer}" if layer else graph.name)
    own, target = identifier(name or plain), llvm_processor(cpu)
    module, value, sha256 = Module(own), value_prototype(own, chosen), graph_hash(chosen)
    add_network(module, chosen, own)
    title = f"{own}: {graph.name}, profile {graph.profile}{f', layer {layer}' if layer else ''}"
    about = About(own, (title, *made(sha256, target), "Its tensors have one place each: one thread at a time may run."))
    header = c_header(about, [value], c_lines(own, chosen))
    package = systemverilog_package(about, [value], systemverilog_lines(own, chosen))
    return Written(tuple(write(Library(own, module.object_code(target), header, package), folder)), (value,), sha256)


def graph_hash(graph: Graph) -> str:
    """SHA-256 in hex of the graph as golden files hold it: layers, steps, numbers, weights."""
    text, arrays = encode(graph)
    digest = hashlib.sha256(text.encode())
    for key in sorted(arrays):
        digest.update(key.encode() + np.ascontiguousarray(arrays[key]).tobytes())
    return digest.hexdigest()


def export_converters(converters: Sequence[Converter], folder: Path, name: str, cpu: str = "") -> Written:
    """Some of them as one library. name: of the files. Raises as `export_function`."""
    module, target = Module(name), llvm_processor(cpu)
    prototypes = [add_converter(module, each) for each in converters]
    sha256 = fingerprint(converters)
    about = About(name, (f"{name}: integer arithmetic, bit for bit", *made(sha256, target)))
    files = c_header(about, prototypes), systemverilog_package(about, prototypes)
    written = write(Library(name, module.object_code(target), *files), folder)
    return Written(tuple(written), tuple(prototypes), sha256)


def made(sha256: str, target: str) -> tuple[str, ...]:
    """Of every library: by whom, of what, for what."""
    return (
        f"Made by int8sim {int8sim.__version__} for {target}; SHA-256 of what it computes:",
        sha256,
        "An argument outside of its range gives no defined result.",
    )


def fingerprint(converters: Sequence[Converter]) -> str:
    """SHA-256 in hex of the functions' text and of their fixed numbers."""
    digest = hashlib.sha256()
    for each in converters:
        digest.update(f"{each.name}\n{source(each.function)}".encode())
        for key, value in each.values.items():
            content = value.values if isinstance(value, LookupTable) else value
            digest.update(key.encode() + (b"" if isinstance(content, Operand) else as_numbers(content).tobytes()))
    return digest.hexdigest()
