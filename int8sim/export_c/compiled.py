"""A spec function or a loop around some as LLVM's IR, for a processor that is not this one.

The module of plain text that kernels are compiled from is compiled here without its cache and without anything that
Python would call. What Numba does not document, and only this file touches: where its compiled signatures are, and the
name of their symbol.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numba

from int8sim.export_c.primitives import PORTABLE
from int8sim.kernels.compile import LONGEST_REASON
from int8sim.kernels.flatten import Kinds, generate
from int8sim.model.errors import CompileError, NumbaVersionError

KNOWN = "0.61 .. 0.68"
"""Versions of Numba whose overloads are where `compiled` looks for them."""


class Compiled(NamedTuple):
    """ir: the text of a module. symbol: of the function in it. result: its Numba type.

    Numba's convention: int32 symbol(result *, void **, arguments ...), where a status other than 0 is an error.
    """

    ir: str
    symbol: str
    result: Any


Bound = tuple[tuple[str, tuple[Callable[..., Any], Kinds]], ...]
"""Roles and what each is bound to, as compile.bind gives it."""


def source(function: Callable[..., Any], bound: Bound = ()) -> str:
    """The text that is compiled: the function and all that it reaches. Raises CompileError."""
    text = generate(function, dict(bound), PORTABLE)
    return "\n".join(line for line in text.splitlines() if not line.startswith("#"))


@functools.cache
def compiled(function: Callable[..., Any], signature: tuple[Any, ...], bound: Bound = ()) -> Compiled:
    """The function for one signature of Numba types, its roles bound as kernels' are.

    Raises CompileError, NumbaVersionError.
    """
    namespace: dict[str, Any] = {}
    text = compile(source(function, bound), f"<{function.__name__} for C>", "exec")
    exec(text, namespace)  # noqa: S102 (text of our own making)
    dispatcher = namespace["kernel"]
    _compile(dispatcher, signature, function.__name__)
    try:
        description = dispatcher.overloads[signature].fndesc
        return Compiled(dispatcher.inspect_llvm(signature), description.llvm_func_name, description.restype)
    except (AttributeError, KeyError) as problem:
        raise NumbaVersionError(numba.__version__, KNOWN, repr(problem)) from problem


def _compile(dispatcher: Any, signature: tuple[Any, ...], name: str) -> None:
    from numba.core.errors import NumbaError, UnsupportedBytecodeError

    try:
        dispatcher.compile(signature)
    except (NumbaError, UnsupportedBytecodeError) as problem:
        raise CompileError(name, " ".join(str(problem).split())[:LONGEST_REASON]) from problem
