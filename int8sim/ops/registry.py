"""Every file of this folder that defines an op, by the op's name: a new file is registered the moment it exists."""

from __future__ import annotations

import functools
import inspect
import pkgutil
from collections.abc import Mapping
from importlib import import_module

import int8sim.ops
from int8sim.model.errors import UnknownNameError
from int8sim.ops.base import Op


@functools.cache
def ops() -> Mapping[str, type[Op]]:
    """Op name -> class."""
    found = {}
    for info in pkgutil.iter_modules(int8sim.ops.__path__):
        module = import_module(f"int8sim.ops.{info.name}")
        for value in vars(module).values():
            here = inspect.isclass(value) and issubclass(value, Op) and value.__module__ == module.__name__
            if here and value is not Op and not inspect.isabstract(value):
                found[value.name] = value
    return found


def op(name: str) -> type[Op]:
    """An op's class by name. Raises UnknownNameError."""
    known = ops()
    if name not in known:
        raise UnknownNameError("op", name, known)
    return known[name]
