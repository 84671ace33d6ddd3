"""The library's declarations as a C header and as a SystemVerilog package."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from int8sim.export_c.converter import Prototype


class About(NamedTuple):
    """What both files say of the library. name: of its files; lines: what it is, its hash, who made it."""

    name: str
    lines: tuple[str, ...]


def plain(text: str) -> str:
    """A name out of a network's file as a comment may hold it: it ends neither the comment nor the line."""
    return re.sub(r"[^ -~]|\\", "?", text).replace("*/", "* /")


def c_header(about: About, prototypes: Sequence[Prototype], more: Sequence[str] = ()) -> str:
    """The header. more: declarations beside those of the prototypes."""
    guard = f"{about.name.upper()}_H"
    lines = ["/*", *(f" * {plain(line)}" for line in about.lines), " */"]
    lines += [f"#ifndef {guard}", f"#define {guard}", "", "#include <stddef.h>", "#include <stdint.h>", ""]
    lines += ["#ifdef __cplusplus", 'extern "C" {', "#endif", "", *more]
    for each in prototypes:
        lines += [*_comment(each), _declared(each), ""]
    return "\n".join([*lines, "#ifdef __cplusplus", "}", "#endif", "", "#endif", ""])


def _comment(each: Prototype) -> Iterator[str]:
    yield "/*"
    yield from (f" * {plain(line)}" for line in each.title)
    yield from (f" * {operand.spelled}: {operand.values}" for operand in each.operands)
    yield " */"


def _declared(each: Prototype) -> str:
    arguments = ", ".join(f"{operand.kind.c} {operand.spelled}" for operand in each.operands)
    return f"{each.result.c} {each.name}({arguments or 'void'});"


def systemverilog_package(about: About, prototypes: Sequence[Prototype], more: Sequence[str] = ()) -> str:
    """The package NAME_pkg. more: lines beside the prototypes' imports."""
    lines = [*(f"// {plain(line)}" for line in about.lines), f"package {about.name}_pkg;", *more]
    for each in prototypes:
        lines += ["", *(f"  // {plain(line)}" for line in each.title)]
        lines += [f"  // {operand.spelled}: {operand.values}" for operand in each.operands]
        lines.append(f"  {_imported(each)}")
    return "\n".join([*lines, "", "endpackage", ""])


def _imported(each: Prototype) -> str:
    arguments = ", ".join(f"input {operand.kind.systemverilog} {operand.spelled}" for operand in each.operands)
    return f'import "DPI-C" function {each.result.systemverilog} {each.name}({arguments});'
