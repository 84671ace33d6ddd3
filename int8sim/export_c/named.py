"""A function by the name that a person writes, and the numbers that are given with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_type_hints

from int8sim.export_c.converter import Converter
from int8sim.export_c.words import RESERVED, operands
from int8sim.model.errors import LibraryError, ParameterError, UnknownNameError
from int8sim.model.step import function_name
from int8sim.proof.converters import known_functions, number
from int8sim.spec import requantize

SCHEMES: Mapping[str, Callable[..., Any]] = {
    "double": requantize.double,
    "double_up": requantize.double_up,
    "single": requantize.single,
}
"""What `requantize.fixed_point` calls, by its scheme."""


def find_function(text: str) -> Callable[..., Any]:
    """A function by module:name, or by its name with parts of its module before it: nvdla.sdp_out_convert, dp4a.

    Raises UnknownNameError where none, or more than one, has that name.
    """
    known = known_functions()
    *folders, name = re.split(r"[.:]", text)
    found = [each for each in known if each == text] or [
        each for each in known if each.endswith(f":{name}") and {*folders} <= {*each.split(":")[0].split(".")}
    ]
    if len(found) != 1:
        ends = [each for each in known if name in each.partition(":")[2]]
        raise UnknownNameError("function", text, found or ends or known)
    return known[found[0]]


def converter(text: str, given: Mapping[str, str], name: str = "") -> Converter:
    """A function with some of its parameters fixed, as text by name; the others are arguments in C.

    name: of the C function, by default int8sim_ and its own: C has an exp already.
    Raises UnknownNameError, LibraryError, ParameterError.
    """
    function, fixed = find_function(text), dict(given)
    function = _scheme(fixed) if function is requantize.fixed_point else function
    free, hints = operands(function), get_type_hints(function)
    foreign = sorted(set(fixed) - set(free))
    if foreign:
        raise LibraryError(text, f"it has no parameter {', '.join(foreign)}; it takes {', '.join(free)}")
    numbers = {key: number(function_name(function), key, value, hints.get(key)) for key, value in fixed.items()}
    values = {key: numbers.get(key, operand) for key, operand in free.items()}
    return Converter(identifier(name or f"int8sim_{function.__name__}"), function, values, function_name(function))


def _scheme(fixed: dict[str, str]) -> Callable[..., Any]:
    """What fixed_point is for one scheme, which is taken out of the numbers."""
    scheme = fixed.pop("scheme", "")
    if scheme not in SCHEMES:
        raise ParameterError("scheme", scheme, f"one of {', '.join(SCHEMES)}: C has a function for each")
    return SCHEMES[scheme]


def parameters(words: Iterable[str]) -> dict[str, str]:
    """name=value words as a mapping. Raises ParameterError."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name in found:
            raise ParameterError("parameter", word, "name=value, each name once")
        found[name] = value
    return found


def identifier(text: str) -> str:
    """The text, if C and SystemVerilog can name a function so. Raises ParameterError."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) or text in RESERVED.split():
        raise ParameterError("name", text, "letters, digits and _, no keyword of C or SystemVerilog")
    return text
