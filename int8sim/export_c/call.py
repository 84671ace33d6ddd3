"""A layer as calls of compiled loops: what each is bound to and given."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import from_dtype, types

from int8sim.export_c.compiled import Bound
from int8sim.export_c.converter import KINDS, as_numbers
from int8sim.export_c.module import POINTER, Module
from int8sim.graph.ir import Graph, Layer
from int8sim.kernels.compile import bind
from int8sim.model.errors import LibraryError
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


@dataclass(frozen=True)
class Room:
    """Values of one image in the library: a tensor, channels last, or what a loop needs for itself."""

    name: str
    dtype: str
    count: int

    @property
    def size(self) -> int:
        """In bytes."""
        return self.count * np.dtype(self.dtype).itemsize


class Call(NamedTuple):
    """loop: over pointers; gives nothing, or a status, 0 where all went well. bound: its roles.

    arguments: rooms and arrays (as pointers), numbers, tuples of such.
    """

    loop: Callable[..., int | None]
    arguments: tuple[Any, ...]
    bound: Bound = ()


class Site(NamedTuple):
    """A layer where it stands. arithmetic: its steps, none in float32."""

    graph: Graph
    layer: Layer

    @property
    def arithmetic(self) -> Arithmetic:
        """The steps by role."""
        return self.layer.arithmetic or {}

    @property
    def types(self) -> tuple[TensorType, ...]:
        """Of the inputs."""
        return self.graph.types(self.layer)

    @property
    def output(self) -> TensorType:
        """The output's type."""
        return self.graph.tensors[self.layer.output]

    def constant(self, place: int) -> Array | None:
        """An input that the graph holds."""
        inputs = self.layer.inputs
        return self.graph.constants.get(inputs[place]) if place < len(inputs) else None

    def inputs(self) -> list[Room]:
        """The activations."""
        return [room(self.graph, name) for name in self.layer.inputs if name not in self.graph.constants]

    def out(self) -> Room:
        """Where the output lies."""
        return room(self.graph, self.layer.output)

    def own(self, what: str, dtype: str, count: int) -> Room:
        """Room of the layer's own."""
        return Room(f"{self.layer.output}.{what}", dtype, count)

    def bind(self, **roles: str) -> tuple[Bound, list[tuple[Any, ...]]]:
        """Steps by the roles that a loop calls, role=step, and the numbers of each."""
        pairs = {role: bind(self.arithmetic[step]) for role, step in roles.items()}
        return tuple((role, built) for role, (built, _) in pairs.items()), [values for _, values in pairs.values()]

    def refused(self, reason: str) -> LibraryError:
        """What cannot be exported."""
        return LibraryError(f"layer {self.layer.name!r}, {self.layer.op.name},", reason)


def room(graph: Graph, name: str) -> Room:
    """Where a tensor lies."""
    kind = graph.tensors[name]
    return Room(name, kind.dtype, math.prod(kind.shape[1:]))


def emit(module: Module, builder: Any, call: Call, rooms: Mapping[str, Any]) -> Any:
    """The call, behind what the builder has written: its status, or None. rooms: LLVM addresses by name."""
    pairs = [_argument(module, builder, each, rooms) for each in call.arguments]
    values = [value for _, flat in pairs for value in flat]
    return module.call(builder, call.loop, [kind for kind, _ in pairs], values, call.bound)[0]


def _argument(module: Module, builder: Any, given: Any, rooms: Mapping[str, Any]) -> tuple[Any, list[Any]]:
    """Numba's type and LLVM's values, several of a tuple."""
    if isinstance(given, Room):
        return types.CPointer(from_dtype(np.dtype(given.dtype))), [builder.bitcast(rooms[given.name], POINTER)]
    if isinstance(given, np.ndarray):
        return types.CPointer(from_dtype(given.dtype)), [builder.bitcast(module.constant(given), POINTER)]
    if isinstance(given, tuple):
        pairs = [_argument(module, builder, each, rooms) for each in given]
        return types.BaseTuple.from_types([kind for kind, _ in pairs]), [value for _, flat in pairs for value in flat]
    number = as_numbers(given)
    kind, llvm = KINDS[number.dtype.name]
    return kind, [ir.Constant(llvm, number.item())]
