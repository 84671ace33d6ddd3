"""A converter by name: a profile's output step at real scales, a function and its numbers, or PTX's cvt."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any, get_type_hints

import numpy as np

from int8sim import spec
from int8sim.model.errors import ConverterError, ParameterError, UnknownNameError
from int8sim.model.step import Number, Step, function_name
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import functions
from int8sim.profiles.registry import profile as find_profile
from int8sim.proof.case import DTYPES
from int8sim.proof.definitions import DEFINITIONS
from int8sim.spec import cvt
from int8sim.spec.float32 import float32

TYPES = {"s8": 1, "u8": 0}
ROUNDINGS = {"rni": cvt.RNI, "rzi": cvt.RZI, "rmi": cvt.RMI, "rpi": cvt.RPI}
FLOAT64 = {("int8sim.spec.requantize:output_real", "multiplier")}
"""Real parameters that are float64; all others are float32."""


PLAIN = {"channels": 1, "group": 1, "depth": 2}
DEPTHWISE = {"channels": 9, "group": 9, "depth": 1}
"""Output channels, groups, and input channels of one group. Nine are more than a vector holds."""


def output_kinds(profile: Profile, dtype: str = "int8") -> list[str]:
    """The kinds of layers of a profile that end in an `output` step, a depthwise convolution told apart."""
    found = [kind.partition(" ")[0] for kind in profile.schemes]
    named = [kind for kind in dict.fromkeys(found) if (scheme := profile.scheme(kind, dtype)) and scheme.rescales]
    return named + ["depthwise"] * ("convolution" in named)


def output_step(
    profile: str | Profile,
    *,
    x_scale: float,
    w_scale: float,
    y_scale: float,
    zero_point: int = 0,
    kind: str = "convolution",
    dtype: str = "int8",
    bias: float | None = None,
    low: int | None = None,
    high: int | None = None,
) -> Step:
    """The output step of a layer, as lowering derives it, of one weight scale. Scales are rounded to float32.

    kind: one of `output_kinds`. zero_point, dtype: of y. bias: real, where the scheme takes it. low, high: codes that
    a fused activation leaves.
    Raises UnknownNameError, BadScaleError, ParameterError, RatioError, BiasError.
    """
    target = find_profile(profile)
    if dtype not in DTYPES:
        raise UnknownNameError("dtype", dtype, DTYPES)
    if kind not in output_kinds(target, dtype):
        raise UnknownNameError(f"kind of {target.name}, {dtype}", kind, output_kinds(target, dtype))
    base, layer = ("convolution", DEPTHWISE) if kind == "depthwise" else (kind, PLAIN)
    weights = (float32(w_scale),) * (layer["channels"] if base in target.weights.per_channel else 1)
    x, w = QuantParams(float32(x_scale), dtype=dtype), QuantParams(weights, axis=0)
    y = QuantParams(float32(y_scale), zero_point, dtype=dtype)
    for name, quant in (("x", x), ("w", w), ("y", y)):
        quant.check(name)
    ends = y.low if low is None else low, y.high if high is None else high
    _check_codes(y, ends)
    scheme = target.scheme(base, dtype)
    assert scheme is not None
    real = _bias(target, bias, layer["channels"])
    step = scheme.steps(x=x, w=w, y=y, bias=real, low=ends[0], high=ends[1], **layer)["output"]
    if zero_point and "zero_point" not in step.parameters:
        raise ParameterError("zero_point", zero_point, f"0: codes of {target.name} are symmetric")
    return step


def _check_codes(y: QuantParams, ends: tuple[int, int]) -> None:
    if not y.low <= y.tensor_zero_point <= y.high:
        raise ParameterError("zero_point", y.tensor_zero_point, f"{y.low} .. {y.high}")
    if not y.low <= ends[0] <= ends[1] <= y.high:
        raise ParameterError("low, high", ends, f"low at most high, within {y.low} .. {y.high}")


def _bias(target: Profile, bias: float | None, channels: int) -> Any:
    if bias is None:
        return None
    if target.bias is not None:
        raise ParameterError("bias", bias, f"none: {target.name} adds the bias to the accumulator, before its output")
    if not abs(bias) <= np.finfo(np.float32).max:
        raise ParameterError("bias", bias, "a finite float32")
    return np.full(channels, bias, np.float32)


def known_functions() -> dict[str, Callable[..., Any]]:
    """By module:name, the public functions of int8sim.spec and every function that some profile computes with."""
    return {**{function_name(function): function for function in _public()}, **functions()}


def _public() -> Iterator[Callable[..., Any]]:
    for info in pkgutil.walk_packages(spec.__path__, f"{spec.__name__}."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == info.name and not name.startswith("_"):
                yield value


def function_step(name: str, given: Mapping[str, str]) -> Step:
    """A function by module:name, and its numbers as text, by argument name; defaults fill in what is not given.

    An int is written in decimal or as 0x..; a real is rounded to float32 unless the function takes float64.
    Raises UnknownNameError, ConverterError, ParameterError.
    """
    known = known_functions()
    if name not in known:
        listed = (each for each in known if each in DEFINITIONS or not each.startswith(f"{spec.__name__}."))
        raise UnknownNameError("converter", name, listed)
    function = known[name]
    _, *expected = inspect.signature(function).parameters.values()
    lacking = [each.name for each in expected if each.name not in given and each.default is each.empty]
    foreign = set(given) - {each.name for each in expected}
    if lacking or foreign:
        names = ", ".join(each.name for each in expected) or "nothing"
        problem = f"missing: {', '.join(lacking) or 'none'}; unknown: {', '.join(sorted(foreign)) or 'none'}"
        raise ConverterError(name, f"it takes {names}, as name=value; {problem}")
    hints = get_type_hints(function)
    values = {each.name: given.get(each.name, str(each.default)) for each in expected}
    return Step(function, {each: number(name, each, text, hints.get(each)) for each, text in values.items()})


def number(function: str, name: str, text: str, hint: Any) -> Number:
    """A parameter of a function, module:name, from text; hint: its annotation. Raises ParameterError."""
    try:
        if hint is not float and text in {"True", "False"}:
            return int(text == "True")
        if hint is not float:
            return int(text, 0)
        return np.float64(text) if (function, name) in FLOAT64 else np.float32(float32(float(text)))
    except ValueError:
        raise ParameterError(name, text, "a real number" if hint is float else "an integer") from None


def conversion_step(to: str = "s8", rounding: str = "rni", *, flush: bool = False) -> Step:
    """cvt.{rounding}[.ftz].{to}.f32 of PTX. Raises UnknownNameError."""
    if to not in TYPES:
        raise UnknownNameError("type of cvt", to, TYPES)
    if rounding not in ROUNDINGS:
        raise UnknownNameError("rounding of cvt", rounding, ROUNDINGS)
    modes = {"rounding": int(ROUNDINGS[rounding]), "signed": TYPES[to], "flush": int(flush)}
    return Step(cvt.float32_to_int8, modes)
