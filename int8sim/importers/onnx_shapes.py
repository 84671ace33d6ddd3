"""Readers of ONNX's operators that move values: joins, cuts, other shapes and orders of axes, other names.

What they need to know beside the activation is constant. Source of every rule: onnx/onnx:docs/Operators.md and
docs/Changelog.md, opsets 7 to 28.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from int8sim.graph.ir import Layer
from int8sim.importers.onnx_constants import FLOATS
from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.errors import LayerError
from int8sim.ops.concat import Concat
from int8sim.ops.flatten import Flatten
from int8sim.ops.pad import Pad
from int8sim.ops.slice import Slice
from int8sim.ops.softmax import Softmax
from int8sim.ops.transpose import Transpose

Shape = tuple[int, ...]
MOST_PARTS = 64
"""Parts that a Gather may be made of."""


def read_concat(net: Network, node: Node) -> None:
    """Concat: activations along an axis other than the batch."""
    inputs = [net.activation(node, position) for position in range(max(1, len(node.inputs)))]
    axis = net.axis(node, node.integer("axis", None), len(net.shape(inputs[0])))
    net.add(node, Concat(axis), *inputs)


def read_split(net: Network, node: Node) -> None:
    """Split: sizes as an attribute up to opset 12, then as an input, or as many equal parts as there are outputs."""
    x = net.activation(node)
    axis = net.axis(node, node.integer("axis", 0), len(net.shape(x)))
    start, outputs = 0, [name for name in node.outputs if name]
    for position, (name, size) in enumerate(zip(outputs, _sizes(net, node, net.types[x].shape[axis]), strict=False)):
        op = _slice(net.types[x].shape, {axis: range(start, start + size)}, node)
        net.write(Layer(node.layer if position == 0 else net.fresh(f"{node.layer}_{position}"), op, (x,), name))
        start += size


def _sizes(net: Network, node: Node, whole: int) -> Sequence[int]:
    if net.model.opset < 13:
        sizes: Sequence[int] = node.integers("split", (), None, 0)
    else:
        sizes = net.integers(node, 1, "sizes") if node.input(1) else ()
    if sizes and (sum(sizes) != whole or len(sizes) != len(node.outputs)):
        raise node.misfit(f"sizes {list(sizes)} do not make {whole}, or are not one for each of its outputs")
    count = len(node.outputs)
    if node.integer("num_outputs", count) != count:
        raise node.misfit(f"num_outputs is {node.integer('num_outputs', count)}; it has {count} outputs")
    part = -(-whole // count)
    return sizes or [max(min(part, whole - i * part), 0) for i in range(count)]


def _slice(shape: Shape, taken: dict[int, range], node: Node) -> Slice:
    """These places of some axes, and all of the others."""
    ranges = [taken.get(axis, range(size)) for axis, size in enumerate(shape)]
    if not all(ranges):
        raise node.refused("its output is empty")
    return Slice(*(tuple(getattr(each, end) for each in ranges) for end in ("start", "stop", "step")))


def read_slice(net: Network, node: Node) -> None:
    """Slice: places as attributes up to opset 9, then as inputs; steps may go back."""
    x = net.activation(node)
    shape = net.declared(x)
    if net.model.opset < 10:
        starts, ends = node.integers("starts", None), node.integers("ends", None)
        axes, steps = node.integers("axes", tuple(range(len(starts)))), (1,) * len(starts)
    else:
        starts, ends = net.integers(node, 1, "starts"), net.integers(node, 2, "ends")
        axes = net.integers(node, 3, "axes") if node.input(3) else tuple(range(len(starts)))
        steps = net.integers(node, 4, "steps") if node.input(4) else (1,) * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise node.misfit(f"starts {starts}, ends {ends}, axes {axes} and steps {steps} are not one for each axis")
    taken = {}
    for axis, *places in zip(axes, starts, ends, steps, strict=True):
        size = shape[axis] if -len(shape) <= axis < len(shape) else 0
        found = range(*slice(*places).indices(size))
        if found != range(size) or not -len(shape) <= axis < len(shape):
            taken[net.axis(node, axis, len(shape))] = found
    net.add(node, _slice(net.types[x].shape, taken, node), x)


def read_gather(net: Network, node: Node) -> None:
    """Gather by constant indices: places of one axis, in the indices' own shape."""
    x, indices = net.activation(node), net.constant(node, 1, "indices")
    shape = net.shape(x)
    axis = node.integer("axis", 0)
    place = net.axis(node, axis, len(shape))
    size = net.types[x].shape[place]
    whole = indices.dtype.kind in "iu"
    places = [index + size if index < 0 else index for index in indices.ravel().tolist()] if whole else []
    if not places or not all(0 <= index < size for index in places):
        raise node.misfit(f"its indices are not integers in {-size} .. {size - 1}, or there are none")
    target = (*shape[: place - net.lead], *indices.shape, *shape[place - net.lead + 1 :])
    if indices.ndim == 1:
        _gather(net, node, x, place, places, node.output)
    else:
        taken = net.fresh(f"{node.layer}_taken")
        net.reshaped(node, _gather(net, node, x, place, places, taken), target, node.output)


