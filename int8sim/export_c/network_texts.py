"""How a network's functions and tensors are declared in C and in SystemVerilog."""

from __future__ import annotations

from collections.abc import Iterator

from int8sim.export_c.converter import Prototype
from int8sim.export_c.header import plain
from int8sim.export_c.network import Port, ports
from int8sim.export_c.words import CType, Operand
from int8sim.graph.ir import Graph
from int8sim.model.tensor import BITS

FLOAT32 = CType(32, signed=False)
"""In SystemVerilog, whose simulators do not all have shortreal: the bits."""


def value_prototype(name: str, graph: Graph) -> Prototype:
    """NAME_value, alike in C and SystemVerilog."""
    tensors = Operand("tensor", CType(32, signed=False), 0, len(ports(graph)) - 1)
    index = Operand("index", CType(32, signed=False), 0, max(port.count for port in ports(graph).values()) - 1)
    title = (
        "One value of the last sample, in the tensor's own layout; of a float32 its bits; -2**63 where there is none."
    )
    return Prototype(f"{name}_value", CType(64), (tensors, index), (title,))


def c_lines(name: str, graph: Graph) -> list[str]:
    """Declarations for the header."""
    sample = ", ".join(
        [*_c_arguments(graph, graph.inputs, "const ", "in"), *_c_arguments(graph, graph.outputs, "", "out")]
    )
    return [
        "/* Every tensor, by its number: of one sample, in its own layout. real = (code - zero point) * scale. */",
        f"enum {name}_tensors {{",
        *(f"  {name}_T_{port.name} = {port.number}, /* {described(port)} */" for port in ports(graph).values()),
        "};",
        "",
        "/* `batch` samples, one behind the other; each as int8sim runs it alone. Returns 0, or 1: see one sample. */",
        f"int {name}_run({sample}, size_t batch);",
        "",
        "/* One sample. Returns 0, or 1 where values quantized dynamically are no numbers or have no scale. */",
        f"int {name}_sample({sample});",
        "",
        "/* A tensor of the last sample, in its own layout. Returns 0, or -1 where no tensor has that number. */",
        f"int {name}_tensor(uint32_t tensor, void *values);",
        "",
    ]


def systemverilog_lines(name: str, graph: Graph) -> list[str]:
    """Declarations for the package."""
    known = ports(graph)
    arguments = ", ".join(
        f"{direction} {_word(known[tensor]).systemverilog} {direction[:-3]}_{known[tensor].name}[{known[tensor].count}]"
        for direction, tensors in (("input", graph.inputs), ("output", graph.outputs))
        for tensor in tensors
    )
    return [
        "  // Every tensor, by its number: of one sample, in its own layout. real = (code - zero point) * scale.",
        *(f"  localparam int T_{port.name} = {port.number}; // {described(port)}" for port in known.values()),
        "",
        "  // One sample. Of a float32 the bits. Returns 0, or 1 where values quantized dynamically have no scale.",
        f'  import "DPI-C" function int {name}_sample({arguments});',
    ]


def described(port: Port) -> str:
    """Its name in the network, type and quantization."""
    kind, quant = port.kind, port.kind.quant
    shape = f"{plain(port.tensor)}: {kind.dtype} {list(kind.shape[1:])} {kind.layout}".rstrip()
    return f"{shape}, scale {quant.scale}, zero point {quant.zero_point}" if quant else shape


def _c_arguments(graph: Graph, tensors: tuple[str, ...], qualifier: str, prefix: str) -> Iterator[str]:
    for port in map(ports(graph).__getitem__, tensors):
        kind = "float" if port.kind.dtype == "float32" else _word(port).c
        yield f"{qualifier}{kind} *{prefix}_{port.name}"


def _word(port: Port) -> CType:
    dtype = port.kind.dtype
    return FLOAT32 if dtype == "float32" else CType(BITS[dtype], signed=not dtype.startswith("u"))
