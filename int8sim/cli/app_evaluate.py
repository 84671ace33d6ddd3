"""`int8sim evaluate`: names, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from int8sim.cli.options import (
    DATA_HELP,
    RANGES_HELP,
    Backend,
    Channels,
    Crop,
    Divide,
    Exclude,
    FloatEnds,
    Granularity,
    Json,
    Mean,
    Method,
    Preset,
    Resize,
    Std,
    lowering,
)


def evaluate(
    model: Annotated[Path | None, typer.Argument(help="A float network; none: the LeNet on its own digits.")] = None,
    table: Annotated[list[Path] | None, typer.Option(help=f"Ranges: {RANGES_HELP} Repeatable.")] = None,
    method: Annotated[list[Method] | None, typer.Option(help="Ranges: a calibrator; repeatable.")] = None,
    graph: Annotated[
        list[Path] | None, typer.Option(help="A lowered graph or quantized network, as it is; repeatable.")
    ] = None,
    calibrate_on: Annotated[str, typer.Option(help="Data of the calibrators, as --data.")] = "",
    batch_size: Annotated[int, typer.Option(min=1, help="Calibrators: samples per batch.")] = 50,
    batches: Annotated[int | None, typer.Option(min=1, help="Calibrators: how many; all full ones by default.")] = None,
    profile: Annotated[list[str] | None, typer.Option(help="A target; repeatable; all by default.")] = None,
    preset: Annotated[list[Preset] | None, typer.Option(help="performance (default), mixed; repeatable.")] = None,
    weights: Granularity = None,
    exclude: Exclude = None,
    float_ends: FloatEnds = False,
    data: Annotated[str, typer.Option(help=DATA_HELP)] = "",
    labels: Annotated[
        str,
        typer.Option(
            help="Class numbers [N], as --data; or folders: each image's class is its folder. None: agreement."
        ),
    ] = "",
    samples: Annotated[int | None, typer.Option(min=1, help="How many of the data; all by default.")] = None,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    json: Json = False,
) -> None:
    """Top-1, top-5 and changed predictions of a float network and its integer forms, all in one table."""
    from int8sim.cli.data import StreamOptions, read_preprocessing
    from int8sim.cli.evaluate import Calibration, Forms, Labelled
    from int8sim.cli.evaluate import evaluate as command
    from int8sim.golden.packaged import lenet

    methods = [str(each) for each in method or ()]
    if model is None and not data:
        digits = lenet("digits.h5")
        data, labels, divide = f"{digits}:test/images", f"{digits}:test/labels", 255.0
        calibrate_on = calibrate_on or f"{digits}:calibrate/images"
        methods = methods or ([] if table or graph else ["entropy2"])
    preprocessing = read_preprocessing(divide, mean, std, resize, crop, channels)
    stream = StreamOptions(calibrate_on, preprocessing, batch_size, batches, 0, None) if calibrate_on else None
    given = Labelled(data, preprocessing, samples, backend, labels)
    presets = [str(each) for each in preset or (Preset.PERFORMANCE,)]
    forms = Forms(profile or (), presets, lowering(weights, exclude, float_ends), graph or ())
    raise typer.Exit(command(model, table or (), Calibration(methods, stream), forms, given, json))
