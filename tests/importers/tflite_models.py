"""Small .tflite files for the importer's tests, written with the exporter's flatbuffer."""

import numpy as np
import pytest

from int8sim.model.tensor import QuantParams

pytest.importorskip("flatbuffers")
pytest.importorskip("ai_edge_litert")

from int8sim.exporters.tflite_flatbuffer import Flatbuffer

RNG = np.random.default_rng(0)
FINE, COARSE = QuantParams(0.05, 3), QuantParams(0.25, -7)
SHARE = QuantParams(1 / 256, -128)
STEPS = {"strideH": 1, "strideW": 1}
POOL = {"padding": 1, "filterHeight": 2, "filterWidth": 2}


class File:
    """A file as it grows: tensors by name."""

    def __init__(self, shape=(1, 6, 6, 4), quant=FINE, dtype="int8"):
        self.flat, self.outputs = Flatbuffer(), []
        self.last = self.x = self.flat.tensor("x", shape, dtype, quant)
        self.inputs = [self.x]

    def input(self, shape, quant=FINE, dtype="int8"):
        """One more input of the file."""
        self.inputs.append(self.flat.tensor(f"x{len(self.inputs)}", shape, dtype, quant))
        return self.inputs[-1]

    def integers(self, name, values):
        return self.flat.constant(name, np.array(values, np.int32))

    def weights(self, shape, outputs, axis):
        """A weight per channel, and its bias."""
        codes = RNG.integers(-127, 128, shape, dtype=np.int8)
        scales = tuple(float(np.float32(0.01 + 0.001 * i)) for i in range(outputs))
        weight = self.flat.constant("w", codes, QuantParams(scales, axis=axis))
        bias = self.flat.constant("b", np.arange(outputs, dtype=np.int32), QuantParams(scales, axis=0))
        return weight, bias

    def add(self, kind, shape, quant, *others, inputs=None, dtype="int8", **options):
        """One operator over the last tensor and `others`."""
        target = self.flat.tensor(f"{kind}_{len(self.flat.operators)}", shape, dtype, quant)
        self.last = self.flat.operator(kind, inputs or [self.last, *others], target, **options)
        return self

    def split(self, kind, inputs, shapes, quant=FINE, **options):
        """One operator with an output of each shape; all of them are the file's."""
        targets = [self.flat.tensor(f"part_{i}", shape, "int8", quant) for i, shape in enumerate(shapes)]
        self.flat.operator(kind, inputs, targets[0], **options)
        self.flat.operators[-1].outputs = targets
        self.outputs = targets
        return self

    def content(self):
        return self.flat.finish("small", "", self.inputs, self.outputs or [self.last])


def small():
    """Little data, so that most bits are structure: most operators with options."""
    file = File()
    file.add("CONV_2D", (1, 6, 6, 4), COARSE, *file.weights((4, 3, 3, 4), 4, 0), fusedActivationFunction=3, **STEPS)
    file.add("DEPTHWISE_CONV_2D", (1, 4, 4, 4), FINE, *file.weights((1, 3, 3, 4), 4, 3), padding=1, **STEPS)
    file.add("PAD", (1, 5, 5, 4), FINE, file.integers("p", [[0, 0], [0, 1], [1, 0], [0, 0]]))
    file.add("ADD", (1, 5, 5, 4), COARSE, file.last, fusedActivationFunction=1)
    file.add("MAX_POOL_2D", (1, 4, 4, 4), COARSE, **POOL, **STEPS)
    file.add("AVERAGE_POOL_2D", (1, 2, 2, 4), COARSE, **POOL, strideH=2, strideW=2)
    file.add("CONCATENATION", (1, 2, 2, 8), COARSE, file.last, axis=-1)
    file.add("RESIZE_NEAREST_NEIGHBOR", (1, 4, 2, 8), COARSE, file.integers("s", [4, 2]))
    ends = [file.integers(f"e{i}", each) for i, each in enumerate(([0, 3, -9, 0], [1, -9, 2, 8], [1, -1, 1, 1]))]
    file.add("STRIDED_SLICE", (1, 4, 2, 8), COARSE, *ends)
    file.add("TRANSPOSE", (1, 8, 4, 2), COARSE, file.integers("t", [0, 3, 1, 2]))
    file.add("RESHAPE", (1, 64), COARSE, file.integers("r", [-1, 64]))
    file.add("LEAKY_RELU", (1, 64), FINE, alpha=0.125)
    file.add("FULLY_CONNECTED", (1, 3), COARSE, *file.weights((3, 64), 3, 0))
    file.add("SOFTMAX", (1, 3), SHARE, beta=1.0)
    return file.add("DEQUANTIZE", (1, 3), None, dtype="float32")
