"""A .tflite flatbuffer as it grows: tensors, buffers, operators. What each layer becomes is said in tflite.py.

The classes that hold the content are the ones that the package ai-edge-litert generates from TensorFlow Lite's schema.
Operator versions: google-ai-edge/LiteRT:tflite/tools/versioning/op_version.cc, those of int8 tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.model.errors import MissingPackageError
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams

FILE_VERSION = 3  # of the schema
IDENTIFIER = b"TFL3"

OPERATORS: Mapping[str, tuple[int, str]] = {
    "ADD": (2, "AddOptions"),
    "AVERAGE_POOL_2D": (2, "Pool2DOptions"),
    "BATCH_MATMUL": (2, "BatchMatMulOptions"),
    "CONCATENATION": (2, "ConcatenationOptions"),
    "CONV_2D": (3, "Conv2DOptions"),
    "DEPTHWISE_CONV_2D": (3, "DepthwiseConv2DOptions"),
    "DEQUANTIZE": (2, "DequantizeOptions"),
    "FULLY_CONNECTED": (5, "FullyConnectedOptions"),
    "HARD_SWISH": (1, "HardSwishOptions"),
    "LEAKY_RELU": (1, "LeakyReluOptions"),
    "LOGISTIC": (2, ""),
    "MAXIMUM": (2, "MaximumMinimumOptions"),
    "MAX_POOL_2D": (2, "Pool2DOptions"),
    "MEAN": (2, "ReducerOptions"),
    "MINIMUM": (2, "MaximumMinimumOptions"),
    "MUL": (2, "MulOptions"),
    "PAD": (2, "PadOptions"),
    "PADV2": (2, "PadV2Options"),
    "QUANTIZE": (1, "QuantizeOptions"),
    "RELU": (2, ""),
    "RELU6": (2, ""),
    "RESHAPE": (1, "ReshapeOptions"),
    "RESIZE_NEAREST_NEIGHBOR": (3, "ResizeNearestNeighborOptions"),
    "SOFTMAX": (2, "SoftmaxOptions"),
    "STRIDED_SLICE": (2, "StridedSliceOptions"),
    "SUB": (2, "SubOptions"),
    "TANH": (2, ""),
    "TRANSPOSE": (2, "TransposeOptions"),
}
"""Operator -> version, and the class of its options; "" for none."""

TYPES = {"float32": "FLOAT32", "int8": "INT8", "uint8": "UINT8", "int32": "INT32"}


class Flatbuffer:
    """Tensors by index, operators in order of execution. Raises MissingPackageError without ai-edge-litert."""

    def __init__(self) -> None:
        self.schema, self.flatbuffers = _packages()
        self.tensors: list[Any] = []
        self.operators: list[Any] = []
        self.codes: dict[str, Any] = {}
        self.buffers: list[Any] = [self.schema.BufferT()]  # buffer 0 stands for no content

    def tensor(
        self, name: str, shape: Sequence[int], dtype: str, quant: QuantParams | None = None, *, batched: bool = True
    ) -> int:
        """One more tensor; its index. batched: dimension 0 is the batch, of any size."""
        made = self.schema.TensorT(name=name, shape=list(shape), buffer=0, hasRank=True)
        made.type = getattr(self.schema.TensorType, TYPES[dtype])
        if batched:
            made.shapeSignature = [-1, *shape[1:]]
        if quant is not None:
            made.quantization = self._quantization(quant)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def constant(self, name: str, values: Array, quant: QuantParams | None = None) -> int:
        """One more tensor with content; its index."""
        contiguous = np.ascontiguousarray(values)
        index = self.tensor(name, contiguous.shape, contiguous.dtype.name, quant, batched=False)
        self.tensors[index].shape = list(values.shape)
        self.tensors[index].buffer = len(self.buffers)
        self.buffers.append(self.schema.BufferT(data=np.frombuffer(contiguous.tobytes(), np.uint8)))
        return index

    def operator(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """One operator; options as the schema spells them. Returns the output's index."""
        schema, (version, class_name) = self.schema, OPERATORS[kind]
        number = getattr(schema.BuiltinOperator, kind)
        position = list(self.codes).index(kind) if kind in self.codes else len(self.codes)
        self.codes.setdefault(
            kind, schema.OperatorCodeT(deprecatedBuiltinCode=min(number, 127), builtinCode=number, version=version)
        )
        made = schema.OperatorT(opcodeIndex=position, inputs=list(inputs), outputs=[output])
        if class_name:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, class_name)
            made.builtinOptions = getattr(schema, f"{class_name}T")(**options)
        self.operators.append(made)
        return output

    def activation(self, name: str) -> int:
        """The schema's number of a fused activation: NONE, RELU, RELU6 or RELU_N1_TO_1."""
        return int(getattr(self.schema.ActivationFunctionType, name))

    def padding(self, name: str) -> int:
        """The schema's number of SAME or VALID."""
        return int(getattr(self.schema.Padding, name))

    def finish(self, name: str, description: str, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The whole file."""
        subgraph = self.schema.SubGraphT(tensors=self.tensors, operators=self.operators, name=name)
        subgraph.inputs, subgraph.outputs = list(inputs), list(outputs)
        model = self.schema.ModelT(version=FILE_VERSION, description=description, buffers=self.buffers)
        model.operatorCodes, model.subgraphs = list(self.codes.values()), [subgraph]
        builder = self.flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
        return bytes(builder.Output())

    def _quantization(self, quant: QuantParams) -> Any:
        scales = np.array(quant.scales, np.float32)
        zero_points = np.broadcast_to(np.array(quant.zero_point, np.int64), scales.shape).copy()
        return self.schema.QuantizationParametersT(
            scale=scales, zeroPoint=zero_points, quantizedDimension=quant.axis or 0
        )


def _packages() -> tuple[Any, Any]:
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated
    except ImportError as missing:
        package = (missing.name or "").partition(".")[0].replace("_", "-") or "ai-edge-litert"
        raise MissingPackageError(package, "tflite", "writing a .tflite file") from None
    return schema_py_generated, flatbuffers
