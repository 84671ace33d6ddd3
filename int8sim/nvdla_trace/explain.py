"""How one byte came about: the values on its way, unit by unit."""

from __future__ import annotations

from int8sim.model.errors import ParameterError
from int8sim.nvdla_trace.pipeline import Chain, Operation
from int8sim.nvdla_trace.play import Played
from int8sim.nvdla_trace.surfaces import Shape


def explain(played: Played, place: str) -> tuple[str, Chain]:
    """Where a byte lies, and the values on its way.

    place: an address, 0x80000120, or channel,row,column of the last output; padding lanes have channels too.
    Raises ParameterError for a place that nothing wrote.
    """
    operation, (c, y, x) = _by_address(played, place) if "," not in place else _by_index(played, place)
    address = operation.destination.address(c, y, x)
    lane = ", a padding lane" if c >= operation.destination.channels else ""
    return f"{address:#x}: c={c}, y={y}, x={x}{lane}", operation.chain((c, y, x))


def first_difference(played: Played) -> str:
    """The first byte of an output that differs from a golden file, as a place; "" if there is none."""
    addresses = (address for check in played.checks for address in check.different)
    written = (address for address in addresses if _operation_at(played, address))
    return next(map(hex, written), "")


def _by_address(played: Played, place: str) -> tuple[Operation, Shape]:
    try:
        address = int(place, 0)
    except ValueError:
        raise ParameterError("place", place, "an address, or channel,row,column") from None
    found = _operation_at(played, address)
    if found is None:
        raise ParameterError("address", place, f"one of an output: {_outputs(played)}")
    return found


def _operation_at(played: Played, address: int) -> tuple[Operation, Shape] | None:
    """The last operation that wrote there."""
    for operation in reversed(played.operations):
        found = operation.destination.place(address)
        if found is not None:
            return operation, found
    return None


def _by_index(played: Played, place: str) -> tuple[Operation, Shape]:
    if not played.operations:
        raise ParameterError("place", place, "none: the trace enables no operation")
    operation = played.operations[-1]
    where = operation.destination
    sizes = where.surfaces * where.atom, where.height, where.width
    numbers = [int(part) if part.strip().isdecimal() else -1 for part in place.split(",")]
    if len(numbers) != 3 or any(not 0 <= n < size for n, size in zip(numbers, sizes, strict=True)):
        raise ParameterError("place", place, f"channel,row,column below {sizes}")
    c, y, x = numbers
    return operation, (c, y, x)


def _outputs(played: Played) -> str:
    spans = [(each.destination.base, each.destination.size) for each in played.operations]
    return ", ".join(f"{base:#x} + {size}" for base, size in spans) or "the trace has none"
