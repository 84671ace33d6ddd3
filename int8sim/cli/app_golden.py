"""`int8sim golden ...`: names, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from int8sim.cli.options import (
    Backend,
    Channels,
    Crop,
    Data,
    Divide,
    Engine,
    Json,
    Mean,
    Model,
    Output,
    Resize,
    Std,
)

golden_app = typer.Typer(help="Golden files: record and verify.", no_args_is_help=True)


@golden_app.command("record")
def golden_record(
    model: Model,
    data: Data,
    output: Output,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    samples: Annotated[int | None, typer.Option(min=0, help="Samples kept in full; all by default.")] = None,
    accumulators: Annotated[
        bool, typer.Option("--accumulators", help="Also the accumulators of each convolution and product.")
    ] = False,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    profile: Engine = None,
    json: Json = False,
) -> None:
    """Run a lowered graph and write graph, inputs, every tensor and hashes as one HDF5 file."""
    from int8sim.cli.data import read_preprocessing
    from int8sim.cli.golden_files import golden_record as command

    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    raise typer.Exit(command(model, data, output, backend, samples, accumulators, preprocessing, profile, json))


@golden_app.command("verify")
def golden_verify(
    file: Annotated[Path, typer.Argument(help="A golden file.")],
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    json: Json = False,
) -> None:
    """Compare a run with a golden file, every tensor of every sample; explain the first mismatch."""
    from int8sim.cli.golden_files import golden_verify as command

    raise typer.Exit(command(file, backend, json))
