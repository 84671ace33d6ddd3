"""PDP over a whole cube, as nested lists [row][column][channel]: the reference of the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.spec.nvdla.pdp import PdpMethod, pdp_accumulate, pdp_average, pdp_column, pdp_row

Cells = Sequence[Sequence[int]]
LINE_BUFFER = 16  # columns of output that nv_small's line buffer holds unsplit


def pdp_total(cells: Cells, kernel: tuple[int, int], padding: Sequence[int]) -> int:
    """The sum of one window and its padding. Arguments as for `pdp_window`."""
    total = 0
    for row in cells:
        total = pdp_accumulate(total, pdp_row(sum(row), padding[kernel[1] - len(row)]))
    return pdp_column(total, padding[kernel[0] - len(cells)], kernel[1])


def pdp_window(
    cells: Cells, method: int, kernel: tuple[int, int], padding: Sequence[int], reciprocals: tuple[int, int]
) -> int:
    """One output. cells: [row][column], those inside the cube, at least one. method: a `PdpMethod`.

    kernel, reciprocals: (height, width), kernel 1 .. 8. padding: eight values, by how many columns or rows are missing:
    0, then D_POOLING_PADDING_VALUE_1 .. 7.
    """
    if method == PdpMethod.AVERAGE:
        return pdp_average(pdp_total(cells, kernel, padding), reciprocals[1], reciprocals[0])
    extreme = cells[0][0]
    for row in cells:
        for cell in row:
            extreme = max(extreme, cell) if method == PdpMethod.MAX else min(extreme, cell)
    return extreme


def pdp_spans(size: int, kernel: int, stride: int, before: int, after: int) -> list[range]:
    """The cells inside the cube of every window along one axis; before, after: its pads."""
    starts = range(-before, size + after - kernel + 1, stride)
    return [range(max(start, 0), min(start + kernel, size)) for start in starts]


def pdp_pool(
    cube: Sequence[Cells],
    method: int,
    kernel: tuple[int, int],
    strides: tuple[int, int],
    pads: tuple[int, int, int, int],
    padding: Sequence[int],
    reciprocals: tuple[int, int],
) -> list[list[list[int]]]:
    """The pooled cube. pads: top, left, bottom, right, less than the kernel; the rest as for `pdp_window`."""
    tall = pdp_spans(len(cube), kernel[0], strides[0], pads[0], pads[2])
    wide = pdp_spans(len(cube[0]), kernel[1], strides[1], pads[1], pads[3])

    def output(rows: range, columns: range, channel: int) -> int:
        cells = [[cube[y][x][channel] for x in columns] for y in rows]
        return pdp_window(cells, method, kernel, padding, reciprocals)

    return [[[output(rows, columns, c) for c in range(len(cube[0][0]))] for columns in wide] for rows in tall]


def pdp_pool_is_defined(output_width: int) -> bool:
    """Whether nv_small's line buffer holds an unsplit row of output; wider ones stalled or corrupted in simulation."""
    return output_width <= LINE_BUFFER
