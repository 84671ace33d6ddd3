"""PDP over a cube: compiled loops around the spec's window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Array
from int8sim.spec.nvdla.pdp_cube import pdp_spans, pdp_window


def pool(
    x: Array,
    method: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    padding: Sequence[int],
    reciprocals: tuple[int, int],
) -> Array:
    """int8 [height, width, channels] to the same, pooled. Arguments as for int8sim.spec.nvdla.pdp_pool."""
    tall = _ends(pdp_spans(x.shape[0], kernel[0], strides[0], pads[0], pads[2]))
    wide = _ends(pdp_spans(x.shape[1], kernel[1], strides[1], pads[1], pads[3]))
    out = np.empty((len(tall), len(wide), x.shape[2]), np.int8)
    cube = np.array(x, np.int64, order="C")
    build(windows)(cube, tall, wide, int(method), kernel, np.array(padding, np.int64), reciprocals, out)
    return out


def _ends(spans: list[range]) -> Array:
    return np.array([(span.start, span.stop) for span in spans], np.int64)


def windows(
    x: Array,
    tall: Array,
    wide: Array,
    method: int,
    kernel: tuple[int, int],
    padding: Any,
    reciprocals: tuple[int, int],
    out: Array,
) -> None:
    """x: int64 [H, W, C]. tall, wide: first cell of each window and the one behind its last, int64 [windows, 2].

    padding: int64 [8].
    """
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            for channel in range(out.shape[2]):
                cells: Any = x[tall[row, 0] : tall[row, 1], wide[column, 0] : wide[column, 1], channel]
                out[row, column, channel] = pdp_window(cells, method, kernel, padding, reciprocals)