def _gather(net: Network, node: Node, x: str, axis: int, places: Sequence[int], output: str) -> str:
    """Slices of steps that do not change, side by side."""
    parts = _runs(places)
    if len(parts) > MOST_PARTS:
        raise node.refused(f"its indices make {len(parts)} pieces; {MOST_PARTS} are read")
    names = [output] if len(parts) == 1 else [net.fresh(f"{output}_{i}") for i in range(len(parts))]
    kind, own = net.types[x], output == node.output
    for name, part in zip(names, parts, strict=True):
        layer = node.layer if own and len(parts) == 1 else name
        net.write(Layer(layer, _slice(kind.shape, {axis: part}, node), (x,), name))
    if len(parts) > 1:
        net.write(Layer(node.layer if own else output, Concat(axis), tuple(names), output))
    return output


def _runs(places: Sequence[int]) -> list[range]:
    found = [range(places[0], places[0] + 1)]
    for place in places[1:]:
        last = found[-1]
        step = place - last[-1]
        if step and (len(last) == 1 or step == last.step):
            found[-1] = range(last[0], place + (1 if step > 0 else -1), step)
        else:
            found.append(range(place, place + 1))
    return found


def read_flatten(net: Network, node: Node) -> None:
    """Flatten: one row per sample, that is axis 1, unless axis 0 is no batch."""
    x = net.activation(node)
    shape = net.shape(x)
    axis = node.integer("axis", 1)
    if not -len(shape) <= axis <= len(shape):
        raise node.misfit(f"axis is {axis}; the tensor has {len(shape)} axes")
    first = axis + len(shape) if axis < 0 else axis
    if net.lead:
        net.reshaped(node, x, (math.prod(shape[:first]), math.prod(shape[first:])), node.output)
    elif first == 1:
        net.add(node, Flatten(), x)
    else:
        raise node.moves_batch(f"axis is {axis}; only axis 1 leaves the batch alone")


def read_reshape(net: Network, node: Node) -> None:
    """Reshape to a constant shape: 0 copies a size, one -1 takes what is left. The batch stays axis 0."""
    x, shape = net.activation(node), net.integers(node, 1, "shape")
    if node.integer("allowzero", 0) and 0 in shape:
        raise node.refused(f"the shape is {list(shape)} with allowzero 1: an empty tensor")
    old = net.shape(x)
    if len(shape) > len(old) and 0 in shape[len(old) :]:
        raise node.misfit(f"the shape {list(shape)} copies a dimension that {list(old)} does not have")
    new = tuple(old[axis] if size == 0 else size for axis, size in enumerate(shape))
    if not net.lead:
        if not shape or shape[0] not in {0, -1, net.model.batch}:
            raise node.moves_batch(
                f"the shape is {list(shape)}; axis 0 must stay the batch: 0, -1 or {net.model.batch}"
            )
        new = (1, *_sample(node, shape, new, old))
    else:
        new = _filled(node, new, old)
    net.reshaped(node, x, new, node.output)


def _sample(node: Node, given: Shape, new: Shape, old: Shape) -> Shape:
    """The new shape without the batch, if the batch is what the node keeps, or is left over."""
    try:
        if given[0] == -1 and -1 in new[1:]:
            raise node.misfit(f"the shape {list(given)} does not fit {list(old)} (the batch as 1)")
        return _filled(node, new[1:], old[1:])
    except LayerError:
        if given[0] == 0:
            raise
        raise node.moves_batch(f"the shape {list(given)} does not fit {list(old)} (the batch as 1)") from None


