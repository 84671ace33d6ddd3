"""A .tflite file's content, run by the engines themselves."""

import numpy as np
import pytest

KERNELS = {
    "tflite_reference": "BUILTIN_REF",
    "tflite_optimized": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "xnnpack": "BUILTIN",
}
ENGINES = ("tflm", *KERNELS)


def answers(content, inputs, profile, outputs=1):
    """As many outputs of the file, of its inputs in order, each [1, ...]."""
    return micro(content, inputs, outputs) if profile == "tflm" else litert(content, inputs, KERNELS[profile])


def litert(content, inputs, kernels):
    """By LiteRT with a member of OpResolverType."""
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = interpreters.OpResolverType[kernels]
    made = interpreters.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    made.allocate_tensors()
    for detail, values in zip(made.get_input_details(), inputs, strict=True):
        made.set_tensor(detail["index"], np.ascontiguousarray(values))
    made.invoke()
    return [made.get_tensor(detail["index"]) for detail in made.get_output_details()]


def micro(content, inputs, outputs):
    """By TensorFlow Lite Micro."""
    made = pytest.importorskip("tflite_micro").runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    for place, values in enumerate(inputs):
        made.set_input(np.ascontiguousarray(values), place)
    made.invoke()
    return [made.get_output(place) for place in range(outputs)]
