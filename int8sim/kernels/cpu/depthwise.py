"""Depthwise convolutions of 8-bit codes by the depthwise tile: every channel has its own window, and one output.

Pixels that have the same taps are taken together (runs.py), some of them and up to 256 channels at a time; their sums
then go through the layer's output step as those of any other convolution do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.chains import by_image, locate
from int8sim.kernels.cpu.convolve import PIXELS, requantize
from int8sim.kernels.cpu.depthwise_tile import WIDTHS, avx512_vnni, lanes_of
from int8sim.kernels.cpu.emitter import SIZE_BYTES, WORD_BYTES
from int8sim.kernels.cpu.memory import empty, empty_on_a_cache_line, on_a_cache_line
from int8sim.kernels.cpu.regions import side_by_side
from int8sim.kernels.cpu.runs import Region, image_regions, region_biases
from int8sim.kernels.cpu.threads import Scratch, in_parts
from int8sim.kernels.cpu.tile import GROUP, STRIP, WIDEST, instruction_set
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.roles import Parameters, depthwise_tile
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.tape import KernelsOnly
from int8sim.kernels.weights import parts_of
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

SPAN, ROWS = 4, 12
"""Blocks of channels, and pixels, whose sums are requantized together: ROWS is a multiple of STRIP."""
Tap = tuple[int, tuple[int, int] | None]
"""Bytes behind a pixel's first value, and row and column of the window; a tap without those has no weight."""


def has_depthwise_tile(weights: Array) -> bool:
    """Whether the instruction set has one, and weights minus their zero point are int8."""
    return instruction_set() in {"amx_int8", "avx512_vnni"} and len(parts_of(weights)) == 1


