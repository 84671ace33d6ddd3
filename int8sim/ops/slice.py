"""Every so many places of each axis. Codes move. ONNX Slice, TensorFlow Lite's STRIDED_SLICE, SPLIT, SPLIT_V."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, codes, expect


@dataclass(frozen=True)
class Slice(Moving):
    """Input: x. starts, stops, steps: for each axis, as in Python's range; a step back may stop at -1, before place 0.

    Every axis keeps one place or more, and axis 0, the batch, all: 0, its size, 1.
    """

    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]

    name: ClassVar[str] = "slice"

    def slices(self) -> tuple[slice, ...]:
        """The places taken, as Python indexes an array; the whole batch, however many samples it has."""
        ends = [None if stop < 0 else stop for stop in self.stops]
        return slice(None), *map(slice, self.starts[1:], ends[1:], self.steps[1:])

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        same = {len(self.starts), len(self.stops), len(self.steps)} == {len(x.shape)}
        expect(same, f"starts {self.starts}, stops {self.stops}, steps {self.steps} are not one for each axis of {x}")
        expect(0 not in self.steps, f"steps {self.steps} must not be 0")
        places = list(map(range, self.starts, self.stops, self.steps))
        expect(places[0] == range(x.shape[0]), f"{places[0]} of axis 0 are not the whole batch")
        for axis, (taken, size) in enumerate(zip(places, x.shape, strict=True)):
            inside = taken and min(taken) >= 0 and max(taken) < size and taken.stop >= -1
            expect(inside, f"axis {axis}: {taken} has no place, or one outside 0 .. {size - 1}")
        return TensorType(tuple(map(len, places)), "float32", x.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0][self.slices()]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "the second row, every other column",
            cls((0, 0, 1, 0), (1, 1, 2, 3), (1, 1, 1, 2)),
            (codes((1, 1, 2, 3), "NCHW"),),
            ([[1, 2, 3], [4, 5, 6]],),
            codes((1, 1, 1, 2), "NCHW"),
            [[4, 6]],
        )
        yield Case(
            "backward", cls((0, 2), (1, -1), (1, -1)), (codes((1, 3)),), ([1, 2, 3],), codes((1, 3)), [[3, 2, 1]]
        )
