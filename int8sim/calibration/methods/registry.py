"""Calibrators by name."""

from __future__ import annotations

from collections.abc import Mapping

from int8sim.calibration.methods import entropy, entropy2, legacy, minmax, mse, percentile
from int8sim.calibration.methods.base import Method, Parameters
from int8sim.model.errors import ParameterError, UnknownNameError

METHODS: Mapping[str, Method] = {
    module.METHOD.name: module.METHOD for module in (entropy2, entropy, minmax, legacy, percentile, mse)
}
LIMITS = {"percentile": 100.0, "quantile": 1.0, "cutoff": 1.0}
"""Parameter -> its greatest value; all are above 0."""


def method(name: str) -> Method:
    """The calibrator. Raises UnknownNameError."""
    if name not in METHODS:
        raise UnknownNameError("calibration method", name, METHODS)
    return METHODS[name]


def parameters(chosen: Method, given: Parameters) -> Parameters:
    """The defaults, with what was given in their place. Raises UnknownNameError, ParameterError."""
    for name, value in given.items():
        if name not in chosen.parameters:
            raise UnknownNameError(f"parameter of {chosen.name}", name, chosen.parameters)
        if not 0.0 < value <= LIMITS[name]:
            raise ParameterError(name, value, f"above 0, at most {LIMITS[name]:g}")
    return {**chosen.parameters, **given}
