"""Readers of ONNX's Resize and Upsample: nearest and linear, of images.

Source of every rule: onnx/onnx:docs/Operators.md and docs/Changelog.md, opsets 7 to 28; spec/resize.py.
"""

from __future__ import annotations

import math

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.ops.resize_linear import ResizeLinear
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.spec.float32 import float32
from int8sim.spec.resize import (
    Coordinates,
    Nearest,
    nearest_cell,
    resized_position,
    resized_size,
    scale_of_sizes,
)

Axis = tuple[int, int, float]
"""Sizes of the input and the output along one axis, and the scale."""
POLICIES = {"stretch": None, "not_larger": min, "not_smaller": max}


def read_upsample(net: Network, node: Node) -> None:
    """Upsample, opset 7 to 9: scales as an attribute up to opset 8, then as an input."""
    if net.model.opset < 9:
        scales = node.attributes.get("scales")
        factors = scales if isinstance(scales, tuple) else ()
    else:
        factors = tuple(net.floats(node, 1, "scales").tolist())
    _resize(net, node, _by_scales(net, node, factors), Coordinates.ASYMMETRIC, Nearest.FLOOR)


def read_resize(net: Network, node: Node) -> None:
    """Resize, from opset 10: to sizes or by scales."""
    if net.model.opset < 11:
        axes = _by_scales(net, node, tuple(net.floats(node, 1, "scales").tolist()))
        _resize(net, node, axes, Coordinates.ASYMMETRIC, Nearest.FLOOR)
        return
    if node.integer("antialias", 0) or node.integer("exclude_outside", 0):
        raise node.refused("antialias and exclude_outside are not read")
    spelled, rounding = node.text("coordinate_transformation_mode", "half_pixel"), node.text("nearest_mode", "")
    modes = {each.name.lower(): each for each in Coordinates}
    if spelled not in {*modes, "half_pixel_symmetric"}:
        raise node.refused(f"coordinate_transformation_mode is {spelled!r}", [*modes, "half_pixel_symmetric"])
    nearest = {each.name.lower(): each for each in Nearest}.get(rounding or "round_prefer_floor")
    if nearest is None:
        raise node.refused(f"nearest_mode is {rounding!r}", [each.name.lower() for each in Nearest])
    _resize(net, node, _axes(net, node), modes.get(spelled), nearest)


def _axes(net: Network, node: Node) -> list[Axis]:
    if node.input(3):
        return _by_sizes(net, node, net.integers(node, 3, "sizes"))
    return _by_scales(net, node, tuple(net.floats(node, 2, "scales").tolist()))


def _of_all(net: Network, node: Node, values: tuple[float, ...]) -> dict[int, float]:
    """By axis of the model's, what the node says of height and width; of all other axes it must say nothing else."""
    rank = net.spatial(node) + 2
    axes = node.integers("axes", tuple(range(rank)))
    if len(axes) != len(values) or any(not -rank <= axis < rank for axis in axes):
        raise node.misfit(f"sizes or scales {list(values)} are not one for each of the axes {list(axes)}")
    return {axis % rank: value for axis, value in zip(axes, values, strict=True)}


def _image_axes(net: Network, node: Node) -> tuple[int | None, int]:
    return (2, 3) if net.spatial(node) == 2 else (None, 2)


def _by_scales(net: Network, node: Node, scales: tuple[float, ...]) -> list[Axis]:
    given, image = _of_all(net, node, scales), net.types[net.image(node)].shape[2:]
    places = _image_axes(net, node)
    if any(scale != 1.0 for axis, scale in given.items() if axis not in places) or min(scales, default=0) <= 0:
        raise node.refused(f"scales are {list(scales)}; only height and width are resized, by positive scales")
    found = [float32(given.get(axis, 1.0)) if axis is not None else 1.0 for axis in places]
    return [(size, resized_size(size, scale), scale) for size, scale in zip(image, found, strict=True)]


def _by_sizes(net: Network, node: Node, sizes: tuple[int, ...]) -> list[Axis]:
    given, image = _of_all(net, node, sizes), net.types[net.image(node)].shape[2:]
    places, shape = _image_axes(net, node), net.shape(net.resolve(node.input(0)))
    wrong = {axis for axis, size in given.items() if axis not in places and size not in {shape[axis], net.model.batch}}
    policy = node.text("keep_aspect_ratio_policy", "stretch")
    if wrong or policy not in POLICIES:
        raise node.refused(f"sizes are {list(sizes)}, the policy {policy!r}; only height and width are resized")
    wanted = [int(given.get(axis, size)) if axis is not None else 1 for axis, size in zip(places, image, strict=True)]
    choose = POLICIES[policy]
    if choose is None:
        return [(size, goal, scale_of_sizes(size, goal)) for size, goal in zip(image, wanted, strict=True)]
    scale = choose(scale_of_sizes(size, goal) for size, goal in zip(image, wanted, strict=True))
    return [(size, math.floor(size * scale + 0.5), scale) for size in image]


def _resize(net: Network, node: Node, axes: list[Axis], coordinates: Coordinates | None, nearest: Nearest) -> None:
    """coordinates: None for half_pixel_symmetric."""
    mode = node.text("mode", "nearest")
    if mode == "nearest" and coordinates is not None:
        rows, columns = (
            tuple(nearest_cell(i, scale, size, goal, coordinates, nearest) for i in range(goal))
            for size, goal, scale in axes
        )
        net.add_image(node, ResizeNearest(rows, columns))
    elif mode == "linear":
        lines = [tuple(_position(i, axis, coordinates) for i in range(axis[1])) for axis in axes]
        net.add_image(node, ResizeLinear(*lines))
    else:
        raise node.refused(f"mode is {mode!r}; nearest and linear are read, half_pixel_symmetric with linear alone")


def _position(place: int, axis: Axis, coordinates: Coordinates | None) -> float:
    """Where an output cell lies, moved to the nearest end where it lies beyond."""
    size, goal, scale = axis
    if coordinates is not None:
        found = resized_position(place, scale, size, goal, coordinates)
    else:
        found = float32(size / 2 * (1 - goal / (scale * size)) + (place + 0.5) / scale - 0.5)
    return min(max(found, 0.0), float(size - 1))
