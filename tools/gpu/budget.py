"""What a section of tools/gpu_check.py is given."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gpu.report import Compared, SkippedError
from int8sim.kernels.cuda.availability import TENSOR_CORES
from int8sim.kernels.cuda.device import is_simulated
from int8sim.kernels.cuda.products import INSTRUCTIONS

T = TypeVar("T")


@dataclass
class Budget:
    """What a section may take.

    reduced: sizes for a simulator. until: its end, by time.monotonic. before: the lines of earlier sections.
    """

    reduced: bool
    capability: tuple[int, int]
    until: float
    before: Mapping[str, Sequence[Mapping[str, Any]]]

    def size(self, full: T, reduced: Any) -> Any:
        """One of both."""
        return reduced if self.reduced else full

    @property
    def judge(self) -> str:
        """The backend that is right: the interpreted one where compiling it takes longer than running."""
        return self.size("cpu", "reference")  # type: ignore[no-any-return]

    @property
    def dot_products(self) -> tuple[str, ...]:
        """Those that the device has; Numba's simulator, whose barriers take long, is asked for the first alone."""
        return INSTRUCTIONS if self.has("mma") and not is_simulated() else INSTRUCTIONS[:1]

    def left(self, seconds: float = 0.0) -> bool:
        """Whether there is so much time left; a simulator has all the time."""
        return self.reduced or time.monotonic() + seconds < self.until

    def has(self, what: str) -> bool:
        """Whether the device has an instruction: all but the smallest mma came with the tensor cores of 8.0."""
        return what == "m8n8k16" or self.capability >= TENSOR_CORES

    def earlier(self, section: str) -> list[Compared]:
        """The lines of a section that has run."""
        if section not in self.before:
            raise SkippedError(f"section {section} has told nothing")
        return [Compared(**line) for line in self.before[section]]