def _filled(node: Node, new: Shape, old: Shape) -> Shape:
    """The shape with a number for -1."""
    left, known = math.prod(old), math.prod(size for size in new if size != -1)
    open_axes = new.count(-1)
    fits = known > 0 and (left % known == 0 if open_axes else left == known)
    if open_axes > 1 or min(new, default=0) < -1 or not fits:
        raise node.misfit(f"the shape {list(new)} does not fit {list(old)}")
    return tuple(left // known if size == -1 else size for size in new)


def read_squeeze(net: Network, node: Node) -> None:
    """Squeeze: axes as an attribute up to opset 12, then as an input; without any, all of size 1."""
    x = net.activation(node)
    shape = net.shape(x)
    axes = _axes(net, node, [axis for axis, size in enumerate(shape) if size == 1])
    for axis in axes:
        net.axis(node, axis, len(shape))
    gone = {axis % len(shape) for axis in axes}
    if any(shape[axis] != 1 for axis in gone):
        raise node.misfit(f"axes {list(axes)} of {list(shape)} are not all of size 1")
    net.reshaped(node, x, tuple(size for axis, size in enumerate(shape) if axis not in gone), node.output)


def read_unsqueeze(net: Network, node: Node) -> None:
    """Unsqueeze: axes as an attribute up to opset 12, then as an input."""
    x = net.activation(node)
    axes = _axes(net, node, None)
    rank = len(net.shape(x)) + len(axes)
    new = {axis % rank for axis in axes if net.axis(node, axis, rank) >= net.lead}
    sizes = iter(net.shape(x))
    if len(new) != len(axes):
        raise node.misfit(f"axes {list(axes)} name one axis twice")
    net.reshaped(node, x, tuple(1 if axis in new else next(sizes) for axis in range(rank)), node.output)


def _axes(net: Network, node: Node, default: Sequence[int] | None) -> Sequence[int]:
    if net.model.opset < 13:
        return node.integers("axes", None if default is None else tuple(default))
    return net.integers(node, 1, "axes") if node.input(1) or default is None else default


def read_transpose(net: Network, node: Node) -> None:
    """Transpose: without perm the axes are reversed."""
    x = net.activation(node)
    rank = len(net.shape(x))
    perm = node.integers("perm", tuple(reversed(range(rank))))
    if not net.lead and perm and perm[0] != 0:
        raise node.moves_batch(f"perm {list(perm)} moves the batch")
    net.add(node, Transpose((*range(net.lead), *(axis + net.lead for axis in perm))), x)


def read_pad(net: Network, node: Node) -> None:
    """Pad with a constant. pads: an attribute up to opset 10, then an input, from opset 18 for some axes."""
    x = net.activation(node)
    rank = len(net.shape(x))
    axes = tuple(range(rank))
    if net.model.opset < 11:
        pads, value = node.integers("pads", None), node.real("value", 0.0)
    else:
        pads, value = net.integers(node, 1, "pads"), net.scalar(node, 2, "constant_value", 0.0)
        axes = net.integers(node, 3, "axes") if node.input(3) else axes
    if node.text("mode", "constant") != "constant":
        raise node.refused(f"mode is {node.text('mode', 'constant')!r}; only constant is read")
    if any(size < 0 for size in pads):
        raise node.refused(f"pads are {list(pads)}; negative pads, which cut, are not read")
    begins, ends = _all_axes(node, pads, axes, rank)
    if not net.lead and rank and begins[0] + ends[0]:
        raise node.moves_batch(f"pads {list(pads)} pad the batch")
    first = (0,) * net.lead
    net.add(node, Pad((*first, *begins, *first, *ends), value), x)


def _all_axes(node: Node, pads: Shape, axes: Shape, rank: int) -> tuple[Shape, Shape]:
    """Pads of some axes as begins and ends of all."""
    places = [axis % rank if -rank <= axis < rank else None for axis in axes]
    if None in places or len(set(places)) != len(axes) or len(pads) != 2 * len(axes):
        raise node.misfit(f"pads {list(pads)} for axes {list(axes)} do not fit a tensor with {rank} axes")
    begins, ends = dict(zip(places, pads, strict=False)), dict(zip(places, pads[len(axes) :], strict=True))
    return tuple(begins.get(axis, 0) for axis in range(rank)), tuple(ends.get(axis, 0) for axis in range(rank))


def read_softmax(net: Network, node: Node) -> None:
    """Softmax: along one axis from opset 13; before that over all axes from one on, which must come to the same."""
    x = net.activation(node)
    shape = net.shape(x)
    if net.model.opset >= 13:
        net.add(node, Softmax(net.axis(node, node.integer("axis", -1), len(shape))), x)
        return
    first = net.axis(node, node.integer("axis", 1), len(shape))
    wide = [axis for axis in range(first, len(net.types[x].shape)) if net.types[x].shape[axis] != 1]
    if len(wide) > 1:
        raise node.refused(
            f"before opset 13 axis {first - net.lead} means all axes from there on of {net.types[x]}; "
            "only one, not the batch, may have a size other than 1"
        )
    net.add(node, Softmax(wide[0] if wide else first), x)


def read_identity(net: Network, node: Node) -> None:
    """Identity: another name."""
    net.alias(node)


def read_cast(net: Network, node: Node) -> None:
    """Cast of an activation: another name where it is to a float type, all of which are computed as float32."""
    if node.integer("to", None) not in FLOATS:
        raise node.refused("it casts an activation to another type than a float; only constants are cast to those")
    net.alias(node)


def read_dropout(net: Network, node: Node) -> None:
    """Dropout at inference or of nothing: another name. From opset 12 a constant third input may ask for training."""
    if node.input(2) and net.constant(node, 2, "training_mode").any() and net.scalar(node, 1, "ratio", 0.5):
        raise node.refused("training_mode is on; export the model for inference")
    net.alias(node)
