"""torch's own kernels, on random codes: nobody computes as they do, so their bits are compared with nobody's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from int8sim.bench.job import Contender, Setting

SCALE, ZERO_POINT = 0.02, 128


def product(m: int, k: int, n: int, setting: Setting) -> tuple[Contender, ...]:
    """int8 [m, k] by int8 [k, n] to int32, nothing requantized."""
    if not setting.has("torch"):
        return ()
    import torch

    torch.set_num_threads(setting.threads)
    left, right = (torch.randint(-127, 128, shape, dtype=torch.int8) for shape in ((m, k), (k, n)))
    return (Contender("torch, int32 out", lambda: torch._int_mm(left, right)),)  # noqa: SLF001


def convolution(
    channels: int, outputs: int, size: int, kernel: int, stride: int, setting: Setting
) -> tuple[Contender, ...]:
    """uint8 [1, channels, size, size], channels last, by int8 to uint8."""
    if not setting.has("torch"):
        return ()
    import torch

    torch.set_num_threads(setting.threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch means to remove these; while they are here they are measured
        return (Contender("torch", _convolution(torch, channels, outputs, size, kernel, stride)),)


def _convolution(torch: Any, channels: int, outputs: int, size: int, kernel: int, stride: int) -> Callable[[], object]:
    codes = torch.randint(0, 256, (1, channels, size, size), dtype=torch.uint8)
    weights = torch.randint(-127, 128, (outputs, channels, kernel, kernel), dtype=torch.int8)
    scales = torch.full((outputs,), SCALE, dtype=torch.double)
    zeros = torch.zeros(outputs, dtype=torch.long)
    x = torch._make_per_tensor_quantized_tensor(codes, SCALE, ZERO_POINT)  # noqa: SLF001
    x = x.contiguous(memory_format=torch.channels_last)
    w = torch._make_per_channel_quantized_tensor(weights, scales, zeros, 0)  # noqa: SLF001
    pads, once = [kernel // 2] * 2, [1, 1]
    packed = torch.ops.quantized.conv2d_prepack(w, torch.zeros(outputs), [stride] * 2, pads, once, 1)
    return lambda: torch.ops.quantized.conv2d(x, packed, SCALE, ZERO_POINT)
