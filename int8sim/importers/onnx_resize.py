"""Readers of ONNX's Resize and Upsample: nearest, linear and cubic, of images.

Source of every rule: onnx/onnx:docs/Operators.md and docs/Changelog.md, opsets 7 to 28; spec/resize.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_filters import Filter, cubic, linear, taps
from int8sim.importers.onnx_network import Network
from int8sim.ops.resize_bilinear import Pair, ResizeBilinear
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.ops.resize_weighted import ResizeWeighted, Taps
from int8sim.spec.float32 import float32
from int8sim.spec.resize import (
    Coordinates,
    Nearest,
    bilinear_position,
    nearest_cell,
    resized_position,
    resized_size,
    scale_of_sizes,
)

Part = tuple[float, float]
POLICIES = {"stretch": None, "not_larger": min, "not_smaller": max}
COORDINATES = {each.name.lower(): each for each in Coordinates}
SYMMETRIC, CROP = "half_pixel_symmetric", "tf_crop_and_resize"
NEAREST = {each.name.lower(): each for each in Nearest}


class Axis(NamedTuple):
    """Sizes of the input and the output along one axis, and the scale."""

    size: int
    goal: int
    scale: float


Place = Callable[[int, Axis], float | None]
"""Where an output cell lies in the input; None: outside."""


def read_upsample(net: Network, node: Node) -> None:
    """Upsample, opset 7 to 9: scales as an attribute up to opset 8, then as an input."""
    if net.model.opset < 9:
        scales = node.attributes.get("scales")
        factors = scales if isinstance(scales, tuple) else ()
    else:
        factors = net.reals(node, 1, "scales")
    _resize(net, node, _by_scales(net, node, factors), "asymmetric", "floor")


def read_resize(net: Network, node: Node) -> None:
    """Resize, from opset 10: to sizes or by scales."""
    if net.model.opset < 11:
        axes = _by_scales(net, node, net.reals(node, 1, "scales"))
        _resize(net, node, axes, "asymmetric", "floor")
        return
    spelled = node.text("coordinate_transformation_mode", "half_pixel")
    if spelled not in {*COORDINATES, SYMMETRIC, CROP}:
        raise node.refused(f"coordinate_transformation_mode is {spelled!r}", [*COORDINATES, SYMMETRIC, CROP])
    nearest = node.text("nearest_mode", "") or "round_prefer_floor"
    if nearest not in NEAREST:
        raise node.refused(f"nearest_mode is {nearest!r}", NEAREST)
    _resize(net, node, _axes(net, node), spelled, nearest)


def _axes(net: Network, node: Node) -> list[Axis]:
    if node.input(3):
        return _by_sizes(net, node, net.integers(node, 3, "sizes"))
    return _by_scales(net, node, net.reals(node, 2, "scales"))


def _of_all(net: Network, node: Node, values: tuple[float, ...]) -> dict[int, float]:
    """By axis of the model's, what the node says of height and width; of all other axes it must say nothing else."""
    rank = net.spatial(node) + 2
    axes = node.integers("axes", tuple(range(rank)))
    if len(axes) != len(values) or any(not -rank <= axis < rank for axis in axes):
        raise node.misfit(
            f"sizes, scales or a half of roi {list(values)} are not one for each of the axes {list(axes)}"
        )
    return {axis % rank: value for axis, value in zip(axes, values, strict=True)}


def _image_axes(net: Network, node: Node) -> tuple[int | None, int]:
    return (2, 3) if net.spatial(node) == 2 else (None, 2)


def _by_scales(net: Network, node: Node, scales: tuple[float, ...]) -> list[Axis]:
    given, image = _of_all(net, node, scales), net.types[net.image(node)].shape[2:]
    places = _image_axes(net, node)
    positive = all(0.0 < scale < math.inf for scale in scales)
    if not positive or any(scale != 1.0 for axis, scale in given.items() if axis not in places):
        raise node.refused(f"scales are {list(scales)}; only height and width are resized, by positive scales")
    found = [float32(given.get(axis, 1.0)) if axis is not None else 1.0 for axis in places]
    return [Axis(size, resized_size(size, scale), scale) for size, scale in zip(image, found, strict=True)]


def _by_sizes(net: Network, node: Node, sizes: tuple[int, ...]) -> list[Axis]:
    given, image = _of_all(net, node, sizes), net.types[net.image(node)].shape[2:]
    places, shape = _image_axes(net, node), net.shape(net.resolve(node.input(0)))
    wrong = {axis for axis, size in given.items() if axis not in places and size not in {shape[axis], net.model.batch}}
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if wrong or policy not in POLICIES:
        raise node.refused(f"sizes are {list(sizes)}, the policy {policy!r}; only height and width are resized")
    wanted = [int(given.get(axis, size)) if axis is not None else 1 for axis, size in zip(places, image, strict=True)]
    axes = [Axis(size, goal, scale_of_sizes(size, goal)) for size, goal in zip(image, wanted, strict=True)]
    choose = POLICIES[policy]
    if choose is None:
        return axes
    scales = [axes[places.index(axis)].scale if axis in places else 1.0 for axis in given]
    scale = choose(scales, default=1.0)
    if scale != 1.0 and not set(given) <= set(places):
        raise node.refused(
            f"the policy {policy!r} scales axes other than height and width, too; leave them out of axes"
        )
    return [_scaled(each, scale) if axis in given else each for axis, each in zip(places, axes, strict=True)]


