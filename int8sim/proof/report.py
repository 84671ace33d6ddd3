"""What a proof says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Counterexample:
    """An operand at which the three do not agree.

    exact: by the definition; interpreted: by the spec function; compiled: by the kernel. is_defined: whether the
    hardware defines it, by the definition; by_predicate: by `<function>_is_defined`, where there is one.
    """

    operand: int
    exact: int
    interpreted: int
    compiled: int
    is_defined: bool
    by_predicate: bool

    def __str__(self) -> str:
        undefined = "" if self.is_defined else ", undefined by the hardware"
        predicate = "" if self.is_defined == self.by_predicate else f", _is_defined says {self.by_predicate}"
        codes = f"exact {self.exact}, interpreted {self.interpreted}, compiled {self.compiled}"
        return f"{self.operand}: {codes}{undefined}{predicate}"


@dataclass(frozen=True)
class Proof:
    """One converter, proved or not; truthy if proved over its whole domain.

    converter: the step as a call. function: module:name. parameters: by name, of one channel. dtype: of the codes.
    rule: how the breakpoints were had. first, last: the operands swept. whole: whether they are all there are.
    breakpoints: operands of the domain at which the code steps. compared: operands whose code the hardware defines, all
    compared; undefined: the others, compared with the definition too and never counted as equal. different,
    unpredicted: mismatches of the compiled kernel among the two. points: breakpoints, their neighbours and random
    operands, at which the interpreted function, the kernel and the definition are compared; points_different: where
    they do not agree. counterexamples: the first few. sha256: of the codes, see docs/proof.md. seconds: it took.
    """

    converter: str
    function: str
    parameters: Mapping[str, int | float]
    dtype: str
    rule: str
    first: int
    last: int
    whole: bool
    breakpoints: int
    compared: int
    undefined: int
    different: int
    unpredicted: int
    points: int
    points_different: int
    counterexamples: tuple[Counterexample, ...]
    sha256: str
    seconds: float

    @property
    def matched(self) -> bool:
        """Whether nothing that was compared differs."""
        return not (self.different or self.unpredicted or self.points_different)

    def __bool__(self) -> bool:
        return self.matched and self.whole

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return {"proved": bool(self), "matched": self.matched, **asdict(self)}
