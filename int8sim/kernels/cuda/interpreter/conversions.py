"""cvt in every form that NumPy rounds as the manual has it; the others by the specification, one by one.

Source: NVIDIA, PTX ISA 9.0, cvt; int8sim.spec.cvt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from int8sim.kernels.cuda.interpreter.floats import canonical
from int8sim.kernels.cuda.interpreter.program import Instruction, Kind
from int8sim.model.step import Array
from int8sim.spec import cvt
from int8sim.spec.rounding import Rounding

Conversion = Callable[[Array], Array]
TO_INTEGER = {"rni": Rounding.HALF_EVEN, "rzi": Rounding.TOWARD_ZERO, "rmi": Rounding.FLOOR, "rpi": Rounding.CEIL}
TO_FLOAT = {"rn": Rounding.HALF_EVEN, "rz": Rounding.TOWARD_ZERO, "rm": Rounding.FLOOR, "rp": Rounding.CEIL}
INTEGRAL: Mapping[Rounding, Callable[[Array], Array]] = {
    Rounding.HALF_EVEN: np.rint,
    Rounding.TOWARD_ZERO: np.trunc,
    Rounding.FLOOR: np.floor,
    Rounding.CEIL: np.ceil,
}


def conversion(instruction: Instruction) -> Conversion:
    """What a cvt does to values of its source. Raises PtxError."""
    to, source = instruction.kinds
    modifiers = instruction.name.split(".")[1:]
    rounding = [each for each in modifiers if each in TO_INTEGER or each in TO_FLOAT]
    saturating, flush = "sat" in modifiers, "ftz" in modifiers
    if len(modifiers) != len(rounding) + saturating + flush:
        raise instruction.problem("the interpreter does not know this form of cvt")
    mode = {**TO_INTEGER, **TO_FLOAT}[rounding[0]] if rounding else Rounding.HALF_EVEN
    if source.letter != "f":
        return _from_integer(to, source, mode, saturating)
    if to.letter != "f":
        return _to_integer(to, source, mode, flush)
    return _between_floats(to, source, mode, saturating, flush, bool(rounding) and rounding[0] in TO_INTEGER)


def _from_integer(to: Kind, source: Kind, mode: Rounding, saturating: bool) -> Conversion:
    if to.letter == "f":
        if mode == Rounding.HALF_EVEN and not saturating and to.bits > 16:
            return lambda values: values.astype(to.dtype)
        return _by_spec(to, source, lambda value: cvt.integer_to_float(value, to.bits, mode, saturating))
    if not saturating:
        return lambda values: values.astype(to.dtype)
    return _by_spec(
        to,
        source,
        lambda value: cvt.integer_to_integer(
            value, source.bits, source.letter == "s", to.bits, to.letter == "s", saturating
        ),
    )


def _to_integer(to: Kind, source: Kind, mode: Rounding, flush: bool) -> Conversion:
    if to.bits > 32 or flush:
        signed = to.letter == "s"
        return _by_spec(to, source, lambda bits: cvt.float_to_integer(bits, source.bits, to.bits, signed, mode, flush))
    ends, nan = np.iinfo(to.dtype), cvt.float_to_integer(0x7FF8 << 48, 64, to.bits, to.letter == "s", mode)

    def convert(values: Array) -> Array:
        rounded = INTEGRAL[mode](values.astype(np.float64))
        unordered = np.isnan(rounded)
        clamped = np.clip(np.where(unordered, 0, rounded), ends.min, ends.max).astype(to.dtype)
        return np.where(unordered, to.dtype.type(nan if source.bits == 64 else 0), clamped)

    return convert


def _between_floats(
    to: Kind, source: Kind, mode: Rounding, saturating: bool, flush: bool, integral: bool
) -> Conversion:
    if integral:
        return _by_spec(to, source, lambda bits: cvt.float_to_integral(bits, to.bits, mode, flush, saturating))
    if mode == Rounding.HALF_EVEN and not saturating and not flush and source.bits > 16 and to.bits > 16:
        return lambda values: canonical(values.astype(to.dtype))
    return _by_spec(to, source, lambda bits: cvt.float_to_float(bits, source.bits, to.bits, mode, flush, saturating))


def _by_spec(to: Kind, source: Kind, function: Callable[[int], int]) -> Conversion:
    """Each value that occurs, once: floats as patterns."""

    def convert(values: Array) -> Array:
        given = values.view(source.word) if source.letter == "f" else values
        found, places = np.unique(given, return_inverse=True)
        results = [function(int(value)) % (1 << to.bits) for value in found]
        return np.array(results, to.word)[places.reshape(values.shape)].view(to.dtype)

    return convert
