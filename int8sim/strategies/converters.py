"""A profile's own converters: random scales turned into a Step by the profile itself, and accumulators for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple, get_type_hints

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from int8sim.model.errors import BiasError, RatioError
from int8sim.model.step import Arithmetic, Step
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.ops.registry import ops
from int8sim.profiles import registry
from int8sim.profiles.base import Floats, Profile, Scheme
from int8sim.spec.integers import Word
from int8sim.strategies.checks import require, require_one_of, require_size
from int8sim.strategies.scales import scales, zero_points

SCALES = scales(2.0**-14, 2.0**5)
"""Of a layer's tensors: their ratios reach what every target can represent, and beyond what some can."""
SMALL = 1 << 15
"""Accumulators of about this magnitude are not saturated at most ratios of scales."""


class Converter(NamedTuple):
    """An output step, whose it is, and accumulators for it, many of them at its ties."""

    profile: str
    kind: str
    step: Step
    accumulators: tuple[int, ...]


def profiles() -> st.SearchStrategy[Profile]:
    """Every registered profile, other packages' too. Shrinks toward the first."""
    return st.sampled_from(list(registry.profiles().values()))


def find(profile: str | Profile) -> Profile:
    """A profile by name, or itself. Raises InvalidArgument."""
    if isinstance(profile, Profile):
        return profile
    require_one_of("profile", profile, registry.profiles())
    return registry.profile(profile)


def presets(profile: Profile, preset: str | None) -> st.SearchStrategy[str]:
    """The one named, or any that the profile has. Raises InvalidArgument."""
    if preset is None:
        return st.sampled_from(list(profile.activations))
    require_one_of("preset", preset, profile.activations)
    return st.just(preset)


def asymmetric(profile: Profile, preset: str) -> bool:
    """Whether the preset's zero points follow the range."""
    rule = profile.activations[preset]
    return rule(Row(1.0, 0.0, 127.0), False).zero_point != rule(Row(1.0, -127.0, 0.0), False).zero_point


def output_schemes(profile: Profile, dtype: str) -> Mapping[str, Scheme]:
    """Kind -> scheme, of the kinds that turn an accumulator into a code of this type."""
    found = {kind: profile.scheme(kind.split()[0], dtype) for kind in profile.schemes}
    return {kind.split()[0]: each for kind, each in found.items() if each and each.rescales}


@st.composite
def activations(draw: st.DrawFn, profile: Profile, preset: str) -> QuantParams:
    """QuantParams as the preset gives them to activations, with drawn scale and, where it has them, zero points."""
    base = profile.activations[preset](Row(1.0, -127.0, 127.0), False)
    drawn = draw(SCALES)
    zeros = (
        zero_points(dtype=base.dtype, narrow=base.narrow) if asymmetric(profile, preset) else st.just(base.zero_point)
    )
    return replace(base, scale=drawn, zero_point=draw(zeros))


@st.composite
def _arithmetic(draw: st.DrawFn, profile: Profile, kind: str, preset: str) -> Arithmetic:
    x, y = draw(activations(profile, preset)), draw(activations(profile, preset))
    rule, scheme = profile.weights, output_schemes(profile, x.dtype).get(kind)
    w = QuantParams(draw(SCALES), dtype=rule.dtype, narrow=rule.narrow)
    group = draw(st.sampled_from(groups(kind)))
    bias = draw(_biases(profile, group, x.tensor_scale * w.tensor_scale))
    low = draw(st.sampled_from([y.low, min(max(y.tensor_zero_point, y.low), y.high)]))  # plain, or behind a ReLU
    if scheme is None:
        reject()  # no form of it for this preset's type
    try:
        return scheme.steps(x=x, w=w, y=y, channels=group, bias=bias, low=low, high=y.high, group=group, depth=1)
    except (RatioError, BiasError):
        reject()  # scales that the target refuses


def groups(kind: str) -> list[int]:
    """One output channel; and some of a depthwise layer, fewer and more than a vector's, for kinds with groups."""
    having = [op for op in ops().values() if op.kind == kind and "group" in op.__dataclass_fields__]
    return [1, 2, 32] if having else [1]


def _biases(profile: Profile, channels: int, unit: float) -> st.SearchStrategy[Floats | None]:
    """None, or where the scheme takes the real bias itself, one of some thousands of units of the accumulator."""
    if profile.bias is not None:
        return st.none()
    real = st.integers(-SMALL, SMALL).map(lambda code: np.full(channels, code * unit, np.float32))
    return st.one_of(st.none(), real)


def _known_kinds(profile: Profile) -> Mapping[str, list[str]]:
    """Kind -> the presets for which the profile has a converter of that kind."""
    found: dict[str, list[str]] = {}
    for preset in profile.activations:
        for kind in output_schemes(profile, profile.activations[preset](Row(1.0), False).dtype):
            found.setdefault(kind, []).append(preset)
    return found


