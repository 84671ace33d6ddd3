"""Operators of com.microsoft that take images with channels last, as ONNX Runtime's optimizer writes them.

They are read between two transposes. Source: microsoft/onnxruntime:docs/ContribOperators.md and
onnxruntime/core/optimizer/nhwc_transformer.cc.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_quantized_network import QuantizedNetwork
from int8sim.importers.onnx_shapes import read_transpose
from int8sim.importers.onnx_windows import read_max_pool

Reader = Callable[[QuantizedNetwork, Node], None]


def either(read: Reader) -> Reader:
    """A reader of channels first, also where the attribute channels_last is 1."""

    def read_either(net: QuantizedNetwork, node: Node) -> None:
        if node.integer("channels_last", 0):
            _between(read, net, node)
        else:
            read(net, node)

    return read_either


def read_nhwc_max_pool(net: QuantizedNetwork, node: Node) -> None:
    """NhwcMaxPool of codes."""
    _between(read_max_pool, net, replace(node, operator="MaxPool"))


def _between(read: Reader, net: QuantizedNetwork, node: Node) -> None:
    rank = net.rank(node)
    before, behind = (net.fresh(f"{node.layer}_{role}") for role in ("channels_first", "channels_last"))
    inner = net.fresh(f"{node.output}_channels_first")
    to_first, to_last = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
    own = {name: value for name, value in node.attributes.items() if name != "channels_last"}
    read_transpose(net, replace(node, layer=before, outputs=(before,), attributes={"perm": to_first}))
    read(net, replace(node, inputs=(before, *node.inputs[1:]), outputs=(inner,), attributes=own))
    read_transpose(net, replace(node, layer=behind, inputs=(inner,), attributes={"perm": to_last}))
