"""Print the greatest error of int8sim.spec.float32.exp, in units of the last place of the exact result.

    python tools/exp_error.py              every 1009th float32 between the ends, two seconds
    python tools/exp_error.py --stride 1   all 2,239,853,081 of them, two minutes

The compiled function is measured against NumPy's float64 exp, whose own error is below 2**-28 of such a unit; the worst
arguments are computed again by the interpreted function and to 60 decimal digits. Between the ends: from -104, below
which the result is 0, to 88.72284, above which it is infinity.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt

from int8sim.kernels.compile import build
from int8sim.spec.float32 import exp, float32_bits, float32_from_bits

Floats = npt.NDArray[np.float32]
CHUNK = 1 << 22
ENDS = float32_bits(88.72283172607421875), float32_bits(-104.0)  # patterns; ln(greatest float32), rounded down, first
NEGATIVE = 1 << 31
DIGITS = Context(prec=60)
SUBNORMAL_UNIT = -149


def evaluate(x: Floats, out: Floats) -> None:
    """exp of each value, compiled."""
    for i in range(x.shape[0]):
        out[i] = exp(x[i])


def patterns(stride: int) -> Iterator[npt.NDArray[np.uint32]]:
    """The bit patterns between the ends, positive ones first, in chunks."""
    for start, end in ((0, ENDS[0]), (NEGATIVE, ENDS[1])):
        for first in range(start, end + 1, CHUNK * stride):
            yield np.arange(first, min(first + CHUNK * stride, end + 1), stride, dtype=np.int64).astype(np.uint32)


def unit(exact: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The spacing of float32 at an exact result."""
    return np.ldexp(1.0, np.maximum(np.frexp(exact)[1] - 24, SUBNORMAL_UNIT))


def exact_error(x: float) -> Decimal:
    """The error of the interpreted function at one argument, in units of the last place."""
    true = DIGITS.exp(Decimal(x))
    spacing = Decimal(float(unit(np.array([float(true)]))[0]))
    return DIGITS.divide(abs(Decimal(exp(x)) - true), spacing)


def main() -> None:
    """Sweep, then print the worst arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stride", type=int, default=1009, help="1 measures every float32")
    stride = parser.parse_args().stride
    kernel, count, worst = build(evaluate), 0, [(0.0, 0)]
    misrounded = 0
    for chunk in patterns(stride):
        x, out = chunk.view(np.float32), np.empty(chunk.size, np.float32)
        kernel(x, out)
        exact = np.exp(x.astype(np.float64))
        errors = np.abs(out.astype(np.float64) - exact) / unit(exact)
        greatest = int(errors.argmax())
        worst = sorted([*worst, (float(errors[greatest]), int(chunk[greatest]))])[-5:]
        misrounded += int((out != exact.astype(np.float32)).sum())
        count += chunk.size
    print(f"{count:,} arguments, {misrounded:,} results are not the nearest float32")
    for error, pattern in reversed(worst):
        x = float32_from_bits(pattern)
        print(f"exp({x!r}) [0x{pattern:08x}]: {error:.6f} ulp, {exact_error(x):.6f} in decimal arithmetic")


if __name__ == "__main__":
    main()
