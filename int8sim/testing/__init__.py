"""For tests: what the pytest plugin shows (comparing.py), and a device fuzzed against a reference (bit_exact.py)."""

from int8sim.testing.bit_exact import assert_bit_exact
from int8sim.testing.comparing import (
    GoldenFile,
    Tensors,
    array_differences,
    available_backends,
    differences,
    report_lines,
)

__all__ = [
    "GoldenFile",
    "Tensors",
    "array_differences",
    "assert_bit_exact",
    "available_backends",
    "differences",
    "report_lines",
]
