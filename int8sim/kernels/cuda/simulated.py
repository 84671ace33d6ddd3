"""What stands for the GPU's instructions in Numba's CUDA simulator: the specification, on Python numbers.

The names are those of primitives.py and ptx.py.
"""

from __future__ import annotations

as_int = int
as_real = float
