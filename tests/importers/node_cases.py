"""ONNX's own node cases, made once a process: on import, some by slow loops, so only the modules that are asked for."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Collection
from importlib import import_module
from typing import Any

from onnx.backend.test.case import node


def node_cases(operators: Collection[str]) -> list[Any]:
    """All cases made so far, those of the operators' own modules among them, that have a model."""
    wanted = {operator.lower() for operator in operators}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases hold infinities and all
        for module in pkgutil.iter_modules(node.__path__):
            if module.name.replace("_", "") in wanted:
                import_module(f"{node.__name__}.{module.name}")
    return [case for case in node._NodeTestCases if case.model is not None]
