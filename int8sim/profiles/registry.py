"""Profiles by name: int8sim's own and those of other packages, through the entry point group `int8sim.profiles`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from int8sim.model.errors import UnknownNameError
from int8sim.model.step import function_name
from int8sim.profiles.base import Profile

GROUP = "int8sim.profiles"
BUILT_IN = {
    "tensorrt": "int8sim.profiles.tensorrt:TENSORRT",
    "nvdla": "int8sim.profiles.nvdla:NVDLA",
    "nvdla_per_filter": "int8sim.profiles.nvdla:NVDLA_PER_FILTER",
    "onnxruntime": "int8sim.profiles.onnxruntime:ONNXRUNTIME",
    "onnxruntime_avx2": "int8sim.profiles.onnxruntime:ONNXRUNTIME_AVX2",
    "tflite_reference": "int8sim.profiles.tflite:TFLITE_REFERENCE",
    "tflite_optimized": "int8sim.profiles.tflite_optimized:TFLITE_OPTIMIZED",
    "xnnpack": "int8sim.profiles.xnnpack:XNNPACK",
    "tflm": "int8sim.profiles.tflm:TFLM",
    "cmsis_nn": "int8sim.profiles.cmsis_nn:CMSIS_NN",
    "tosa": "int8sim.profiles.tosa:TOSA",
}


@functools.cache
def profiles() -> Mapping[str, Profile]:
    """Every profile, by name. int8sim's own need no installed metadata."""
    found = {name: _load(target) for name, target in BUILT_IN.items()}
    for entry in entry_points(group=GROUP):
        if entry.name not in found:
            found[entry.name] = entry.load()
    return found


def profile(which: str | Profile) -> Profile:
    """A profile by name, or the profile itself. Raises UnknownNameError."""
    if isinstance(which, Profile):
        return which
    known = profiles()
    if which not in known:
        raise UnknownNameError("profile", which, known)
    return known[which]


@functools.cache
def functions() -> Mapping[str, Callable[..., Any]]:
    """Every spec function that some profile computes with, by its stored name: what a golden file may refer to."""
    return {
        function_name(function): function
        for entry in profiles().values()
        for scheme in entry.schemes.values()
        for each in scheme.every()
        for function in each.functions.values()
    }


def _load(target: str) -> Profile:
    module, attribute = target.split(":")
    found: Profile = getattr(import_module(module), attribute)
    return found