def _scaled(axis: Axis, scale: float) -> Axis:
    return Axis(axis.size, math.floor(axis.size * scale + 0.5), scale)


def _resize(net: Network, node: Node, axes: list[Axis], coordinates: str, nearest: str) -> None:
    mode, most = node.text("mode", "nearest"), max(size for axis in axes for size in axis[:2])
    if most >= 1 << 16:
        raise node.refused(f"height or width is {most}; sizes below 65,536 are read")
    if mode == "nearest" and coordinates in COORDINATES:
        modes = COORDINATES[coordinates], NEAREST[nearest]
        rows, columns = (
            tuple(nearest_cell(i, each.scale, each.size, each.goal, *modes) for i in range(each.goal)) for each in axes
        )
        net.add_image(node, ResizeNearest(rows, columns))
    elif mode == "linear" and coordinates in COORDINATES and net.quantized and not node.integer("antialias", 0):
        net.add_image(node, ResizeBilinear(*(_pairs(axis, COORDINATES[coordinates]) for axis in axes)))
    elif mode in {"linear", "cubic"}:
        kernel, outside = _filter(node, mode), float32(node.real("extrapolation_value", 0.0))
        lines = [_line(axis, kernel, place) for axis, place in zip(axes, _places(net, node, coordinates), strict=True)]
        net.add_image(node, ResizeWeighted(lines[0], lines[1], outside if coordinates == CROP else 0.0))
    else:
        raise node.refused(
            f"mode is {mode!r}, {coordinates}; nearest ({', '.join(COORDINATES)}), linear and cubic are read"
        )


def _pairs(axis: Axis, coordinates: Coordinates) -> tuple[Pair, ...]:
    return tuple(_pair(place, axis, coordinates) for place in range(axis.goal))


def _pair(place: int, axis: Axis, coordinates: Coordinates) -> Pair:
    """The cells around a position; the last cell is both, and each weighs one half."""
    at = bilinear_position(place, axis.scale, axis.size, axis.goal, coordinates)
    first = min(int(at), axis.size - 1)
    if first == axis.size - 1:
        return first, first, 0.5, 0.5
    return first, first + 1, float32(first + 1 - at), float32(at - first)


def _filter(node: Node, mode: str) -> Filter:
    a = node.real("cubic_coeff_a", -0.75)
    if not -1.0 <= a <= 0.0:
        raise node.refused(f"cubic_coeff_a is {a}; -1 .. 0 is read")
    weight = linear if mode == "linear" else partial(cubic, a)
    return Filter(weight, bool(node.integer("antialias", 0)), bool(node.integer("exclude_outside", 0)))


def _line(axis: Axis, kernel: Filter, place: Place) -> tuple[Taps, ...]:
    """What every output cell is made of; of nothing where it lies outside."""
    found = [place(i, axis) for i in range(axis.goal)]
    return tuple((0, ()) if at is None else taps(at, axis.size, axis.scale, kernel) for at in found)


def _places(net: Network, node: Node, coordinates: str) -> tuple[Place, Place]:
    """Along height and width."""
    if coordinates != CROP:
        place = _symmetric if coordinates == SYMMETRIC else partial(_position, COORDINATES[coordinates])
        return place, place
    rows, columns = _parts(net, node)
    return partial(_cropped, rows), partial(_cropped, columns)


def _position(coordinates: Coordinates, place: int, axis: Axis) -> float:
    return resized_position(place, axis.scale, axis.size, axis.goal, coordinates)


def _symmetric(place: int, axis: Axis) -> float:
    return float32(axis.size / 2 - axis.goal / (2 * axis.scale) + (place + 0.5) / axis.scale - 0.5)


def _cropped(part: Part, place: int, axis: Axis) -> float | None:
    """In a part of the image, whose corners are the output's; None outside of the image."""
    start, end = part
    along = place / (axis.goal - 1) if axis.goal > 1 else 0.5
    found = float32((start + (end - start) * along) * (axis.size - 1))
    return found if 0.0 <= found <= axis.size - 1 else None


def _parts(net: Network, node: Node) -> tuple[Part, Part]:
    """The part of the height and of the width, as shares, that roi names. By scales its size has two meanings."""
    ends = net.floats(node, 1, "roi").reshape(-1)
    if not node.input(3):
        raise node.refused(f"{CROP} is read with sizes alone, not with scales")
    half = ends.size // 2
    starts, stops = (_of_all(net, node, tuple(part.tolist())) for part in (ends[:half], ends[half:]))
    places = _image_axes(net, node)
    whole = all((starts[axis], stops[axis]) == (0.0, 1.0) for axis in starts if axis not in places)
    if not whole or not np.isfinite(ends).all():
        raise node.refused(f"roi is {ends.tolist()}; only parts of height and width are read")
    rows, columns = ((starts.get(axis, 0.0), stops.get(axis, 1.0)) if axis else (0.0, 1.0) for axis in places)
    return rows, columns
