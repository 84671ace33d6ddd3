"""The commands: names, options and help. Each imports what it does on first use, so that --help stays quick."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="int8sim",
    help="The INT8 reference that hardware people sign off against: bit-exact integer networks and golden files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # drawing the help with rich costs a third of the time that --help may take
)
table_app = typer.Typer(
    help="Calibration tables: show, convert, merge, accepts, explain, pairs, lint, to-qdq.", no_args_is_help=True
)
statistics_app = typer.Typer(help="Calibration statistics: table, merge, curve.", no_args_is_help=True)
golden_app = typer.Typer(help="Golden files: record and verify.", no_args_is_help=True)
app.add_typer(table_app, name="table")
app.add_typer(statistics_app, name="statistics")
app.add_typer(golden_app, name="golden")


class Preset(StrEnum):
    """Activations symmetric, or asymmetric where the hardware allows."""

    PERFORMANCE = "performance"
    MIXED = "mixed"


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
Model = Annotated[Path, typer.Argument(help="A network: .onnx, Caffe's .prototxt, or .h5 with a lowered graph.")]
DATA_HELP = (
    "Inputs [N, ...]: FILE.npy, FILE.npz[:NAME], FILE.h5:DATASET, an IDX file (MNIST's, .gz too), a folder of images, "
    "or TensorRT batch files by folder or prefix."
)
Data = Annotated[str, typer.Option(help=DATA_HELP)]
Labels = Annotated[str, typer.Option(help="Class numbers [N], written as --data is.")]
Divide = Annotated[float, typer.Option(help="Divide the data by this in float32 (255 for pixels).")]
Mean = Annotated[str, typer.Option(help="Then subtract this: one number, or one per channel, as 0.485,0.456,0.406.")]
Std = Annotated[str, typer.Option(help="Then divide by this, written as --mean is.")]
Resize = Annotated[str, typer.Option(help="Images: the shorter side to 256, or to exactly 320x240 (width x height).")]
Crop = Annotated[str, typer.Option(help="Images: then the centre, 224 or 224x224.")]
Channels = Annotated[str, typer.Option(help="Images: rgb, bgr or gray; by default as many as the network has.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
TableFile = Annotated[Path, typer.Option("--table", help="A TensorRT calibration cache or an NVDLA JSON table.")]
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
ProfileName = Annotated[str, typer.Option(help="The target: tensorrt, nvdla, onnxruntime, tflite_reference, or yours.")]


def parameters(percentile: float | None, quantile: float | None, cutoff: float | None) -> dict[str, float]:
    """Those of the calibrators' numbers that were given."""
    given = {"percentile": percentile, "quantile": quantile, "cutoff": cutoff}
    return {name: value for name, value in given.items() if value is not None}


@app.command()
def quickstart(
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")] = Path("int8sim-quickstart"),
    json: Json = False,
) -> None:
    """Calibrate a trained LeNet, lower it to four targets, run 1,000 digits, verify two engines bit for bit."""
    from int8sim.cli.quickstart import quickstart as command

    raise typer.Exit(command(output, json))


@app.command()
def doctor(json: Json = False) -> None:
    """What this machine offers: versions, instruction set, kernels' cache, backends, and why not where not."""
    from int8sim.cli.doctor import doctor as command

    raise typer.Exit(command(json))


@app.command()
def calibrate(
    model: Model,
    data: Data,
    output: Output,
    method: CalibrationMethod = Method.ENTROPY2,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples per batch; entropy2 depends on it.")] = 50,
    batches: Annotated[int | None, typer.Option(min=1, help="How many batches; all full ones by default.")] = None,
    skip: Annotated[int, typer.Option(min=0, help="Samples left out at the start.")] = 0,
    subset: Annotated[str | None, typer.Option(help="Of the rest, 10% or a number of samples, evenly spaced.")] = None,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    percentile: Percentile = None,
    quantile: Quantile = None,
    cutoff: Cutoff = None,
    statistics: Annotated[StatisticsKind, typer.Option(help="How values are gathered.")] = StatisticsKind.TENSORRT,
    resume: Annotated[Path | None, typer.Option(help="Statistics to continue, as --save wrote them.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the statistics: for another calibrator, more data.")] = None,
    format: Format = TableFormat.TENSORRT,  # noqa: A002
    version: CacheVersion = "8601",
    json: Json = False,
) -> None:
    """Derive the scales of a float network from data, as TensorRT does, and write a table."""
    from int8sim.cli.calibrating import Target
    from int8sim.cli.calibrating import calibrate as command
    from int8sim.cli.data import StreamOptions, read_preprocessing

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    options = StreamOptions(data, preprocessing, batch_size, batches, skip, subset)
    target = Target(output, method, parameters(percentile, quantile, cutoff), format, version)
    raise typer.Exit(command(model, options, target, statistics, resume, save, json))


