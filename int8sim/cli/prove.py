"""`int8sim prove`: converters through their compiled kernels, every operand, against their exact definitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from int8sim.cli.screen import Screen
from int8sim.model.errors import ParameterError, UnknownNameError
from int8sim.model.step import Step
from int8sim.profiles.registry import profiles
from int8sim.proof.converters import ROUNDINGS, TYPES, conversion_step, function_step, output_kinds, output_step
from int8sim.proof.prove import prove_step
from int8sim.proof.report import Proof
from int8sim.proof.search import Interval

DOMAIN = 1 << 32


@dataclass(frozen=True)
class Layer:
    """The layer whose output step is proved. kind: "" for convolution, or every one of `all`."""

    x_scale: float
    w_scale: float
    y_scale: float
    zero_point: int
    kind: str
    dtype: str
    bias: float | None
    low: int | None
    high: int | None

    def step(self, profile: str, kind: str, zero_point: int) -> Step:
        """The step of one profile's layer."""
        return output_step(profile, **{**asdict(self), "kind": kind, "zero_point": zero_point})


@dataclass(frozen=True)
class Conversion:
    """PTX's cvt. to: s8 or u8; rounding: rni, rzi, rmi or rpi; flush: .ftz."""

    to: str
    rounding: str
    flush: bool

    @property
    def name(self) -> str:
        """As PTX spells it."""
        return f"cvt.{self.rounding}{'.ftz' if self.flush else ''}.{self.to}.f32"


Named = tuple[str, Step, str, int]
"""A title, a converter, the dtype of its codes ("" for the one that holds them), and the channel."""


def prove(words: Sequence[str], layer: Layer, conversion: Conversion, only: str, as_json: bool) -> int:
    """The exit status: 0 if every converter matched, 1 if one did not."""
    screen, part = Screen(as_json), _interval(only)
    proofs = []
    for title, step, dtype, channel in list(_chosen(words, layer, conversion)):
        with screen.progress(title, part[1] - part[0] + 1 if part else DOMAIN) as progress:
            proofs.append(prove_step(step, dtype=dtype, channel=channel, only=part, progress=progress))
        _show(screen, title, proofs[-1])
    matched = all(proof.matched for proof in proofs)
    screen.result({"proved": all(proofs), "matched": matched, "converters": [proof.as_dict() for proof in proofs]})
    return 0 if matched else 1


def _chosen(words: Sequence[str], layer: Layer, conversion: Conversion) -> Iterator[Named]:
    """Every converter that the words name; name=value belongs to the function before it."""
    calls: list[tuple[str, dict[str, str]]] = []
    for word in words:
        name, is_parameter, value = word.partition("=")
        if not is_parameter:
            calls.append((word, {}))
        elif not calls or ":" not in calls[-1][0]:
            raise ParameterError("parameter", word, "name=value behind a function, module:name")
        else:
            calls[-1][1][name] = value
    for name, given in calls:
        yield from _named(name, given, layer, conversion)


def _named(name: str, given: dict[str, str], layer: Layer, conversion: Conversion) -> Iterator[Named]:
    if ":" in name:
        yield name.partition(":")[2], function_step(name, given), "", 0
    elif name == "cvt":
        yield conversion.name, conversion_step(**asdict(conversion)), "", 0
    elif name == "all":
        yield from _all(layer)
    elif name in profiles():
        kind = layer.kind or "convolution"
        yield from _channels(f"{name} {kind}", layer.step(name, kind, layer.zero_point), layer.dtype)
    else:
        raise UnknownNameError("converter", name, [*profiles(), "cvt", "all", "module:function"])


def _all(layer: Layer) -> Iterator[Named]:
    """Every profile's converters, each once, and every cvt. A zero point goes to those that take one."""
    seen = set()
    for name, profile in profiles().items():
        for kind in [layer.kind] if layer.kind else output_kinds(profile, layer.dtype):
            step = layer.step(name, kind, 0)
            if "zero_point" in step.parameters:
                step = layer.step(name, kind, layer.zero_point)
            for named in _channels(f"{name} {kind}", step, layer.dtype):
                if (key := (step.name, *step.at(named[3]))) not in seen:
                    seen.add(key)
                    yield named
    for to, rounding, flush in product(TYPES, ROUNDINGS, (False, True)):
        conversion = Conversion(to, rounding, flush)
        yield conversion.name, conversion_step(**asdict(conversion)), "", 0


def _channels(title: str, step: Step, dtype: str) -> Iterator[Named]:
    """The channels of a layer whose parameters differ."""
    count = max((len(value) for value in step.parameters.values() if isinstance(value, np.ndarray)), default=1)
    first = {tuple(step.at(channel)): channel for channel in reversed(range(count))}
    for channel in sorted(first.values()):
        yield title if len(first) == 1 else f"{title}, channel {channel}", step, dtype, channel


def _interval(text: str) -> Interval | None:
    if not text:
        return None
    try:
        first, last = (int(end, 0) for end in text.split(":"))
    except ValueError:
        raise ParameterError("only", text, "FIRST:LAST, two integers") from None
    return first, last


def _show(screen: Screen, title: str, proof: Proof) -> None:
    swept = proof.compared + proof.undefined
    screen.say(f"{title}, {proof.dtype}: {proof.converter}")
    screen.table("", ("", "count", "differ"), _rows(proof))
    screen.say(f"breakpoints by {proof.rule}")
    for each in proof.counterexamples:
        screen.say(f"at {each}")
    screen.say(f"SHA-256 of the codes {proof.sha256}")
    part = f"a part of the proof, {proof.first} .. {proof.last}: nothing differs"
    verdict = "not proved" if not proof.matched else "proved" if proof.whole else part
    screen.say(f"{verdict}; {swept:,} operands in {proof.seconds:.1f} s")
    screen.say()


def _rows(proof: Proof) -> list[tuple[str, str, str]]:
    rows: list[tuple[str, int, Any]] = [
        ("compiled, defined", proof.compared, proof.different),
        ("compiled, undefined by the hardware", proof.undefined, proof.unpredicted),
        ("interpreted: breakpoints, neighbours, random", proof.points, proof.points_different),
        ("breakpoints", proof.breakpoints, ""),
    ]
    return [(name, f"{count:,}", f"{differ:,}" if differ != "" else "") for name, count, differ in rows]
