"""A graph run again and again over inputs of the same shapes: calls of compiled kernels on arrays that stay.

The second run of a thread is recorded, later ones play it: between two layers of a network for small devices, Python's
share was more than half of the time. Activations lie in rooms of the program's own, one after the other as their
readers allow.
"""

from __future__ import annotations

import ctypes
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.lib.array_utils import byte_bounds

from int8sim.graph.ir import Graph
from int8sim.kernels.cpu.memory import Rooms, inside
from int8sim.kernels.cpu.threads import on_threads
from int8sim.kernels.storage import from_storage, store, to_storage
from int8sim.kernels.tape import Call, KernelsOnly, recorded
from int8sim.model.step import Array

MOST_VALUES = 1 << 24
"""Values of all activations of a run up to which it is worth the memory: beyond, Python's share is small."""

KEPT = 3
"""Shapes of a graph's inputs whose programs a thread keeps: a batch, its last part, and one image."""

Shapes = tuple[tuple[int, ...], ...]


class Program:
    """One thread's run. Made by a run over `values`, whose outputs are not kept. It holds no reference to the graph."""

    def __init__(self, graph: Graph, planned: Sequence[Any], values: Mapping[str, Array]) -> None:
        self._rooms, self._calls = Rooms(), list[Call]()
        self._types = {name: graph.tensors[name] for name in (*graph.inputs, *graph.outputs)}
        self._inputs = {name: to_storage(array, graph.tensors[name]) for name, array in values.items()}
        arrays: dict[str, Array] = dict(self._inputs)
        with on_threads(1), inside(self._rooms):
            for layer, kernel, reads, finished in planned:
                arrays[layer.output] = self._recorded(kernel, [arrays[name] for name in reads])
                for name in finished:
                    if name not in graph.outputs:
                        arrays.pop(name, None)
        self._outputs = {name: self._unowned(arrays[name]) for name in graph.outputs}

    def _recorded(self, kernel: Callable[..., Array], inputs: list[Array]) -> Array:
        """The layer's output, its calls noted: of its kernels, or of itself and a copy to where its output lies.

        A layer of kernels only copies an input that is not contiguous, which no kernel's call shows.
        """
        with recorded() as calls:
            out = kernel(*inputs)
        if not isinstance(kernel, KernelsOnly) or not all(each.flags.c_contiguous for each in inputs):
            calls = [(_copied, (kernel, out, *inputs))]
        self._calls += [(function, self._unowned(arguments)) for function, arguments in calls]
        return out

    def _unowned(self, value: Any) -> Any:
        """The same arrays, without a reference to the program's rooms: those are free again as if nobody looked."""
        if isinstance(value, tuple):
            return tuple(map(self._unowned, value))
        if not isinstance(value, np.ndarray) or not self._rooms.holds(value):
            return value
        low, high = byte_bounds(value)
        memory = (ctypes.c_uint8 * (high - low)).from_address(low)
        return np.ndarray(value.shape, value.dtype, memoryview(memory), value.ctypes.data - low, value.strides)

    def __call__(self, values: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs, in their own layout."""
        types = self._types
        for name, place in self._inputs.items():
            store(values[name], types[name], place)
        for function, arguments in self._calls:
            function(*arguments)
        return {name: _own_copy(from_storage(array, types[name]), array) for name, array in self._outputs.items()}


def _own_copy(array: Array, stored: Array) -> Array:
    """array, which may lie where `stored` does, where the next run writes."""
    return np.array(array) if np.may_share_memory(array, stored) else np.ascontiguousarray(array)


def _copied(kernel: Callable[..., Array], out: Array, *inputs: Array) -> None:
    out[...] = kernel(*inputs)


class _Own(threading.local):
    """Of one thread: by graph, the shapes of its latest runs' inputs, and the program of those that came twice."""

    def __init__(self) -> None:
        self.known: WeakKeyDictionary[Graph, dict[Shapes, Program | None]] = WeakKeyDictionary()


_own = _Own()


def program(graph: Graph, planned: Sequence[Any], values: Mapping[str, Array]) -> Program | None:
    """From the second run over inputs of the same shapes on; None at the first, and where a run is large."""
    shapes = tuple(array.shape for array in values.values())
    known = _own.known.setdefault(graph, {})
    if shapes in known:
        made = known.pop(shapes)
        if made is None and _size(graph, shapes[0][0]) <= MOST_VALUES:
            made = Program(graph, planned, values)
        known[shapes] = made
        return made
    known[shapes] = None
    if len(known) > KEPT:
        del known[next(iter(known))]
    return None


def _size(graph: Graph, batch: int) -> int:
    return batch * sum(math.prod(graph.tensors[name].shape[1:]) for name in graph.activations())
