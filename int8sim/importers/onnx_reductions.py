"""Readers of ONNX's means and normalizations over axes.

Source of every rule: onnx/onnx:docs/Operators.md and docs/Changelog.md, opsets 7 to 28.
"""

from __future__ import annotations

from int8sim.graph.ir import Layer
from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.importers.onnx_windows import EPSILON
from int8sim.model.step import Array
from int8sim.ops.flatten import Flatten
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.normalize import Normalize
from int8sim.ops.reduce_mean import ReduceMean


def read_reduce_mean(net: Network, node: Node) -> None:
    """ReduceMean: axes as an attribute up to opset 17, then as an input. Over an image's, it is GlobalAveragePool."""
    x = net.activation(node)
    shape = net.shape(x)
    if net.model.opset < 18:
        given = node.integers("axes", ())
    else:
        given = net.integers(node, 1, "axes") if node.input(1) else ()
    if not given and node.integer("noop_with_empty_axes", 0):
        net.reshaped(node, x, shape, node.output)
        return
    axes = tuple(sorted({net.axis(node, axis, len(shape)) for axis in given or range(len(shape))}))
    kept = bool(node.integer("keepdims", 1))
    if net.types[x].layout != "NCHW" or axes != (2, 3):
        net.add(node, ReduceMean(axes, kept), x)
    elif kept:
        net.add(node, GlobalAveragePool(), x)
    else:
        pooled = net.fresh(f"{node.layer}_pooled")
        net.write(Layer(pooled, GlobalAveragePool(), (x,), pooled))
        net.add(node, Flatten(), pooled)


def read_layer_normalization(net: Network, node: Node) -> None:
    """LayerNormalization: over all axes from one on; constant scale and bias."""
    x = net.activation(node)
    rank = len(net.types[x].shape)
    first = net.axis(node, node.integer("axis", -1), len(net.shape(x)))
    gamma = net.floats(node, 1, "scale")
    beta = net.floats(node, 2, "bias") if node.input(2) else gamma * 0
    _normalize(net, node, tuple(range(first, rank)), gamma, beta)


def read_instance_normalization(net: Network, node: Node) -> None:
    """InstanceNormalization: x [N, C, spatial], over the spatial axes; constant scale and bias [C]."""
    x = net.activation(node)
    shape = net.shape(x)
    if len(shape) < 3:
        raise node.refused(f"x is {list(shape)}; [N, C, spatial] is needed")
    ones = (1,) * (len(shape) - 2)
    gamma, beta = (net.floats(node, i, what) for i, what in ((1, "scale"), (2, "bias")))
    axes = tuple(range(2 + net.lead, len(shape) + net.lead))
    _normalize(net, node, axes, gamma.reshape(-1, *ones), beta.reshape(-1, *ones))


def _normalize(net: Network, node: Node, axes: tuple[int, ...], gamma: Array, beta: Array) -> None:
    names = [net.derived(node.layer, role, values) for role, values in (("scale", gamma), ("bias", beta))]
    net.add(node, Normalize(axes, node.real("epsilon", EPSILON)), net.activation(node), *names)
