"""Kernels for the GPU and for its simulator: the same flattened text, in two dialects.

On the GPU every function is inlined, as a kernel that calls one cannot be compiled without a driver. In the simulator
the text runs as plain Python: the specification's own primitives, and for each instruction of ptx.py a stand-in made of
the specification.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Mapping
from typing import Any

from int8sim.kernels.compile import LONGEST_REASON, TWINS, load
from int8sim.kernels.cuda.device import Launch, is_simulated, launcher, unwrapped
from int8sim.kernels.cuda.twins import TWINS as BY_INSTRUCTION
from int8sim.kernels.flatten import Dialect, Function, Kinds, generate
from int8sim.model.errors import CompileError
from int8sim.spec import float32

OWN = "int8sim.kernels.cuda.primitives"
GPU = Dialect(
    imports=("from numba import cuda",),
    kernel="@cuda.jit(cache=True)",
    function="@cuda.jit(device=True, inline='always')",
    twins={**TWINS, float32.half_even: (OWN, "half_even"), float32.fma: (OWN, "fma")},
    in_32_bits="int8sim.kernels.primitives",
    product=(OWN, "product"),
    extremes=OWN,
    replaced=BY_INSTRUCTION,
)
SIMULATOR = Dialect(
    imports=("from numba import cuda",),
    kernel="@cuda.jit",
    function="",
    twins={each: (each.__module__, each.__name__) for each in TWINS},
    stand_ins=dict.fromkeys((OWN, "int8sim.kernels.cuda.ptx"), "int8sim.kernels.cuda.simulated"),
    replaced=BY_INSTRUCTION,
)
Bounds = tuple[int, int] | None


class Kernel:
    """A kernel of the GPU, or of the simulator. Numba compiles it at the first launch with a combination of types."""

    def __init__(self, function: Any, name: str) -> None:
        self.function, self.name = function, name
        self._configured: dict[tuple[Any, Any], Any] = {}

    def launch(self, blocks: Any, threads: Any, *arguments: Any) -> None:
        """Run it on a grid of blocks, or hand it to who takes the launches. Raises CompileError."""
        take = launcher()
        if take is not None:
            take(Launch(self, blocks, threads, arguments))
            return
        from numba.core.errors import NumbaError

        try:
            self._configuration(blocks, threads)(*map(unwrapped, arguments))
        except NumbaError as problem:
            raise CompileError(self.name, " ".join(str(problem).split())[:LONGEST_REASON]) from problem

    def _configuration(self, blocks: Any, threads: Any) -> Any:
        """Numba's launcher, made once: the simulator's is changed by the next. Small grids are no mistake here."""
        from numba.core.errors import NumbaPerformanceWarning

        if is_simulated():
            return self.function[blocks, threads]
        if (blocks, threads) not in self._configured:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", NumbaPerformanceWarning)
                self._configured[blocks, threads] = self.function[blocks, threads]
        return self._configured[blocks, threads]

    def launch_each(self, count: int, *arguments: Any, threads: int = 256) -> None:
        """At least `count` threads in a row; few in a block of the simulator, where each is one of the system's."""
        threads = min(threads, 32) if is_simulated() else threads
        self.launch(-(-count // threads), threads, *arguments)


@functools.cache
def _build(
    kernel: Function, bound: tuple[tuple[str, tuple[Function, Kinds]], ...], simulated: bool, bounds: Bounds
) -> Kernel:
    text = generate(kernel, dict(bound), SIMULATOR if simulated else bounded(GPU, bounds))
    functions = [function.__qualname__ for _, (function, _) in bound]
    name = f"{kernel.__name__} with {', '.join(functions)}" if functions else kernel.__name__
    return Kernel(load(f"{_versions()}\n{text}", f"cuda_{kernel.__name__}"), name)


def build(kernel: Function, bound: Mapping[str, tuple[Function, Kinds]] | None = None, bounds: Bounds = None) -> Kernel:
    """The kernel, its roles bound to spec functions. Built once per process and binding. Raises CompileError.

    bounds: threads of its blocks, and how many blocks a multiprocessor shall hold: so many registers it gets.
    """
    ordered = tuple(sorted((bound or {}).items(), key=lambda item: item[0]))
    return _build(kernel, ordered, is_simulated(), bounds)


def bounded(dialect: Dialect, bounds: Bounds) -> Dialect:
    """The dialect with the kernel's launch bounds."""
    return dialect if bounds is None else dialect._replace(kernel=f"@cuda.jit(cache=True, launch_bounds={bounds})")


@functools.cache
def _versions() -> str:
    import llvmlite
    import numba
    from numba import cuda

    return f"# numba {numba.__version__}, llvmlite {llvmlite.__version__}, numba.cuda {cuda.__file__}"
