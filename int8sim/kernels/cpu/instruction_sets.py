"""Which instruction set's tile the cpu kernels are prepared with: the fastest that is here, unless one is forced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from int8sim.kernels.target import target
from int8sim.model.errors import UnknownNameError


class InstructionSets:
    """The tiles of one kind. needed: name -> the features of the processor that its tile takes, the fastest first."""

    def __init__(self, kind: str, needed: Mapping[str, frozenset[str]]) -> None:
        self.kind, self.needed = kind, needed
        self._forced: ContextVar[str] = ContextVar(kind, default="")

    def available(self) -> tuple[str, ...]:
        """Those of the processor that Numba compiles for, the fastest first."""
        features = set(target().features.split(","))
        return tuple(name for name, wanted in self.needed.items() if wanted <= features)

    def chosen(self) -> str:
        """The forced one, else the fastest that is available."""
        return self._forced.get() or self.available()[0]

    @contextmanager
    def forced(self, name: str) -> Iterator[None]:
        """Inside, kernels are prepared with the tile `name`. Raises UnknownNameError if it is not available.

        A graph that has run on cpu before keeps its kernels; a new one, such as dataclasses.replace(graph), gets new.
        """
        if name not in self.available():
            raise UnknownNameError(f"{self.kind} on this processor", name, self.available())
        token = self._forced.set(name)
        try:
            yield
        finally:
            self._forced.reset(token)
