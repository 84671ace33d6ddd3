"""Which instruction set's tile the cpu kernels are prepared with: the fastest that is here, unless one is forced."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from int8sim.kernels.target import target
from int8sim.model.errors import UnknownNameError

ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA = 158, 0x1023, 18
"""Linux on x86-64: Documentation/arch/x86/xstate.rst."""


@functools.cache
def amx_is_permitted() -> bool:
    """Whether the system lets this process use AMX's registers, which has to be asked for."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return False
    return bool(ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0)


class InstructionSets:
    """The tiles of one kind.

    needed: name -> the features of the processor that its tile takes, the fastest first. allowed: name -> whether the
    system lets it run, of those that must ask.
    """

    def __init__(
        self,
        kind: str,
        needed: Mapping[str, frozenset[str]],
        allowed: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
    ) -> None:
        self.kind, self.needed, self.allowed = kind, needed, allowed
        self._forced: ContextVar[str] = ContextVar(kind, default="")

    def available(self) -> tuple[str, ...]:
        """Those of the processor that Numba compiles for, the fastest first."""
        features = set(target().features.split(","))
        here = [name for name, wanted in self.needed.items() if wanted <= features]
        return tuple(name for name in here if name not in self.allowed or self.allowed[name]())

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
