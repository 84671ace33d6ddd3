"""Convolutions, fully connected layers and transposed convolutions: which sum of products each is."""

from __future__ import annotations

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.chain import convolution_of_reals, transposed_of_reals
from int8sim.export_c.layers.move import ZERO, arranged, copy, places
from int8sim.export_c.layers.sequence import convolution_in_order
from int8sim.export_c.layers.sums import convolution_of_codes
from int8sim.export_c.layers.window import Window
from int8sim.kernels.geometry import PIXELWISE
from int8sim.kernels.storage import stored_axes
from int8sim.kernels.transposed import Untransposed, untransposed
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.conv_transpose import ConvTranspose


def convolution(site: Site) -> list[Call]:
    """Of conv2d."""
    op = site.layer.op
    assert isinstance(op, Conv2d)
    return [_convolved(site, _window(site, op))]


def _window(site: Site, op: Conv2d | ConvTranspose) -> Window:
    size = *_stored(site.types[0])[1:], *_stored(site.output)[1:]
    return Window(op, site.inputs()[0], site.types, _weights(site), site.constant(2), size)


def fully_connected(site: Site) -> list[Call]:
    """A 1x1 convolution over whatever precedes the last axis."""
    weights = _weights(site)[:, :, None, None]
    outputs, depth, _, _ = weights.shape
    pixels = site.out().count // outputs
    x, moved = arranged(site, 0, site.types[0].shape)
    size = 1, pixels, depth, 1, pixels, outputs
    return [*moved, _convolved(site, Window(PIXELWISE, x, site.types, weights, site.constant(2), size))]


def conv_transpose(site: Site) -> list[Call]:
    """A convolution with the weights turned round, over x with real zeros between its cells and around them."""
    op = site.layer.op
    assert isinstance(op, ConvTranspose)
    if site.layer.arithmetic is None:
        return [transposed_of_reals(site, _window(site, op))]
    plain = untransposed(op, site.types[0], site.output, _weights(site))
    x, moved = _spread(site, plain)
    types, size = (plain.kind, *site.types[1:]), (*plain.kind.shape[1:], *_stored(site.output)[1:])
    return [moved, _convolved(site, Window(plain.op, x, types, plain.weights, site.constant(2), size))]


def _spread(site: Site, plain: Untransposed) -> tuple[Room, Call]:
    """x on its grid."""
    (given,), cells = site.inputs(), places(site.types[0])
    rows, columns = plain.places(*cells.shape[1:3])
    sources = np.full(plain.kind.shape, ZERO)
    sources[:, rows[1], columns[1]] = cells[:, rows[0], columns[0]]
    out = site.own("spread", plain.kind.dtype, sources.size)
    return out, copy(given, out, sources, plain.kind.quantized.tensor_zero_point)


def _weights(site: Site) -> Array:
    weights = site.constant(1)
    if weights is None:
        raise site.refused("its weights are no constant")
    return weights


def _stored(kind: TensorType) -> tuple[int, ...]:
    return tuple(kind.shape[axis] for axis in stored_axes(kind))


def _convolved(site: Site, given: Window) -> Call:
    if site.layer.arithmetic is None:
        return convolution_of_reals(site, given)
    if given.in_sequence(site.arithmetic):
        return convolution_in_order(site, given)
    return convolution_of_codes(site, given)
