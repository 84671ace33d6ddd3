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
table_app = typer.Typer(help="Calibration tables: show and convert.", no_args_is_help=True)
golden_app = typer.Typer(help="Golden files: record and verify.", no_args_is_help=True)
app.add_typer(table_app, name="table")
app.add_typer(golden_app, name="golden")


class Preset(StrEnum):
    """Activations symmetric, or asymmetric where the hardware allows."""

    PERFORMANCE = "performance"
    MIXED = "mixed"


class Method(StrEnum):
    """Calibrators."""

    ENTROPY2 = "entropy2"
    MINMAX = "minmax"


class Backend(StrEnum):
    """Interpreted spec, compiled, or a GPU."""

    REFERENCE = "reference"
    CPU = "cpu"
    CUDA = "cuda"


class TableFormat(StrEnum):
    """Table files."""

    TENSORRT = "tensorrt"
    NVDLA = "nvdla"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")]
Model = Annotated[Path, typer.Argument(help="A network: .onnx, or .h5 with a lowered graph.")]
Data = Annotated[str, typer.Option(help="Inputs: FILE.npy, FILE.npz[:name] or FILE.h5:dataset, [N, ...].")]
Labels = Annotated[str, typer.Option(help="Class numbers, written as --data is.")]
Divide = Annotated[float, typer.Option(help="Divide the data by this in float32 (255 for pixels).")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
TableFile = Annotated[Path, typer.Option("--table", help="A TensorRT calibration cache or an NVDLA JSON table.")]
ProfileName = Annotated[str, typer.Option(help="The target: tensorrt, nvdla, onnxruntime, tflite_reference, or yours.")]


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
    method: Annotated[Method, typer.Option(help="The calibrator.")] = Method.ENTROPY2,
    batch_size: Annotated[int, typer.Option(min=1, help="Samples per batch; entropy2 depends on it.")] = 50,
    batches: Annotated[int, typer.Option(min=1, help="How many batches.")] = 10,
    divide: Divide = 1.0,
    format: Annotated[TableFormat, typer.Option(help="The file to write.")] = TableFormat.TENSORRT,  # noqa: A002
    version: Annotated[str, typer.Option(help="TensorRT's version number in a cache's header.")] = "8601",
    json: Json = False,
) -> None:
    """Derive the scales of a float network from data, as TensorRT does, and write a table."""
    from int8sim.cli.commands import calibrate as command

    raise typer.Exit(command(model, data, output, method, batch_size, batches, divide, format, version, json))


@table_app.command("show")
def table_show(file: Annotated[Path, typer.Argument(help="A table.")], json: Json = False) -> None:
    """Print the rows of a table: scale, bits, threshold."""
    from int8sim.cli.commands import table_show as command

    raise typer.Exit(command(file, json))


@table_app.command("convert")
def table_convert(
    file: Annotated[Path, typer.Argument(help="A table.")],
    output: Output,
    to: Annotated[TableFormat, typer.Option(help="The format to write.")],
    version: Annotated[str, typer.Option(help="TensorRT's version number in a cache's header.")] = "8601",
) -> None:
    """Write a table in another format."""
    from int8sim.cli.commands import table_convert as command

    raise typer.Exit(command(file, output, to, version))


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
    json: Json = False,
) -> None:
    """Run a network and write its tensors as .npz."""
    from int8sim.cli.commands import run as command

    raise typer.Exit(command(model, data, output, backend, keep_all, divide, json))


@app.command()
def evaluate(
    model: Model,
    table: TableFile,
    data: Data,
    labels: Labels,
    profile: Annotated[list[str] | None, typer.Option(help="A target; repeatable; all by default.")] = None,
    preset: Annotated[Preset, typer.Option(help="How activations are quantized.")] = Preset.PERFORMANCE,
    divide: Divide = 1.0,
    json: Json = False,
) -> None:
    """Top-1, top-5 and changed predictions of a float network and its integer forms."""
    from int8sim.cli.commands import evaluate as command

    raise typer.Exit(command(model, table, data, labels, profile, preset, divide, json))


@golden_app.command("record")
def golden_record(
    model: Model,
    data: Data,
    output: Output,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    samples: Annotated[int | None, typer.Option(min=0, help="Samples kept in full; all by default.")] = None,
    divide: Divide = 1.0,
) -> None:
    """Run a lowered graph and write graph, inputs, every tensor and hashes as one HDF5 file."""
    from int8sim.cli.commands import golden_record as command

    raise typer.Exit(command(model, data, output, backend, samples, divide))


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
