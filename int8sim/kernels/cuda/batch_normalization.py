"""fma(x, a, b) per channel, in float32; there is no integer form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cpu.batch_normalization import Normalizing
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, place
from int8sim.kernels.cuda.primitives import as_real
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import fma


def prepare(
    op: Normalizing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form, channels last -> y in storage form."""
    del inputs, output_type, arithmetic
    factors = [place(np.array(part, np.float32)) for part in op.constants(*(constants[i] for i in range(1, 5)))]
    kernel = build(normalize)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(stored.shape, "float32")
        kernel.launch_each(out.size, stored.reshape(-1), *factors, out.reshape(-1))
        return out

    return call


def normalize(x: Any, a: Any, b: Any, out: Any) -> None:
    """float32 [n]; a, b: one value per channel."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        channel = i % a.shape[0]
        out[i] = fma(as_real(x[i]), as_real(a[channel]), as_real(b[channel]))