@statistics_app.command("table")
def statistics_table(
    file: StatisticsFile,
    output: Output,
    method: CalibrationMethod = Method.ENTROPY2,
    percentile: Percentile = None,
    quantile: Quantile = None,
    cutoff: Cutoff = None,
    format: Format = TableFormat.TENSORRT,  # noqa: A002
    version: CacheVersion = "8601",
    json: Json = False,
) -> None:
    """Write a table by any calibrator from saved statistics, with no second pass over the data."""
    from int8sim.cli.calibrating import Target
    from int8sim.cli.calibrating import statistics_table as command

    target = Target(output, method, parameters(percentile, quantile, cutoff), format, version)
    raise typer.Exit(command(file, target, json))


@statistics_app.command("merge")
def statistics_merge(first: StatisticsFile, second: StatisticsFile, output: Output, json: Json = False) -> None:
    """Make one of two shards' statistics; both of the kind mergeable, of one network."""
    from int8sim.cli.calibrating import statistics_merge as command

    raise typer.Exit(command(first, second, output, json))


@statistics_app.command("curve")
def statistics_curve(
    file: StatisticsFile, tensor: Annotated[str, typer.Argument(help="A tensor.")], json: Json = False
) -> None:
    """Print what the entropy search sees: the divergence of every threshold, the chosen one marked."""
    from int8sim.cli.calibrating import statistics_curve as command

    raise typer.Exit(command(file, tensor, json))


@table_app.command("show")
def table_show(file: AnyTable, source: Source = None, json: Json = False) -> None:
    """Print the rows of a table: scale, bits, threshold; and what it was made from, where that is known."""
    from int8sim.cli.tables import table_show as command

    raise typer.Exit(command(file, source or "", json))


@table_app.command("convert")
def table_convert(
    file: AnyTable,
    output: Output,
    to: Annotated[TableFormat, typer.Option(help="The format to write.")],
    source: Source = None,
    version: CacheVersion = "8601",
    algorithm: Algorithm = "",
    as_read: AsRead = False,
    padded: Annotated[
        bool, typer.Option("--padded", help="A cache's rows with eight digits, zero as 00000000.")
    ] = False,
    model: Annotated[Path | None, typer.Option(help="NVDLA: name and check the layers of this float network.")] = None,
    json: Json = False,
) -> None:
    """Write a table in another format, and say what its reader will miss."""
    from int8sim.cli.tables import table_convert as command

    raise typer.Exit(command(file, output, to, source or "", version, algorithm, as_read, padded, model, json))


@table_app.command("merge")
def table_merge(
    first: AnyTable,
    second: AnyTable,
    output: Output,
    to: Annotated[TableFormat, typer.Option(help="The format to write.")] = TableFormat.TENSORRT,
    version: CacheVersion = "8601",
    algorithm: Algorithm = "",
    as_read: AsRead = False,
    json: Json = False,
) -> None:
    """Write the rows of two tables as one; a tensor in both must have one scale."""
    from int8sim.cli.tables import table_merge as command

    raise typer.Exit(command(first, second, output, to, version, algorithm, as_read, json))


@table_app.command("accepts")
def table_accepts(
    file: AnyTable,
    version: Annotated[str, typer.Option(help="The TensorRT that is to read it: 8601 for 8.6.1, 100300 for 10.3.")],
    algorithm: Annotated[str, typer.Option(help="Its calibrator: entropy2, entropy, minmax or legacy.")] = "entropy2",
    json: Json = False,
) -> None:
    """Whether TensorRT reuses a cache, by its documentation; status 1 where it calibrates again."""
    from int8sim.cli.tables import table_accepts as command

    raise typer.Exit(command(file, version, algorithm, json))


@table_app.command("explain")
def table_explain(
    file: AnyTable,
    model: TableModel = None,
    input: Annotated[list[str] | None, typer.Option(help="A row of a network input; repeatable.")] = None,  # noqa: A002
    json: Json = False,
) -> None:
    """Say what somebody else's table was made from: ranges and bins, input scaling, rows that contradict each other."""
    from int8sim.cli.table_explain import table_explain as command

    raise typer.Exit(command(file, model, input or [], json))


@table_app.command("pairs")
def table_pairs(
    file: AnyTable, tensor: Annotated[str, typer.Argument(help="A row's tensor.")], json: Json = False
) -> None:
    """List every range and bin that give a row's scale."""
    from int8sim.cli.table_explain import table_pairs as command

    raise typer.Exit(command(file, tensor, json))


