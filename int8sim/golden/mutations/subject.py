"""One layer as the catalogue's subject: its data, and what it gives at chosen places of its output."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from int8sim.golden.mutations.matrices import Matrices, matrices_of
from int8sim.golden.mutations.products import Products, Read, products_of
from int8sim.golden.mutations.rows import row_values
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, from_channels_last
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.pointwise import Pointwise
from int8sim.ops.softmax import Softmax

Sums = Products | Matrices


@dataclass(frozen=True, eq=False)
class Subject:
    """A layer.

    constants: by input. sources: of each activation, the number of the tensor that it is, which may be one that the
    layer read before. reads: by input, what is taken for its codes. products: of a weighted layer; matrices: of a
    product of two of the inputs.
    """

    op: Op
    types: tuple[TensorType, ...]
    output: TensorType
    arithmetic: Arithmetic
    constants: Mapping[int, Array]
    sources: tuple[int, ...]
    reads: Mapping[int, Read] = field(default_factory=dict)
    products: Products | None = None
    matrices: Matrices | None = None

    @classmethod
    def of(cls, graph: Graph, layer: Layer) -> Subject:
        """The layer as it is right; a float layer has no arithmetic to be wrong."""
        constants = {i: graph.constants[name] for i, name in enumerate(layer.inputs) if name in graph.constants}
        types, output, arithmetic = graph.types(layer), graph.tensors[layer.output], layer.arithmetic or {}
        products = products_of(layer.op, types, output, arithmetic, constants) if layer.arithmetic else None
        names = [name for name in layer.inputs if name not in graph.constants]
        sources = tuple([*dict.fromkeys(names)].index(name) for name in names)
        matrices = matrices_of(layer.op, types, arithmetic) if arithmetic else None
        return cls(layer.op, types, output, arithmetic, constants, sources, products=products, matrices=matrices)

    @property
    def sums(self) -> Sums | None:
        """What the output step is given, where that is a sum of products."""
        return self.products or self.matrices

    @property
    def free(self) -> list[TensorType]:
        """The tensors that the layer reads and that are no constants, each once."""
        kinds = [kind for i, kind in enumerate(self.types) if i not in self.constants]
        return [kinds[self.sources.index(number)] for number in range(len({*self.sources}))]

    def activations(self, given: Sequence[Array]) -> list[Array]:
        """What `values` takes, of an array for each of the free tensors."""
        return [given[number] for number in self.sources]

    def with_step(self, role: str, step: Step) -> Subject:
        """The same layer with another step in a role."""
        return replace(self, arithmetic={**self.arithmetic, role: step})

    def values(self, activations: Sequence[Array], places: Array) -> Array:
        """What the layer gives, [n] of the output's dtype, at places: flat indices in the output's own layout.

        activations: the layer's inputs that are no constants, in its own order, [batch, ...]. A code that the dtype
        does not hold is its low bits. Raises what interpreted arithmetic raises out of its domain.
        """
        if self.products is not None:
            accumulators, channels = self.products.accumulators(activations[0], places)
            return self._codes(each_once(self.arithmetic["output"], [accumulators], channels))
        inputs = self.inputs(activations)
        if self.matrices is not None:
            accumulators, channels = self.matrices.accumulators(inputs, places)
            return self._codes(each_once(self.arithmetic["output"], [accumulators], channels))
        shape = self.shape(len(activations[0]))
        if isinstance(self.op, Elementwise | Pointwise) and self.arithmetic:
            (step,) = self.arithmetic.values()
            return self._codes(self._alone(step, inputs, shape, places))
        if isinstance(self.op, Softmax) and self.arithmetic:
            return self._codes(row_values(self.arithmetic, self.op.axis, inputs[0], places))
        found = [self._at(inputs, index) for index in zip(*np.unravel_index(places, shape), strict=True)]
        if any(each is None for each in found):
            whole = self.op.reference(self.types, self.output, self.arithmetic, inputs)
            return self._codes(whole.reshape(-1)[places])
        return self._codes(np.array(found))

    def inputs(self, activations: Sequence[Array]) -> list[Array]:
        """Activations and constants in the op's order, as they are read."""
        waiting = iter(activations)
        given = [self.constants[i] if i in self.constants else next(waiting) for i in range(len(self.types))]
        return [self.reads[i](each.astype(np.int64)) if i in self.reads else each for i, each in enumerate(given)]

    def shape(self, batch: int) -> tuple[int, ...]:
        """Of the output."""
        return (batch, *self.output.shape[1:])

    def _alone(self, step: Step, inputs: Sequence[Array], shape: tuple[int, ...], places: Array) -> Array:
        """A step of one element of each input, every different set of operands once."""
        columns = [np.broadcast_to(each, shape).reshape(-1)[places] for each in inputs]
        if step.placed:
            order = np.arange(math.prod(shape)).reshape(stored_shape(shape, self.output.layout))
            columns.append(from_channels_last(order, self.output.layout).reshape(-1)[places])
            columns.append(np.full(len(places), math.prod(shape)))
        return each_once(step, columns, np.zeros(len(places), np.int64))

    def _at(self, inputs: Sequence[Array], index: tuple[Any, ...]) -> Any:
        """One element by its operands; None where codes only move or the op names none."""
        place = tuple(map(int, index))
        given = self.op.operands_at(self.types, self.arithmetic, inputs, place)
        if not given:
            return None
        role, operands = given
        return self.arithmetic[role](*operands, channel=place[self.output.channel_axis])

    def _codes(self, values: Array) -> Array:
        if self.output.quant is None:
            return values.astype(self.output.dtype)
        return values.astype(np.int64).astype(self.output.dtype)


def stored_shape(shape: tuple[int, ...], layout: str) -> tuple[int, ...]:
    """Channels last."""
    return (shape[0], *shape[2:], shape[1]) if layout == "NCHW" else shape


def each_once(step: Step, operands: Sequence[Array], channels: Array) -> Array:
    """The step, interpreted, at every set of operands and channel, [n] each; every different one once."""
    rows = {channel: step.at(channel) for channel in np.unique(channels).tolist()}
    known: dict[Any, Any] = {}
    for each in zip(*(column.tolist() for column in (channels, *operands)), strict=True):
        if each not in known:
            known[each] = step.function(*each[1:], *rows[each[0]])
    columns = zip(*(column.tolist() for column in (channels, *operands)), strict=True)
    return np.array([known[each] for each in columns])
