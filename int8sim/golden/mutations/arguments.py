"""Wrong parameters of a step: off by one, missing, of the wrong sign, of the neighbouring channel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from int8sim.model.step import LookupTable

Parameters = Mapping[str, Any]
OFFSETS = ("zero_point", "offset", "bias", "fixed")
FACTORS = ("multiplier", "scale", "operand", "ratio", "reciprocal_width", "reciprocal_height")
SHIFTS = ("shift", "truncate")
HALF_WORD = 16
UNBOUNDED = 1 << 24
"""Beyond every code, and exactly float32."""


class Change(NamedTuple):
    """key, words: as in the catalogue. apply: the parameters by name, as they are wrongly."""

    key: str
    words: str
    apply: Callable[[Parameters], Parameters]


def changes(parameters: Parameters, bounds: tuple[int, int]) -> Iterator[Change]:
    """What may be wrong with these parameters. bounds: the lowest and highest code of the output's type."""
    for name, value in parameters.items():
        if not isinstance(value, LookupTable):
            for key, words, new in _of_one(name, value, bounds):
                yield _set(f"{name}_{key}", words, name, new)
    if {"low", "high"} <= set(parameters):
        yield from _saturations(bounds)
    yield from _exchanges(parameters)
    yield from _channels(parameters)


def _set(key: str, words: str, name: str, new: Callable[[Any], Any]) -> Change:
    return Change(key, words, lambda given: {**given, name: new(given[name])})


Words = tuple[str, str, Callable[[Any], Any]]


def _of_one(name: str, value: Any, bounds: tuple[int, int]) -> Iterator[Words]:
    said = name.replace("_", " ")
    if name.endswith(OFFSETS):
        yield "missing", f"{said} missing", lambda each: each * 0
        yield "negated", f"{said} with the wrong sign", lambda each: -each
    elif name.endswith(FACTORS):
        yield from _of_a_factor(said, value)
    elif name.endswith(SHIFTS):
        yield "more", f"{said} one too great", lambda each: each + 1
        if np.min(value) >= 1:
            yield "less", f"{said} one too small", lambda each: each - 1
    elif name.endswith("signed"):
        wrong, right = ("zero", "sign") if np.max(value) else ("sign", "zero")
        what = said.removesuffix("signed").strip() or "operand"
        yield "flipped", f"{what}: {wrong} extension instead of {right} extension", lambda each: 1 - each
    elif name in ("low", "high"):
        yield from _of_a_bound(name, bounds)


def _of_a_factor(said: str, value: Any) -> Iterator[Words]:
    yield "more", f"{said} one unit of its last place too great", lambda each: _beside(each, 1)
    yield "less", f"{said} one unit of its last place too small", lambda each: _beside(each, -1)
    if _is_integer(value) and np.max(value) >= 1 << HALF_WORD:
        yield "cut", f"{said} without its low 16 bits", lambda each: each >> HALF_WORD << HALF_WORD


def _of_a_bound(name: str, bounds: tuple[int, int]) -> Iterator[Words]:
    if name == "low":
        yield "raised", "lower bound one too high", lambda each: each + 1
        yield "absent", f"lower bound left out ({bounds[0]} instead: no ReLU)", lambda each: each * 0 + bounds[0]
    else:
        yield "lowered", "upper bound one too low", lambda each: each - 1
        yield "absent", f"upper bound left out ({bounds[1]} instead)", lambda each: each * 0 + bounds[1]


def _saturations(bounds: tuple[int, int]) -> Iterator[Change]:
    """Both bounds at once, and none; what the output's wires hold of a code beyond them is its low bits."""
    bits = (bounds[1] - bounds[0]).bit_length()
    other = (bounds[0] + (1 << (bits - 1)), bounds[1] + (1 << (bits - 1))) if bounds[0] else _signed(bits)
    kind = "unsigned" if bounds[0] else "signed"
    wide = f"saturation at {bits + 1} bits instead of {bits}"
    narrow = f"saturation at {bits - 1} bits instead of {bits}"
    for key, words, low, high in (
        ("unsaturated", "no saturation: the low bits are kept", -UNBOUNDED, UNBOUNDED),
        ("unsaturated_below", "no saturation below: the low bits are kept", -UNBOUNDED, None),
        ("unsaturated_above", "no saturation above: the low bits are kept", None, UNBOUNDED),
        ("saturated_wider", wide, 2 * bounds[0], 2 * bounds[1] + 1),
        ("saturated_narrower", narrow, bounds[0] // 2, bounds[1] // 2),
        ("saturated_otherwise", f"saturation to {kind} {bits} bits, {other[0]} .. {other[1]}", *other),
    ):
        yield Change(key, words, _bounded(low, high))


def _signed(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _bounded(low: int | None, high: int | None) -> Callable[[Parameters], Parameters]:
    new = {name: value for name, value in (("low", low), ("high", high)) if value is not None}
    return lambda given: {**given, **new}


def _is_integer(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "iub"


def _beside(value: Any, step: int) -> Any:
    """The next value of the type."""
    if _is_integer(value):
        return value + step
    kind = np.asarray(value).dtype.type
    return np.nextafter(value, kind(np.inf if step > 0 else -np.inf))


def _exchanges(parameters: Parameters) -> Iterator[Change]:
    """One change: every parameter of a with that of b."""
    pairs = {f"a{name[1:]}": name for name in parameters if name.startswith("b_") and f"a{name[1:]}" in parameters}
    swap = {**pairs, **{b: a for a, b in pairs.items()}}
    if pairs:
        yield Change(
            "exchanged",
            "the parameters of a and b exchanged",
            lambda given: {name: given[swap.get(name, name)] for name in given},
        )


def _channels(parameters: Parameters) -> Iterator[Change]:
    arrays = [name for name, value in parameters.items() if isinstance(value, np.ndarray) and len(value) > 1]
    for key, words, moved in MOVED:
        for names in dict.fromkeys([tuple(arrays), *((name,) for name in arrays)]):
            if names:
                said = " and ".join(name.replace("_", " ") for name in names)
                yield Change(f"{'_'.join(names)}_{key}", f"{said} {words}", _moving(names, moved))


def _moving(names: tuple[str, ...], moved: Callable[[Any], Any]) -> Callable[[Parameters], Parameters]:
    return lambda given: {**given, **{name: moved(given[name]) for name in names}}


MOVED: tuple[Words, ...] = (
    ("of_previous", "of the channel before", lambda array: np.roll(array, 1)),
    ("of_next", "of the channel after", lambda array: np.roll(array, -1)),
    ("of_first", "of channel 0 for every channel", lambda array: np.full_like(array, array[0])),
)
