"""A whole graph as functions of C: run a batch, run one sample, look at any tensor of the last one.

Every tensor has room of its own in the library, channels last; what C gives and gets is in the tensor's own layout.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llvmlite import ir
from numba.core import cgutils

from int8sim.export_c.call import Call, Room, Site, emit, room
from int8sim.export_c.layers.move import in_own_layout, turn
from int8sim.export_c.layers.registry import calls
from int8sim.export_c.module import POINTER, SIZE, STATUS, Module
from int8sim.export_c.steps import as_identifier, chosen
from int8sim.graph.ir import Graph
from int8sim.model.tensor import TensorType

WORD, NONE = ir.IntType(32), -(1 << 63)
"""NONE: what NAME_value gives for a value that does not exist."""


@dataclass(frozen=True)
class Port:
    """A tensor as C sees it. name: in C, told apart from all others. number: of NAME_tensor."""

    tensor: str
    name: str
    number: int
    kind: TensorType

    @property
    def count(self) -> int:
        """Values of one sample."""
        return math.prod(self.kind.shape[1:])


def ports(graph: Graph) -> dict[str, Port]:
    """Every activation, by its name in the graph."""
    found: dict[str, Port] = {}
    for number, tensor in enumerate(dict.fromkeys(graph.activations())):
        plain = as_identifier(tensor)
        taken = plain in {each.name for each in found.values()}
        found[tensor] = Port(tensor, f"{plain}_{number}" if taken else plain, number, graph.tensors[tensor])
    return found


def part(graph: Graph, layer: str) -> Graph:
    """The graph, or one of its layers as a graph. Raises UnknownNameError, LibraryError."""
    layers = chosen(graph, layer)
    if not layer:
        return graph
    inputs = dict.fromkeys(name for name in layers[0].inputs if name not in graph.constants)
    return replace(graph, layers=tuple(layers), inputs=tuple(inputs), outputs=(layers[0].output,), states=())


def add_network(module: Module, graph: Graph, name: str) -> None:
    """Its entry points, added to the library. Raises LibraryError, CompileError, NumbaVersionError."""
    planned = [call for layer in graph.layers for call in calls(Site(graph, layer))]
    rooms = _rooms(module, graph, name, planned)
    sample = _sample(module, graph, name, planned, rooms)
    _run(module, graph, name, sample)
    _tensor(module, graph, name, rooms)
    _value(module, graph, name, rooms)


def _rooms(module: Module, graph: Graph, name: str, planned: Sequence[Call]) -> dict[str, Any]:
    tensors = [room(graph, tensor) for tensor in graph.activations()]
    own = [each for call in planned for each in call.arguments if isinstance(each, Room)]
    return {each.name: module.room(f"{name}.{each.name}", each.size) for each in dict.fromkeys([*tensors, *own])}


def _sample(module: Module, graph: Graph, name: str, planned: Sequence[Call], rooms: Mapping[str, Any]) -> Any:
    """int NAME_sample(inputs ..., outputs ...): one sample."""
    names = [*graph.inputs, *graph.outputs]
    entry = module.entry(f"{name}_sample", STATUS, [POINTER] * len(names))
    builder = ir.IRBuilder(entry.append_basic_block())
    for tensor, argument in zip(graph.inputs, entry.args, strict=False):
        _copy(module, builder, graph, tensor, (argument, rooms[tensor]), inward=True)
    found = [emit(module, builder, call, rooms) for call in planned]
    for tensor, argument in zip(graph.outputs, entry.args[len(graph.inputs) :], strict=True):
        _copy(module, builder, graph, tensor, (rooms[tensor], argument), inward=False)
    statuses = [builder.trunc(each, STATUS) for each in found if each is not None]
    builder.ret(functools.reduce(builder.or_, statuses, STATUS(0)))
    return entry


def _copy(module: Module, builder: Any, graph: Graph, tensor: str, places: tuple[Any, Any], inward: bool) -> None:
    """A tensor from its own layout to the library's, or back. places: from, to."""
    cells, channels = in_own_layout(graph.tensors[tensor])
    shape = (channels, cells) if inward else (cells, channels)
    source, target = (replace(room(graph, tensor), name=name) for name in ("from", "to"))
    emit(module, builder, Call(turn, (source, target, *shape)), dict(zip(("from", "to"), places, strict=True)))


def _run(module: Module, graph: Graph, name: str, sample: Any) -> None:
    """int NAME_run(inputs ..., outputs ..., size_t batch)."""
    sizes = [room(graph, tensor).size for tensor in (*graph.inputs, *graph.outputs)]
    entry = module.entry(f"{name}_run", STATUS, [*[POINTER] * len(sizes), SIZE])
    builder = ir.IRBuilder(entry.append_basic_block())
    status = cgutils.alloca_once_value(builder, STATUS(0))
    with cgutils.for_range(builder, entry.args[-1], intp=SIZE) as loop:
        places = [builder.mul(loop.index, SIZE(size)) for size in sizes]
        found = builder.call(sample, [builder.gep(at, [place]) for at, place in zip(entry.args, places, strict=False)])
        builder.store(builder.or_(builder.load(status), found), status)
    builder.ret(builder.load(status))


def _switch(builder: Any, entry: Any, graph: Graph, otherwise: Any, case: Callable[[Port], Any]) -> None:
    """A return for every tensor by the entry's first argument, and one for any other number."""
    other = entry.append_basic_block("other")
    choice = builder.switch(entry.args[0], other)
    for port in ports(graph).values():
        block = entry.append_basic_block()
        choice.add_case(WORD(port.number), block)
        builder.position_at_end(block)
        builder.ret(case(port))
    builder.position_at_end(other)
    builder.ret(otherwise)


def _tensor(module: Module, graph: Graph, name: str, rooms: Mapping[str, Any]) -> None:
    """int NAME_tensor(uint32_t tensor, void *values): of the last sample, in its own layout; -1 for no tensor."""
    entry = module.entry(f"{name}_tensor", STATUS, [WORD, POINTER])
    builder = ir.IRBuilder(entry.append_basic_block())

    def case(port: Port) -> Any:
        _copy(module, builder, graph, port.tensor, (rooms[port.tensor], entry.args[1]), inward=False)
        return STATUS(0)

    _switch(builder, entry, graph, STATUS(-1), case)


def _value(module: Module, graph: Graph, name: str, rooms: Mapping[str, Any]) -> None:
    """int64_t NAME_value(uint32_t tensor, uint32_t index): one value, of a float32 the bits; NONE for no value."""
    entry = module.entry(f"{name}_value", SIZE, [WORD, WORD])
    builder = ir.IRBuilder(entry.append_basic_block())
    index = builder.zext(entry.args[1], SIZE)

    def case(port: Port) -> Any:
        cells, channels = in_own_layout(port.kind)
        inside = builder.icmp_unsigned("<", index, SIZE(port.count))
        place = builder.add(
            builder.mul(builder.urem(index, SIZE(cells)), SIZE(channels)), builder.udiv(index, SIZE(cells))
        )
        bits = ir.IntType(8 * room(graph, port.tensor).size // port.count)
        start = builder.bitcast(rooms[port.tensor], bits.as_pointer())
        value = builder.load(builder.gep(start, [builder.select(inside, place, SIZE(0))]), typ=bits)
        wide = builder.zext if port.kind.dtype.startswith(("u", "f")) else builder.sext
        return builder.select(inside, wide(value, SIZE) if bits.width < SIZE.width else value, SIZE(NONE))

    _switch(builder, entry, graph, SIZE(NONE), case)
