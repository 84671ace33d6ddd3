"""The call tree of a spec function, and copies of it in which one callee is another function.

A spec function is plain Python that calls smaller ones by global names (`output_double` calls `double`, that calls
`shift_right_32` ...). A copy with other globals is the same arithmetic with that part replaced: it is interpreted as
the original is, and kernels/compile.py flattens it likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from int8sim.spec import float32

Function = Callable[..., Any]
Path = tuple[str, ...]
"""Global names from a function down its call tree: the first is one that the function itself calls."""
Note = Callable[[Path, FunctionType, tuple[Any, ...], Any], None]
"""Called with the path, the callee, its arguments and its result."""


class Site(NamedTuple):
    """Where a callee stands in a call tree: every call by that name, in that caller, on that path."""

    path: Path
    callee: Function

    def __str__(self) -> str:
        return " > ".join(self.path)


def callees(function: Function) -> dict[str, FunctionType]:
    """The functions that one calls by global names; none of a float32 primitive, which is one part."""
    if not isinstance(function, FunctionType) or function.__module__ == float32.__name__:
        return {}
    scope = function.__globals__
    return {name: scope[name] for name in _names(function.__code__) if isinstance(scope.get(name), FunctionType)}


def _names(code: CodeType) -> Iterator[str]:
    """Of a function and what stands inside it: a comprehension is code of its own before Python 3.12."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def sites(function: Function, above: Path = ()) -> Iterator[Site]:
    """Every site of the call tree, the outer ones first."""
    for name, callee in callees(function).items():
        yield Site((*above, name), callee)
        yield from sites(callee, (*above, name))


def replaced(function: Function, path: Path, substitute: Function) -> Function:
    """The function with the substitute at a site of its tree; () is the function itself."""
    if not path:
        return substitute
    name, *rest = path
    return copied(function, {name: replaced(callees(function)[name], tuple(rest), substitute)})


def copied(function: Function, changed: Mapping[str, Function]) -> Function:
    """The function with other globals, of another module by name, so that a kernel may hold both."""
    assert isinstance(function, FunctionType)
    scope = {**function.__globals__, **changed}
    made = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    made.__module__ = f"{function.__module__}.wrong"
    return made


def fixed(function: Function, *last: Any) -> Function:
    """The function with its last parameters fixed, as defaults: still one at module level, which kernels can hold."""
    assert isinstance(function, FunctionType)
    own = function.__defaults__ or ()
    defaults = (*own[: max(len(own) - len(last), 0)], *last)
    return FunctionType(function.__code__, function.__globals__, function.__name__, defaults)


def traced(function: Function, note: Note, above: Path = ()) -> Function:
    """The function with every call of its tree noted, the inner ones first."""

    def watched(name: str, callee: FunctionType) -> Function:
        inner = traced(callee, note, (*above, name))

        def call(*arguments: Any, **named: Any) -> Any:
            result = inner(*arguments, **named)
            note((*above, name), callee, (*arguments, *named.values()), result)
            return result

        return call

    found = callees(function)
    return copied(function, {name: watched(name, callee) for name, callee in found.items()}) if found else function
