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
    return opened(content, profile, outputs)([np.ascontiguousarray(values) for values in inputs])


def opened(content, profile, outputs=1):
    """The file in an engine, which keeps its variables: a function of all inputs, contiguous, to all outputs."""
    return micro(content, outputs) if profile == "tflm" else litert(content, KERNELS[profile])


def litert(content, kernels):
    """By LiteRT with a member of OpResolverType."""
    interpreters = pytest.importorskip("ai_edge_litert.interpreter")
    resolver = interpreters.OpResolverType[kernels]
    made = interpreters.Interpreter(model_content=content, experimental_op_resolver_type=resolver, num_threads=1)
    made.allocate_tensors()

    def run(inputs):
        for detail, values in zip(made.get_input_details(), inputs, strict=True):
            made.set_tensor(detail["index"], values)
        made.invoke()
        return [made.get_tensor(detail["index"]) for detail in made.get_output_details()]

    return run


def micro(content, outputs):
    """By TensorFlow Lite Micro."""
    made = pytest.importorskip("tflite_micro").runtime.Interpreter.from_bytes(content, arena_size=1 << 23)

    def run(inputs):
        for place, values in enumerate(inputs):
            made.set_input(values, place)
        made.invoke()
        return [made.get_output(place) for place in range(outputs)]

    return run
