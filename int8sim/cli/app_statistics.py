"""`int8sim statistics ...`: names, options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from int8sim.cli.options import (
    CacheVersion,
    CalibrationMethod,
    Cutoff,
    Format,
    Json,
    Method,
    Output,
    Percentile,
    Quantile,
    StatisticsFile,
    TableFormat,
    parameters,
)

statistics_app = typer.Typer(help="Calibration statistics: table, merge, curve.", no_args_is_help=True)


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
