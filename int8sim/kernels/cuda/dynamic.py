"""Products of codes that x gets from its own range: the device's sums between the host's ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from int8sim.kernels import dynamic
from int8sim.kernels.cuda.device import DeviceArray, place
from int8sim.model.step import Array


def by(prepare: Callable[..., Callable[[DeviceArray], DeviceArray]]) -> Callable[..., Any]:
    """An op's `prepare`. prepare: of the sums, for codes without a zero point."""

    def sums(*given: Any) -> Callable[[Array], Array]:
        add = prepare(*given)
        return lambda codes: add(place(codes)).fetch()

    whole = dynamic.by(sums)

    def prepared(*given: Any) -> Callable[[DeviceArray], DeviceArray]:
        """x in storage form, float32 -> y in storage form."""
        on_host = whole(*given)
        return lambda stored: place(on_host(stored.fetch()))

    return prepared
