"""A spec function over columns of arguments, compiled: what the interpreted function is compared with."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np

from int8sim.kernels.compile import build


def evaluate(function: Callable[..., Any], columns: Sequence[Any], folder: Path, dtype: Any = np.int64) -> Any:
    """function(*row) for every row of the columns: [rows], or [rows, n] where it returns a tuple of n numbers."""
    width = width_of(function)
    out = np.empty((len(columns[0]), width) if width else len(columns[0]), dtype)
    build(loop(function, folder))(*columns, out)
    return out


def width_of(function: Callable[..., Any]) -> int:
    """How many numbers a function's tuple has; 0 if it returns a number."""
    returned = get_type_hints(function)["return"]
    return len(get_args(returned)) if get_origin(returned) is tuple else 0


def loop(function: Callable[..., Any], folder: Path) -> Callable[..., None]:
    """A kernel with one loop around the function, in a file of its own."""
    name = f"loop_{function.__module__}_{function.__name__}".replace(".", "_")
    path = folder / f"{name}.py"
    path.write_text(text(function))
    found = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    found.loader.exec_module(module)
    return module.each


def text(function: Callable[..., Any]) -> str:
    """Its source."""
    names = list(inspect.signature(function).parameters)
    places = [f"        out[i, {place}] = found[{place}]" for place in range(width_of(function))]
    lines = [
        f"import {function.__module__} as owner",
        f"def each({', '.join(f'a_{each}' for each in names)}, out):",
        "    for i in range(out.shape[0]):",
        f"        found = owner.{function.__name__}({', '.join(f'a_{each}[i]' for each in names)})",
        *(places or ["        out[i] = found"]),
    ]
    return "\n".join(lines) + "\n"
