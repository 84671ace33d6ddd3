"""What every importer says first of a file: which kinds of layers in it are not read."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Protocol, TypeVar


class Refusing(Protocol):
    """A layer or operator as a file has it."""

    def refused(self, reason: str, supported: Iterable[str] = ()) -> Exception:
        """The error for what is not read."""


Node = TypeVar("Node", bound=Refusing)


def refuse_unknown(
    nodes: Iterable[Node],
    kind: Callable[[Node], str],
    known: Container[str],
    reason: str,
    supported: Sequence[str],
    hint: str = "",
) -> None:
    """Before anything else, so that the first error names what matters most. Raises what the first one refuses with.

    kind: of a node, by name. known: those that are read. hint: what to do, behind the reason and the others.
    """
    unknown = [node for node in nodes if kind(node) not in known]
    if unknown:
        others = sorted({kind(node) for node in unknown} - {kind(unknown[0])})
        more = f"; neither are {', '.join(others)}" if others else ""
        raise unknown[0].refused(f"{reason}{more}{hint}", supported)
