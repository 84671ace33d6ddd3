"""The commands: names, options and help. Each imports what it does on first use, so that --help stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from int8sim.cli.app_evaluate import evaluate
from int8sim.cli.app_golden import golden_app
from int8sim.cli.app_report import report
from int8sim.cli.app_statistics import statistics_app
from int8sim.cli.app_table import table_app
from int8sim.cli.options import (
    Backend,
    CacheVersion,
    CalibrationMethod,
    Channels,
    Crop,
    Cutoff,
    Data,
    Divide,
    Engine,
    Exclude,
    FloatEnds,
    Format,
    Granularity,
    Json,
    Mean,
    Method,
    Model,
    Output,
    Percentile,
    Preset,
    ProfileName,
    Quantile,
    Ranges,
    Resize,
    StatisticsKind,
    Std,
    TableFile,
    TableFormat,
    lowering,
    parameters,
)

app = typer.Typer(
    name="int8sim",
    help="The INT8 reference that hardware people sign off against: bit-exact integer networks and golden files.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,  # drawing the help with rich costs a third of the time that --help may take
)
app.add_typer(table_app, name="table")
app.add_typer(statistics_app, name="statistics")
app.add_typer(golden_app, name="golden")


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


@app.command()
def lower(
    model: Model,
    table: Ranges,
    profile: ProfileName,
    output: Output,
    preset: Annotated[Preset, typer.Option(help="How activations are quantized.")] = Preset.PERFORMANCE,
    float_layers: Annotated[
        bool, typer.Option("--float-layers", help="NVDLA: leave layers that it cannot compute in float32.")
    ] = False,
    keep_input_scales: Annotated[
        bool, typer.Option("--keep-input-scales", help="NVDLA: leave the inputs of a sum unequal, and it wrong.")
    ] = False,
    weights: Granularity = None,
    exclude: Exclude = None,
    float_ends: FloatEnds = False,
    json: Json = False,
) -> None:
    """Write the integer graph of a target, and say what the engine overrides and what stays float."""
    from int8sim.cli.commands import lower as command

    choices = lowering(weights, exclude, float_ends)
    raise typer.Exit(command(model, table, profile, preset, output, float_layers, keep_input_scales, choices, json))


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
    profile: Engine = None,
    json: Json = False,
) -> None:
    """Run a network and write its tensors as .npz."""
    from int8sim.cli.commands import run as command
    from int8sim.cli.data import read_preprocessing

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    raise typer.Exit(command(model, data, output, backend, keep_all, preprocessing, profile, json))


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


app.command()(evaluate)
app.command()(report)


@app.command("nvdla-loadable")
def nvdla_loadable(
    file: Annotated[Path, typer.Argument(help="A loadable, .nvdla, as NVDLA's compiler writes it.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write weights and operands as .npz.")] = None,
    json: Json = False,
) -> None:
    """List the integers of every operation in an NVDLA loadable: weights, operands, shifts, converters."""
    from int8sim.cli.nvdla_files import nvdla_loadable as command

    raise typer.Exit(command(file, output, json))


@app.command("nvdla-scales")
def nvdla_scales(
    model: Model,
    table: TableFile,
    fused: Annotated[
        bool, typer.Option("--fused", help="As its profile fast-math: a ReLU is part of the operation before it.")
    ] = False,
    json: Json = False,
) -> None:
    """Name tensors that NVDLA's compiler has written at one scale and read at another; status 1 where there are any."""
    from int8sim.cli.nvdla_files import nvdla_scales as command

    raise typer.Exit(command(model, table, fused, json))


@app.command("nvdla-trace")
def nvdla_trace(
    files: Annotated[list[Path], typer.Argument(help="Traces: .npz, or .cfg with its .dat files beside it.")],
    hardware: Annotated[
        str, typer.Option(help="nv_small, nv_large, ...; or its atoms as C/K/memory, such as 64/32/32.")
    ] = "nv_small",
    explain: Annotated[
        str, typer.Option(help="How an output byte came about: its address, or channel,row,column.")
    ] = "",
    dump: Annotated[Path | None, typer.Option(help="Write the checked window: a .dat, else bytes.")] = None,
    json: Json = False,
) -> None:
    """Play NVIDIA's trace tests of NVDLA and compare CRCs; status 1 on any other CRC, 2 on registers not covered."""
    from int8sim.cli.nvdla_trace import nvdla_trace as command

    raise typer.Exit(command(files, hardware, explain, dump, json))


