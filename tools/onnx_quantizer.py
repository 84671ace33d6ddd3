"""Networks made by ONNX Runtime's own static quantizer, and every tensor of them as ONNX Runtime computes it."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import onnx

from int8sim.model.step import Array

KINDS = tuple((pair, each) for pair in ("u8s8", "u8u8", "s8s8") for each in (False, True))
"""Activations and weights, and whether per channel; the quantizer refuses s8u8, and the engine has no kernel for it."""

BITS = (4, 8, 16)
INT8_ALLOWED = "session.qdqisint8allowed"
"""The setting by which ONNX Runtime fuses QDQ graphs with int8 activations on x86, too."""


def quantized(
    source: Path,
    samples: Iterable[Mapping[str, Array]],
    kind: str,
    channels: bool,
    target: Path,
    form: str,
    **options: Any,
) -> Path:
    """The float model, quantized by ranges of the samples.

    kind: as "u8s8". form: "QOperator" or "QDQ". options: the quantizer's extra_options.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.waiting = iter(samples)

        def get_next(self) -> Mapping[str, Array] | None:
            return next(self.waiting, None)

    own = target.with_name(f"{target.stem}_float.onnx")  # ONNX Runtime writes a file beside the one it is given
    shutil.copyfile(source, own)
    types = {
        f"{sign}{bits}": QuantType[f"Q{name}{bits}"] for sign, name in (("u", "UInt"), ("s", "Int")) for bits in BITS
    }
    activations, weights = (types[part] for part in re.findall("[us][0-9]+", kind))
    logging.disable(logging.WARNING)  # the quantizer writes to the root logger
    try:
        quantize_static(
            own,
            target,
            Reader(),
            quant_format=QuantFormat[form],
            activation_type=activations,
            weight_type=weights,
            per_channel=channels,
            extra_options=options,
        )
    finally:
        logging.disable(logging.NOTSET)
    return target


def node_outputs(path: Path, *operators: str) -> list[str]:
    """The tensors that nodes of a file give, of these operators or of all but constants."""
    nodes = onnx.load(path).graph.node
    wanted = [node for node in nodes if (node.op_type in operators if operators else node.op_type != "Constant")]
    return [name for node in wanted for name in node.output]


def run_file(
    path: Path, inputs: Mapping[str, Array], names: Iterable[str], optimized: bool = True, **settings: str
) -> dict[str, Array]:
    """These tensors of a file by ONNX Runtime, one thread, each made an output. settings: entries of the session."""
    import onnxruntime

    proto, wanted = onnx.load(path), list(names)
    outputs = {each.name for each in proto.graph.output}
    extra = [name for name in wanted if name not in outputs]
    proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in extra)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for name, value in settings.items():
        options.add_session_config_entry(name, value)
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(wanted, session.run(wanted, dict(inputs)), strict=True))


def optimized(source: Path, target: Path, **settings: str) -> Path:
    """The model as ONNX Runtime's optimizer leaves it. settings: entries of the session."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(target), 3
    for name, value in settings.items():
        options.add_session_config_entry(name, value)
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return target


def prepared(source: Path, shape: tuple[int, ...], target: Path) -> Path:
    """A float model of one input with that shape, as the quantizer wants it: shapes known, fused by ONNX Runtime."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    fixed = shaped(source, shape, target.with_name(f"{target.stem}_shaped.onnx"))
    quant_pre_process(fixed, target, skip_symbolic_shape=True)
    return target


def shaped(source: Path, shape: tuple[int, ...], target: Path) -> Path:
    """A model of one input with that shape, otherwise as it was."""
    proto = onnx.load(source)
    dimensions = proto.graph.input[0].type.tensor_type.shape.dim
    for dimension, size in zip(dimensions, shape, strict=True):
        dimension.dim_value = size
    del proto.graph.value_info[:]
    onnx.save(proto, target)
    return target