@table_app.command("lint")
def table_lint(
    file: AnyTable,
    reader: Annotated[TableReader, typer.Option(help="The program that is to read it.")],
    model: TableModel = None,
    json: Json = False,
) -> None:
    """Name what a program would misread, drop or miss in a table, by line."""
    from int8sim.cli.table_lint import table_lint as command

    raise typer.Exit(command(file, reader, model, json))


@table_app.command("to-qdq")
def table_to_qdq(model: Model, file: AnyTable, output: Output, json: Json = False) -> None:
    """Write a float network and a table as ONNX with QuantizeLinear and DequantizeLinear pairs."""
    from int8sim.cli.table_qdq import table_to_qdq as command

    raise typer.Exit(command(model, file, output, json))


@app.command()
def lower(
    model: Model,
    table: TableFile,
    profile: ProfileName,
    output: Output,
    preset: Annotated[Preset, typer.Option(help="How activations are quantized.")] = Preset.PERFORMANCE,
    json: Json = False,
) -> None:
    """Write the integer graph of a target, and say what the engine overrides and what stays float."""
    from int8sim.cli.commands import lower as command

    raise typer.Exit(command(model, table, profile, preset, output, json))


@app.command()
def run(
    model: Model,
    data: Data,
    output: Output,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    keep_all: Annotated[bool, typer.Option("--all", help="Every tensor, not only the outputs.")] = False,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    json: Json = False,
) -> None:
    """Run a network and write its tensors as .npz."""
    from int8sim.cli.commands import run as command
    from int8sim.cli.data import read_preprocessing

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    raise typer.Exit(command(model, data, output, backend, keep_all, preprocessing, json))


@app.command("sample-int8")
def sample_int8(
    datadir: Annotated[list[Path], typer.Option(help="A folder with the Caffe network or MNIST's files; repeatable.")],
    batch: Annotated[int, typer.Option(min=1, help="Images per scored batch.")] = 32,
    start: Annotated[int, typer.Option(min=0, help="The batch before the first that is scored.")] = 16,
    score: Annotated[int, typer.Option(min=1, help="How many batches are scored.")] = 1800,
    method: CalibrationMethod = Method.ENTROPY2,
    version: Annotated[str, typer.Option(help="TensorRT's version number in the cache's header.")] = "7202",
    network_name: Annotated[str, typer.Option(help="In the cache's file name; the prototxt's by default.")] = "",
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder of the cache.")] = Path(),
    profile: ProfileName = "tensorrt",
    json: Json = False,
) -> None:
    """What TensorRT's sampleINT8 does: FP32, FP16 and INT8 runs of a Caffe LeNet on MNIST; PASSED or FAILED."""
    from int8sim.cli.sample_int8 import Options
    from int8sim.cli.sample_int8 import sample_int8 as command

    options = Options(tuple(datadir), batch, start, score, method, version, network_name, output, profile)
    raise typer.Exit(command(options, json))


@app.command()
def evaluate(
    model: Model,
    table: TableFile,
    data: Data,
    labels: Labels,
    profile: Annotated[list[str] | None, typer.Option(help="A target; repeatable; all by default.")] = None,
    preset: Annotated[Preset, typer.Option(help="How activations are quantized.")] = Preset.PERFORMANCE,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    json: Json = False,
) -> None:
    """Top-1, top-5 and changed predictions of a float network and its integer forms."""
    from int8sim.cli.commands import evaluate as command
    from int8sim.cli.data import read_preprocessing

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    raise typer.Exit(command(model, table, data, labels, profile, preset, preprocessing, json))


@golden_app.command("record")
def golden_record(
    model: Model,
    data: Data,
    output: Output,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    samples: Annotated[int | None, typer.Option(min=0, help="Samples kept in full; all by default.")] = None,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
) -> None:
    """Run a lowered graph and write graph, inputs, every tensor and hashes as one HDF5 file."""
    from int8sim.cli.commands import golden_record as command
    from int8sim.cli.data import read_preprocessing

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    raise typer.Exit(command(model, data, output, backend, samples, preprocessing))


@golden_app.command("verify")
def golden_verify(
    file: Annotated[Path, typer.Argument(help="A golden file.")],
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    json: Json = False,
) -> None:
    """Compare a run with a golden file, every tensor of every sample; explain the first mismatch."""
    from int8sim.cli.commands import golden_verify as command

    raise typer.Exit(command(file, backend, json))


@app.command()
def bench(
    seconds: Annotated[float, typer.Option(help="Roughly how long each line may take.")] = 1.0,
    json: Json = False,
) -> None:
    """Speed, side by side with the peers that are installed, as medians of interleaved runs."""
    from int8sim.cli.commands import bench as command

    raise typer.Exit(command(seconds, json))
