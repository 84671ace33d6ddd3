"""An ONNX model as it grows: nodes, initializers, names. What each layer becomes is said in onnx.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from int8sim.graph.ir import Graph
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

OPSET = 17  # ONNX 1.12; every operator used here has its int8 and uint8 form by then
IR_VERSION = 8
MICROSOFT = "com.microsoft"
BATCH = "N"

TYPES = {
    "float32": TensorProto.FLOAT,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int32": TensorProto.INT32,
}
TO_NCHW, TO_NHWC = (0, 3, 1, 2), (0, 2, 3, 1)


class OnnxModel:
    """Nodes and initializers in the order in which they are asked for.

    kinds: the type of every tensor, the graph's own and those that the file needs besides.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.kinds: dict[str, TensorType] = dict(graph.tensors)
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.written: dict[str, str] = {}

    def fresh(self, name: str, kind: TensorType) -> str:
        """A name for one more tensor: the one proposed, or that with underscores where the graph has taken it."""
        while name in self.kinds:
            name += "_"
        self.kinds[name] = kind
        return name

    def node(self, op: str, inputs: Iterable[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        """One operator, named after what it writes. Returns the output's name."""
        made = helper.make_node(op, list(inputs), [output], f"{output}_{op}", domain=domain, **attributes)
        self.nodes.append(made)
        return output

    def constant(self, name: str, values: Array) -> str:
        """An initializer, under its own name if the graph has it as a constant. Returns the name."""
        if name not in self.graph.constants:
            name = self.fresh(name, TensorType(tuple(values.shape), values.dtype.name))
        self.initializers.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def weight(self, name: str) -> str:
        """A constant of the graph, written once."""
        return self._once(name, name, self.graph.constants[name])

    def scale(self, name: str) -> str:
        """A tensor's scale: float32, one value or one per channel."""
        quant = self.kinds[name].quantized
        values, _ = np.broadcast_arrays(np.array(quant.scale, np.float32), quant.zero_point)
        return self._once(f"{name} scale", f"{name}_scale", values)

    def zero_point(self, name: str) -> str:
        """A tensor's zero point, of the tensor's own type and the scale's shape."""
        quant = self.kinds[name].quantized
        values, _ = np.broadcast_arrays(np.array(quant.zero_point, quant.dtype), quant.scale)
        return self._once(f"{name} zero_point", f"{name}_zero_point", values)

    def quantization(self, name: str) -> list[str]:
        """Scale and zero point."""
        return [self.scale(name), self.zero_point(name)]

    def transposed(self, name: str, order: Sequence[int], label: str) -> str:
        """A transposed copy of a tensor."""
        kind = self.kinds[name]
        shape = tuple(kind.shape[axis] for axis in order)
        copy = self.fresh(f"{name}_{label}", replace(kind, shape=shape, layout=label.upper()))
        return self.node("Transpose", [name], copy, perm=list(order))

    def reshaped(self, name: str, shape: Sequence[int], output: str) -> str:
        """A tensor in another shape of one sample, the batch as it comes. Returns the output's name."""
        return self.node("Reshape", [name, self.constant(f"{output}_shape", np.array([-1, *shape], np.int64))], output)

    def finish(self) -> ModelProto:
        """The whole model; its description lists the lowering's notes."""
        graph = self.graph
        inner = [name for name in graph.activations() if name not in (*graph.inputs, *graph.outputs)]
        inputs, outputs, others = (list(map(self._info, names)) for names in (graph.inputs, graph.outputs, inner))
        made = helper.make_graph(self.nodes, graph.name, inputs, outputs, self.initializers, value_info=others)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="int8sim")
        model.doc_string = "\n".join(graph.notes)
        return model

    def _once(self, key: str, name: str, values: Array) -> str:
        if key not in self.written:
            self.written[key] = self.constant(name, values)
        return self.written[key]

    def _info(self, name: str) -> ValueInfoProto:
        kind = self.kinds[name]
        return helper.make_tensor_value_info(name, TYPES[kind.dtype], [BATCH, *kind.shape[1:]])
