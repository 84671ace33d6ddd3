"""Which padding a sliding window really needs, and what TensorFlow Lite's SAME and VALID would give it.

SAME means ceil(size / stride) windows, the padding that they need split evenly with the greater part at the end.
Source: tensorflow/tensorflow:tensorflow/lite/kernels/padding.h, ComputeOutSize and ComputePaddingWithOffset.
"""

from __future__ import annotations

from int8sim.ops.window import Window

Size = tuple[int, int]
Pads = tuple[int, int, int, int]


def scheme(window: Window, size: Size, out: Size) -> str:
    """SAME or VALID where that means the same windows of an input of this height and width; else empty."""
    for name, rule in (("VALID", _valid), ("SAME", _same)):
        if all(rule(window, axis, size[axis]) == (window.pads[axis], out[axis]) for axis in (0, 1)):
            return name
    return ""


def needed(window: Window, size: Size, out: Size) -> Pads:
    """The pads that `out` windows reach into: top, left, bottom, right."""
    top, left = window.pads[:2]
    reach = [(out[axis] - 1) * window.strides[axis] + _span(window, axis) for axis in (0, 1)]
    return top, left, max(reach[0] - size[0] - top, 0), max(reach[1] - size[1] - left, 0)


def reaches_beyond(window: Window, size: Size, out: Size) -> bool:
    """Whether a last window of ceil_mode hangs over the padded input: a count of its cells then is smaller than it."""
    return any(need > pad for need, pad in zip(needed(window, size, out), window.pads, strict=True))


def _valid(window: Window, axis: int, size: int) -> tuple[int, int]:
    """Padding before the input, and the number of windows."""
    return 0, (size - _span(window, axis)) // window.strides[axis] + 1


def _same(window: Window, axis: int, size: int) -> tuple[int, int]:
    count = -(-size // window.strides[axis])
    return max((count - 1) * window.strides[axis] + _span(window, axis) - size, 0) // 2, count


def _span(window: Window, axis: int) -> int:
    return window.dilations[axis] * (window.kernel[axis] - 1) + 1
