"""What several commands take: choices, arguments, options, with their help."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class Preset(StrEnum):
    """Activations symmetric, or asymmetric where the hardware allows."""

    PERFORMANCE = "performance"
    MIXED = "mixed"


class Weights(StrEnum):
    """Scales of weights."""

    TENSOR = "tensor"
    CHANNEL = "channel"


class Method(StrEnum):
    """Calibrators: TensorRT's four, then two of pytorch-quantization."""

    ENTROPY2 = "entropy2"
    ENTROPY = "entropy"
    MINMAX = "minmax"
    LEGACY = "legacy"
    PERCENTILE = "percentile"
    MSE = "mse"


class StatisticsKind(StrEnum):
    """How values are gathered: TensorRT's range, or one that does not depend on batches."""

    TENSORRT = "tensorrt"
    MERGEABLE = "mergeable"


class Backend(StrEnum):
    """Interpreted spec, compiled, or a GPU."""

    REFERENCE = "reference"
    CPU = "cpu"
    CUDA = "cuda"


class TableFormat(StrEnum):
    """Table files."""

    TENSORRT = "tensorrt"
    NVDLA = "nvdla"
    ONNXRUNTIME = "onnxruntime"
    RANGES = "ranges"


class TableReader(StrEnum):
    """Programs that read tables."""

    TENSORRT = "tensorrt"
    ONNXRUNTIME = "onnxruntime"
    NVDLA = "nvdla"
    MODELOPT = "modelopt"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Model = Annotated[
    Path, typer.Argument(help="A network: .onnx, Caffe's .prototxt, .tflite, or .h5 with a lowered graph.")
]
DATA_HELP = (
    "Inputs [N, ...]: FILE.npy, FILE.npz[:NAME], FILE.h5:DATASET, an IDX file (MNIST's, .gz too), a folder of images, "
    "or TensorRT batch files by folder or prefix."
)
Data = Annotated[str, typer.Option(help=DATA_HELP)]
Divide = Annotated[float, typer.Option(help="Divide the data by this in float32 (255 for pixels).")]
Mean = Annotated[str, typer.Option(help="Then subtract this: one number, or one per channel, as 0.485,0.456,0.406.")]
Std = Annotated[str, typer.Option(help="Then divide by this, written as --mean is.")]
Resize = Annotated[str, typer.Option(help="Images: the shorter side to 256, or to exactly 320x240 (width x height).")]
Crop = Annotated[str, typer.Option(help="Images: then the centre, 224 or 224x224.")]
Channels = Annotated[str, typer.Option(help="Images: rgb, bgr or gray; by default as many as the network has.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
RANGES_HELP = "A TensorRT cache, an NVDLA JSON table; or a quantized network or lowered graph, for its own ranges."
Ranges = Annotated[Path, typer.Option("--table", help=RANGES_HELP)]
TableFile = Annotated[Path, typer.Option("--table", help="A TensorRT calibration cache or an NVDLA JSON table.")]
Granularity = Annotated[
    Weights | None, typer.Option("--weights", help="One scale a tensor or a channel; by default as the target's own.")
]
Exclude = Annotated[list[str] | None, typer.Option(help="Leave this layer in float32; repeatable.")]
FloatEnds = Annotated[
    bool, typer.Option("--float-ends", help="Leave the first and the last layer with weights in float32.")
]
Format = Annotated[TableFormat, typer.Option(help="The file to write.")]
CalibrationMethod = Annotated[Method, typer.Option(help="The calibrator.")]
Percentile = Annotated[float | None, typer.Option(help="Of percentile: percent of |x| kept, 99.99 by default.")]
Quantile = Annotated[float | None, typer.Option(help="Of legacy: share of |x| kept, 0.999999 by default.")]
Cutoff = Annotated[float | None, typer.Option(help="Of legacy: written in the header; its regression is not public.")]
StatisticsFile = Annotated[Path, typer.Argument(help="Statistics, as `calibrate --save` writes them.")]
AnyTable = Annotated[Path, typer.Argument(help="A table.")]
TableModel = Annotated[Path | None, typer.Option("--model", help="The float network that the table is for.")]
Source = Annotated[TableFormat | None, typer.Option("--from", help="Its format; onnxruntime and ranges must be named.")]
CacheVersion = Annotated[str, typer.Option(help="TensorRT's number in a cache's header; \"\" for the oldest form.")]
Algorithm = Annotated[str, typer.Option(help="The calibrator in a cache's header; the table's own by default.")]
AsRead = Annotated[bool, typer.Option("--as-read", help="Keep the header of the cache that is read.")]
ProfileName = Annotated[
    str, typer.Option(help="The target: tensorrt, nvdla, onnxruntime ..., or yours; `int8sim doctor` lists them.")
]
Engine = Annotated[
    str | None,
    typer.Option("--profile", help="Of a quantized .tflite or .onnx: who computes, as tflm, onnxruntime"),
]


def lowering(weights: Weights | None, exclude: list[str] | None, float_ends: bool) -> dict[str, Any]:
    """Those of `lower`'s keywords that several commands take."""
    return {"weights": str(weights or ""), "exclude": exclude or (), "float_ends": float_ends}


def parameters(percentile: float | None, quantile: float | None, cutoff: float | None) -> dict[str, float]:
    """Those of the calibrators' numbers that were given."""
    given = {"percentile": percentile, "quantile": quantile, "cutoff": cutoff}
    return {name: value for name, value in given.items() if value is not None}
