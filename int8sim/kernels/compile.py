"""Plain Python kernels and spec functions -> one generated module, cached on disk by the hash of its own text.

Numba's cache=True alone does not notice an edited callee in another file, and never hits for kernels made in closures.
So a kernel and everything it reaches are flattened into one module of plain text, with constants as literals and the
versions and the CPU as comments. The module's name is the hash of that text: an edit anywhere gives another module, an
unedited second process finds Numba's machine code beside the first one's module and compiles nothing.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from int8sim.kernels.cache import cache_directory
from int8sim.kernels.flatten import Dialect, Function, Kinds, Place, generate
from int8sim.kernels.tape import note
from int8sim.model.errors import CompileError
from int8sim.model.files import write_bytes
from int8sim.model.step import LookupTable, Number, Step
from int8sim.spec import float32

PRIMITIVES = "int8sim.kernels.primitives"
TWINS: Mapping[Function, Place] = {
    float32.float32: (PRIMITIVES, "float32"),
    float32.float32_bits: (PRIMITIVES, "float32_bits"),
    float32.float32_from_bits: (PRIMITIVES, "float32_from_bits"),
    float32.half_even: (PRIMITIVES, "half_even"),
    float32.fma: (PRIMITIVES, "fma"),
}
"""The spec's primitives with a second, compiled definition."""

LONGEST_REASON = 600
"""Characters of Numba's explanation that an error shows."""

KERNEL = "@njit(nogil=True, error_model='numpy', cache=True{})"
FUNCTION = "@njit(nogil=True, error_model='numpy', no_cpython_wrapper=True, no_cfunc_wrapper=True{})"
"""Of the kernel, and of what only compiled code calls; and what is said where neither makes an array."""
UNCOUNTED = ", _nrt=False"
"""References are not counted: every view of an array is an atomic addition and a subtraction, a third of a tile's time.

Whoever calls a kernel holds its arguments until it returns.
"""
DIALECT = Dialect(
    imports=("from numba import njit",),
    kernel=KERNEL,
    function=FUNCTION,
    twins=TWINS,
    uncounted=UNCOUNTED,
    in_32_bits=PRIMITIVES,
    widens=True,
)
"""Of the CPU, by Numba's njit."""


def bind(step: Step) -> tuple[tuple[Function, Kinds], tuple[Any, ...]]:
    """A step as (function and kinds, which the kernel is built for) and (values, which it is called with).

    This is the one cast of parameters: int32 where it holds a value and int64 where not, float32
    or float64, and fresh contiguous arrays of them, so that no read-only or strided argument makes Numba compile again.
    """
    values = step.parameters.values()
    names = list(inspect.signature(step.function).parameters)
    if list(step.parameters) != names[len(names) - len(values) :]:
        raise CompileError(step.name, f"its parameters are {names}, the step gives {list(step.parameters)}")
    return (step.function, tuple(map(_kind, values))), (*(_cast(v) for v in values), 0)


def build(
    kernel: Function,
    bound: Mapping[str, tuple[Function, Kinds]] | None = None,
    intrinsics: Mapping[str, Any] | None = None,
) -> Function:
    """The compiled kernel, its roles bound to spec functions, or to intrinsics. Built once per process and binding."""
    roles_by_name = {**(bound or {}), **{role: (value, ()) for role, value in (intrinsics or {}).items()}}
    return _build(kernel, tuple(sorted(roles_by_name.items(), key=lambda item: item[0])))


def _kind(value: Number) -> str:
    if isinstance(value, LookupTable):
        return "table"
    return "channel" if isinstance(value, np.ndarray) else "scalar"


def _cast(value: Number) -> Any:
    if isinstance(value, LookupTable):
        return _cast(value.values)
    if isinstance(value, np.ndarray):
        kind = _integer(value) if value.dtype.kind in "iub" else _real(value.dtype)
        return np.array(value, kind, order="C", copy=True)
    if isinstance(value, float | np.floating):
        return _real(np.asarray(value).dtype)(value)
    return _integer(np.asarray(value))(value)


def _integer(values: np.ndarray[Any, Any]) -> type[np.int32 | np.int64]:
    """The narrower one where it holds them: compiled code computes in 64 bits all the same, and needs to load less."""
    ends = (int(values.min()), int(values.max())) if values.size else (0, 0)
    return np.int32 if ends[0] >= -(1 << 31) and ends[1] < 1 << 31 else np.int64


def _real(kind: np.dtype[Any]) -> type[np.float32 | np.float64]:
    """In the machine's byte order: Numba takes a big-endian array for one of its own specializations."""
    return np.float32 if kind.itemsize <= np.dtype(np.float32).itemsize else np.float64


class Kernel:
    """A compiled kernel. Numba compiles it at the first call for a combination of types; what it refuses is named."""

    def __init__(self, compiled: Any, functions: str) -> None:
        self.compiled, self.functions = compiled, functions

    def __call__(self, *arguments: Any) -> Any:
        """The kernel's own result. Raises CompileError."""
        try:
            result = self.compiled(*arguments)
        except Exception as problem:
            from numba.core.errors import NumbaError, UnsupportedBytecodeError

            if not isinstance(problem, NumbaError | UnsupportedBytecodeError):
                raise
            raise CompileError(self.functions, " ".join(str(problem).split())[:LONGEST_REASON]) from problem
        note(self.compiled, arguments)
        return result

    def __getattr__(self, name: str) -> Any:
        """Numba's own attributes: stats, signatures, inspect_asm ..."""
        return getattr(self.compiled, name)


@functools.cache
def _build(kernel: Function, bound: tuple[tuple[str, tuple[Function, Kinds]], ...]) -> Function:
    functions = [getattr(function, "__qualname__", str(function)) for _, (function, _) in bound]
    named = f"{kernel.__name__} with {', '.join(functions)}" if functions else kernel.__name__
    return Kernel(load(_text(kernel, dict(bound)), kernel.__name__), named)


def _text(kernel: Function, bound: Mapping[str, tuple[Function, Kinds]]) -> str:
    """As generated for the CPU, under the versions and the processor that the machine code is for."""
    return f"{_machine()}\n{generate(kernel, bound, DIALECT)}"


def load(text: str, stem: str) -> Any:
    """What a generated module calls `kernel`; the module is kept under the hash of its text. Raises CompileError."""
    name = f"{stem}_{hashlib.sha256(text.encode()).hexdigest()[:20]}"
    path = cache_directory() / f"{name}.py"
    if not path.exists():
        write_bytes(path, text.encode("utf-8"))
    spec = importlib.util.spec_from_file_location(f"int8sim_generated.{name}", path)
    if spec is None or spec.loader is None:
        raise CompileError(stem, f"{path} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.kernel


@functools.cache
def _machine() -> str:
    import llvmlite
    import numba

    from int8sim.kernels.target import target

    versions = f"# numba {numba.__version__}, llvmlite {llvmlite.__version__}, numpy {np.__version__}"
    return f"{versions}\n# {' '.join(target())}"