def _kinds(profile: Profile, kind: str | None, preset: str | None) -> st.SearchStrategy[tuple[str, str]]:
    """(preset, kind) that the profile has a converter for."""
    known = _known_kinds(profile)
    if preset is not None:
        require_one_of("preset", preset, profile.activations)
    if kind is not None:
        require_one_of("kind", kind, known)
    wanted = known if kind is None else [kind]
    left = [(each, name) for name in wanted for each in known[name] if preset in (None, each)]
    require(left, "preset", preset, f"{kind} is only valid with {known.get(str(kind))}")
    return st.sampled_from(left)


def output_steps(
    profile: str | Profile, *, kind: str | None = "convolution", preset: str | None = None
) -> st.SearchStrategy[Step]:
    """The `output` step of a layer: from an accumulator to a code, by the profile's own derivation.

    The layer has one channel, or equal ones, depthwise, where its kind has groups.
    Input, weight and output scales are drawn next to powers of two or anywhere over twenty binades, zero points as the
    preset has them, the lower bound plain or a ReLU's. kind: one whose scheme has an `output` (convolution,
    fully_connected, matmul ...), None for any. preset: one of the profile's, None for any. InvalidArgument for an
    unknown profile, kind or preset. Shrinks toward scales of 1 and zero points of 0.
    """
    return _converted(find(profile), kind, preset).map(lambda drawn: drawn[1]["output"])


def _converted(profile: Profile, kind: str | None, preset: str | None) -> st.SearchStrategy[tuple[str, Arithmetic]]:
    return _kinds(profile, kind, preset).flatmap(
        lambda pair: st.tuples(st.just(pair[1]), _arithmetic(profile, pair[1], pair[0]))
    )


def accumulators(*, bits: int | None = None, step: Step | None = None) -> st.SearchStrategy[int]:
    """Accumulators: every value, and small ones, where outputs are not saturated.

    step: an output step; then most accumulators are at its ties: a code is drawn, the accumulator at which the output
    becomes that code is found by bisection, and what is drawn lies within two of it. bits: 2 .. 62, else
    InvalidArgument; None: as wide as the step's function takes them, 32 if nothing says so. Shrinks toward 0.
    """
    bits = accumulator_bits(step) if bits is None else bits
    require_size("bits", bits, 2, 62)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    anywhere = st.one_of(st.integers(max(low, -SMALL), min(high, SMALL)), st.integers(low, high))
    if step is None:
        return anywhere
    first, last = _reach(step, bits)
    ends = step(first), step(last)
    if ends[0] == ends[1]:
        return anywhere
    codes = st.integers(min(ends) + 1, max(ends))

    def beside(*steps: int) -> st.SearchStrategy[int]:
        drawn = st.tuples(codes, st.sampled_from(steps))
        return drawn.map(lambda pair: min(max(_breakpoint(step, pair[0], first, last) + pair[1], low), high))

    return st.one_of(anywhere, beside(0), beside(-1, -2), beside(1, 2))


def _reach(step: Step, bits: int) -> tuple[int, int]:
    """The widest symmetric range of accumulators over which the output goes furthest: beyond it, it may wrap."""
    spans = [(-(1 << place), (1 << place) - 1) for place in range(1, bits)]
    return max(spans, key=lambda span: (abs(step(span[1]) - step(span[0])), span[1]))


def _breakpoint(step: Step, code: int, first: int, last: int) -> int:
    """The accumulator of first .. last at which a monotone step reaches the code; some change of it, if it is not."""
    rising = step(last) > step(first)
    while first < last:
        middle = (first + last) // 2
        if (step(middle) >= code) == rising:
            last = middle
        else:
            first = middle + 1
    return first


@st.composite
def _converters(draw: st.DrawFn, profile: Profile, kind: str | None, preset: str | None) -> Converter:
    found, arithmetic = draw(_converted(profile, kind, preset))
    step = arithmetic["output"]
    acc = draw(st.lists(accumulators(step=step), min_size=1, max_size=20))
    return Converter(profile.name, found, step, tuple(acc))


def accumulator_bits(step: Step | None) -> int:
    """The width of a function's first operand, by its annotation (spec/integers.py); 32 if it has none."""
    hints = get_type_hints(step.function, include_extras=True) if step else {}
    words = [word for hint in list(hints.values())[:1] for word in getattr(hint, "__metadata__", ())]
    return next((word.bits for word in words if isinstance(word, Word)), 32)


def converters(
    profile: str | Profile | None = None, *, kind: str | None = None, preset: str | None = None
) -> st.SearchStrategy[Converter]:
    """Converter: an output step of any profile and kind, or of those named, and 1 to 20 accumulators for it.

    Steps are drawn as `output_steps`, accumulators as `accumulators(step=...)`, three in four at ties. InvalidArgument
    for an unknown profile, kind or preset. Shrinks as both do.
    """
    if profile is None:
        require(preset is None, "preset", preset, "a preset needs a profile")
        every = [name for each in registry.profiles().values() for name in _known_kinds(each)]
        require_one_of("kind", kind, [None, *dict.fromkeys(every)])
        having = [each for each in registry.profiles().values() if kind is None or kind in _known_kinds(each)]
        return st.sampled_from(having).flatmap(lambda chosen: _converters(chosen, kind, None))
    _kinds(find(profile), kind, preset)
    return _converters(find(profile), kind, preset)
