"""What the ops of two or more tensors have in common: one output element of their elements, as NumPy broadcasts them.

The axes of all inputs are counted from the last one, in the order of their own layout; an axis of size 1, or one that
is not there, repeats. Axis 0 of the result is the batch, so a constant has none there, or size 1.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array, row
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, Operands, Scales, channels_last, expect, from_channels_last, place_of
from int8sim.profiles.base import Scheme


class Elementwise(Op):
    """An op of two or more tensors whose shapes broadcast, layouts equal where there are any; two in integers.

    An activation has as many axes as the result; a constant may have fewer.
    """

    @abstractmethod
    def combine(self, values: Sequence[float]) -> float:
        """One output element of its input elements."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) > 1, f"it has {len(inputs)} input; two or more are needed")
        spelled = " and ".join(map(str, inputs))
        layouts = {kind.layout for kind in inputs} - {""}
        expect(len(layouts) < 2, f"its inputs are {spelled}; the layouts must be equal")
        shape = _broadcast([kind.shape for kind in inputs])
        expect(shape is not None, f"its inputs are {spelled}; the shapes must be equal, or 1 where they are not")
        batches = [kind.shape[:1] for kind in inputs if len(kind.shape) == len(shape or ())]
        expect(
            shape and shape[:1] == min(batches), f"its inputs are {spelled}; axis 0 is the batch, which none repeats"
        )
        return TensorType(shape or (), "float32", layouts.pop() if layouts else "")

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        arrays = np.broadcast_arrays(*inputs)
        columns = zip(*(array.ravel().tolist() for array in arrays), strict=True)
        return np.array([self.combine(values) for values in columns], np.float32).reshape(arrays[0].shape)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        (a, b), shapes = scales.inputs, _stored_shapes([kind.shape for kind in scales.types], scales.kind.layout)
        return scheme.steps(a=a, b=b, y=scales.output, low=scales.low, high=scales.high, shapes=shapes)

    def reference(
        self,
        types: Sequence[TensorType],  # noqa: ARG002
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        step, layout = arithmetic["combine"], output.layout
        a, b = (channels_last(values, layout) for values in np.broadcast_arrays(*inputs))
        size = row(*_stored_shapes([np.shape(values) for values in inputs], layout))
        where = [(place % size, size) for place in range(a.size)] if step.placed else [()] * a.size
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), where, strict=True)
        found = np.array([step(left, right, *at) for left, right, at in pairs], output.dtype)
        return from_channels_last(found.reshape(a.shape), layout)

    def operands_at(
        self,
        types: Sequence[TensorType],
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
        index: tuple[int, ...],
    ) -> Operands:
        arrays = np.broadcast_arrays(*inputs)
        layout = max(kind.layout for kind in types)
        size = row(*_stored_shapes([np.shape(values) for values in inputs], layout))
        place, _ = place_of(index, arrays[0].shape, layout)
        where = (place % size, size) if arithmetic["combine"].placed else ()
        return "combine", (*(values[index].item() for values in arrays), *where)


def _stored_shapes(shapes: Sequence[tuple[int, ...]], layout: str) -> list[tuple[int, ...]]:
    """The shapes with as many axes as the longest, channels last."""
    rank = max(map(len, shapes))
    order = (0, 2, 3, 1) if layout == "NCHW" else range(rank)
    extended = [(1,) * (rank - len(shape)) + shape for shape in shapes]
    return [tuple(shape[axis] for axis in order) for shape in extended]


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        return None