def prepare_depthwise(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. weights: minus their zero point, [C, 1, rows, columns]."""
    regions, channels = image_regions(op, shape, x), len(weights)
    blocks = np.array(list(cut(channels)), np.int64)
    lanes = np.concatenate([first + lanes_of(WIDTHS[tile]).reshape(-1) for tile, first, _ in blocks])
    steps = [by_four(each) for each in regions]
    packed = on_a_cache_line(np.concatenate([_pack(weights, taps, blocks) for taps in steps]))
    biases = np.take(region_biases(regions, shape, weights, bias), np.minimum(lanes, channels), axis=1)
    behind = [np.array([tap for tap, _ in taps], np.int64) for taps in steps]
    under = side_by_side(behind, [each.pixels for each in regions])
    built, values = bind(step)
    kernel = build(convolve_depthwise, {"output": built}, {"depthwise_tile": avx512_vnni})
    beyond, flipped, dtype = len(lanes) - channels, np.int32(flip(y)), stored_dtype(y)
    scratch = Scratch(lambda: _scratch(dtype))
    constants, taps = (packed, blocks, biases, under), shape.rows * shape.columns

    def call(stored: Array) -> Array:
        out = empty(output_shape(op, shape, stored.shape, channels), dtype)
        flat, rows = stored.reshape(-1), out.reshape(-1, channels)
        if beyond:
            flat = np.append(flat, np.zeros(beyond, np.uint8))  # the last block reads beyond the last channel
        images = by_image(stored, rows)
        in_parts(
            lambda *part: kernel(flat, *constants, images, scratch(), part, values, rows, flipped), rows.size * taps
        )
        return out

    return call if beyond else KernelsOnly(call)


def _scratch(dtype: str) -> tuple[Array, Array, Array]:
    """Places of pixels; accumulators; codes."""
    accumulators = empty_on_a_cache_line((ROWS * SPAN * WIDEST,), np.int32)
    return np.empty((2, PIXELS), np.int64), accumulators, np.empty(STRIP * SPAN * WIDEST, dtype)


def cut(channels: int) -> Iterator[tuple[int, int, int]]:
    """Numbers of tiles, first channels, how many: as wide as possible, less than 16 lanes too many in all."""
    first = 0
    while first < channels:
        left = channels - first
        tile = next(i for i, shape in enumerate(WIDTHS) if shape.columns < left + WIDTHS[-1].columns)
        yield tile, first, min(left, WIDTHS[tile].columns)
        first += WIDTHS[tile].columns


def by_four(region: Region) -> list[Tap]:
    """A region's taps, filled up to whole steps, at least one."""
    taps: list[Tap] = [(run.behind, (run.row, run.column)) for run in region.runs] or [(0, None)]
    return taps + [(taps[-1][0], None)] * (-len(taps) % GROUP)


def _pack(weights: Array, taps: list[Tap], blocks: Array) -> Array:
    """int8, flat, [blocks, steps, 4, lanes, 4]."""
    columns = int(blocks[-1, 1]) + WIDTHS[blocks[-1, 0]].columns
    by_tap = np.zeros((len(taps), columns), np.int8)
    for row, (_, place) in zip(by_tap, taps, strict=True):
        if place is not None:
            row[: len(weights)] = weights[:, 0, place[0], place[1]]
    by_step = by_tap.reshape(-1, GROUP, columns)
    parts = [by_step[:, :, first + lanes_of(WIDTHS[tile])].transpose(0, 2, 3, 1) for tile, first, _ in blocks]
    return np.concatenate([np.ascontiguousarray(part).reshape(-1) for part in parts])


def convolve_depthwise(
    x: Array,
    weights: Array,
    blocks: Array,
    biases: Array,
    windows: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    scratch: tuple[Array, Array, Array],
    part: tuple[int, int],
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """x: uint8, flat, channels last. weights: as packed. blocks: numbers of tiles, first channels, how many.

    biases: int32 [regions, columns], in the tiles' lanes. windows: bounds, taps, bytes behind a pixel's first value,
    whole steps of four in every region, and pixels, as `side_by_side` of regions.py gives them. images: as `by_image`
    gives them. scratch: places, int64 [2, PIXELS]; accumulators, int32 [ROWS * SPAN * WIDEST]; codes, [STRIP * SPAN
    * WIDEST]. part: which of how many parts of every region's pixels. out: stored codes [N * pixels, C].
    """
    (bounds, taps, pixels), (places, acc, codes) = windows, scratch
    for i in range(bounds.shape[0]):
        region, steps = pixels[:, bounds[i, 2] : bounds[i, 3]], (bounds[i, 1] - bounds[i, 0]) // GROUP
        under = taps.ctypes.data + bounds[i, 0] * SIZE_BYTES, steps
        factors = weights.ctypes.data + bounds[i, 0] * biases.shape[1]
        total = images[0] * region.shape[1]
        last = total * (part[0] + 1) // part[1]
        for start in range(total * part[0] // part[1], last, PIXELS):
            used = min(PIXELS, last - start)
            locate(region, start, images, places[:, :used])
            for s in range(0, used, ROWS):
                rows = places[:, s : min(s + ROWS, used)]
                for k in range(0, blocks.shape[0], SPAN):
                    span = blocks[k : k + SPAN]
                    accumulate_rows(x, factors, span, biases[i], under, rows[0], acc)
                    channels = span[0, 1], span[-1, 1] + span[-1, 2] - span[0, 1]
                    requantize(acc, SPAN * WIDEST, rows[1], channels, p, codes, out, flipped)


def accumulate_rows(
    x: Array, weights: int, span: Array, bias: Array, under: tuple[int, int], places: Array, acc: Array
) -> None:
    """Some pixels' sums over some blocks of channels. weights: address of a region's."""
    taps, steps = under
    for k in range(span.shape[0]):
        first = span[k, 1]
        own, offsets = weights + first * steps * GROUP, bias.ctypes.data + first * WORD_BYTES
        values, sums = x.ctypes.data + first, acc.ctypes.data + (first - span[0, 1]) * WORD_BYTES
        for r in range(places.shape[0]):
            row = sums + r * SPAN * WIDEST * WORD_BYTES
            depthwise_tile((span[k, 0], values + places[r], taps, steps, own, offsets, row))
