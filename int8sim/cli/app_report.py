"""`int8sim report`: names, options and help."""

from __future__ import annotations

from enum import StrEnum
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
    Model,
    Preset,
    Resize,
    Std,
    lowering,
)


class By(StrEnum):
    """How layers are sorted."""

    LOCAL = "local"
    WHOLE = "whole"
    ORDER = "order"


def report(
    model: Model,
    other: Annotated[
        Path | None, typer.Argument(help="Another lowered graph, to compare parameters and errors.")
    ] = None,
    layers: Annotated[bool, typer.Option("--layers", help="Every layer's error against the float network.")] = False,
    accumulators: Annotated[
        bool, typer.Option("--accumulators", help="Every weighted layer's accumulator: of the data, and at worst.")
    ] = False,
    network: Annotated[Path | None, typer.Option("--float", help="The float network of a lowered graph.")] = None,
    table: Annotated[Path | None, typer.Option(help=f"Of a float network: {RANGES_HELP}")] = None,
    profile: Annotated[str | None, typer.Option(help="Of a float network, or a quantized .tflite: the target.")] = None,
    preset: Annotated[Preset, typer.Option(help="Of a float network: how activations are quantized.")] = (
        Preset.PERFORMANCE
    ),
    weights: Granularity = None,
    exclude: Exclude = None,
    float_ends: FloatEnds = False,
    data: Annotated[str, typer.Option(help=DATA_HELP)] = "",
    samples: Annotated[int | None, typer.Option(min=1, help="How many of the data; all by default.")] = None,
    by: Annotated[By, typer.Option(help="Layers: worst first by their own or by the whole error, or in order.")] = (
        By.LOCAL
    ),
    width: Annotated[
        list[int] | None, typer.Option(min=1, max=64, help="Accumulators: of which headroom is told; repeatable.")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    divide: Divide = 1.0,
    mean: Mean = "",
    std: Std = "",
    resize: Resize = "",
    crop: Crop = "",
    channels: Channels = "",
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file.")] = None,
    json: Json = False,
) -> None:
    """What quantization costs, layer by layer."""
    from int8sim.analysis.accumulators import WIDTHS
    from int8sim.cli.data import Data, read_preprocessing
    from int8sim.cli.ranges import load_lowered
    from int8sim.cli.report import load_subject, report_accumulators, report_layers
    from int8sim.cli.report_pair import report_pair

    if [layers, accumulators, other is not None].count(True) != 1:
        raise typer.BadParameter("say which report: --layers, --accumulators, or a second graph")
    given = Data(data, read_preprocessing(divide, mean, std, resize, crop, channels), samples, backend)
    choices = {"profile": profile, "preset": preset, **lowering(weights, exclude, float_ends)}
    subject = load_subject(model, network, table, choices)
    if other is not None:
        raise typer.Exit(report_pair(subject, load_lowered(other, profile), given, csv, json))
    if layers:
        raise typer.Exit(report_layers(subject, given, by, csv, json))
    raise typer.Exit(report_accumulators(subject, given, width or WIDTHS, csv, json))