@app.command("nvdla-convert")
def nvdla_convert(
    file: Annotated[Path, typer.Argument(help="A trace: .npz, .cfg or .reg.")],
    output: Annotated[Path, typer.Argument(help="The file to write: .npz, .cfg or .reg; .dat files go beside it.")],
    json: Json = False,
) -> None:
    """Write a trace test of NVDLA in its other form, .npz or .cfg with .dat."""
    from int8sim.cli.nvdla_trace import nvdla_convert as command

    raise typer.Exit(command(file, output, json))


@app.command()
def prove(
    converters: Annotated[
        list[str], typer.Argument(help="A target; module:function and its name=value ...; cvt; or all. Several, too.")
    ],
    x_scale: Annotated[float, typer.Option(help="A target's layer: the scale of its input.")] = 0.02,
    w_scale: Annotated[float, typer.Option(help="The scale of its weights.")] = 0.005,
    y_scale: Annotated[float, typer.Option(help="The scale of its output.")] = 0.07,
    zero_point: Annotated[int, typer.Option(help="The zero point of its output.")] = 0,
    kind: Annotated[str, typer.Option(help="convolution (the default), depthwise, fully_connected or matmul.")] = "",
    dtype: Annotated[str, typer.Option(help="int8, uint8 or int16.")] = "int8",
    bias: Annotated[float | None, typer.Option(help="A real bias, of targets whose output step adds it.")] = None,
    low: Annotated[int | None, typer.Option(help="The lowest code that a fused activation leaves.")] = None,
    high: Annotated[int | None, typer.Option(help="The highest one.")] = None,
    to: Annotated[str, typer.Option(help="Of cvt: s8 or u8.")] = "s8",
    rounding: Annotated[str, typer.Option(help="Of cvt: rni, rzi, rmi or rpi.")] = "rni",
    flush: Annotated[bool, typer.Option("--flush", help="Of cvt: subnormals to 0 first, .ftz.")] = False,
    only: Annotated[str, typer.Option(help="A part of the operands, FIRST:LAST. A proof needs all.")] = "",
    json: Json = False,
) -> None:
    """Run converters on all 2^32 operands, compiled, and compare every code with its exact definition."""
    from int8sim.cli.prove import Conversion, Layer
    from int8sim.cli.prove import prove as command

    layer = Layer(x_scale, w_scale, y_scale, zero_point, kind, dtype, bias, low, high)
    raise typer.Exit(command(converters, layer, Conversion(to, rounding, flush), only, json))


@app.command("export-c")
def export_c(
    what: Annotated[str, typer.Argument(help="A lowered network; or a function, as nvdla.sdp_out_convert, dp4a.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    numbers: Annotated[list[str] | None, typer.Argument(help="Parameters that are fixed, as name=value.")] = None,
    layer: Annotated[str, typer.Option(help="Of a network: this layer alone.")] = "",
    step: Annotated[
        str, typer.Option(help="Of a network: the converters of a role, as output, not whole layers.")
    ] = "",
    name: Annotated[str, typer.Option(help="Of the files, and what the functions' names begin with.")] = "",
    cpu: Annotated[str, typer.Option(help="x86-64 (the default), x86-64-v2, -v3, -v4 or native.")] = "",
    profile: Engine = None,
    json: Json = False,
) -> None:
    """Write a C library without Python, its header and a DPI-C package: of a function, a layer's step, a network."""
    from int8sim.cli.export_c import Part
    from int8sim.cli.export_c import export_c as command

    raise typer.Exit(command(what, numbers or (), output, Part(layer, step, profile), name, cpu, json))


@app.command()
def bench(
    groups: Annotated[list[str] | None, typer.Argument(help="products, convolutions, networks ...; or all.")] = None,
    peers: Annotated[bool, typer.Option("--peers/--no-peers", help="Beside the peers that are installed.")] = True,
    threads: Annotated[int, typer.Option(help="For int8sim and for its peers.")] = 1,
    seconds: Annotated[float, typer.Option(min=0, max=3600, help="Roughly how long each line may take.")] = 1.0,
    instruction_set: Annotated[str, typer.Option(help="int8sim's dot products: avx512_vnni ...; else the best.")] = "",
    json: Annotated[Path | None, typer.Option(help="Write every figure to this file.")] = None,
) -> None:
    """Speed, side by side with the peers that are installed, as medians of interleaved runs; their bits compared."""
    from int8sim.bench import Setting
    from int8sim.cli.bench import bench as command

    raise typer.Exit(command(groups or (), seconds, Setting(threads, peers), instruction_set, json))
