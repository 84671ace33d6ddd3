"""`int8sim table ...`: names, options and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from int8sim.cli.options import (
    Algorithm,
    AnyTable,
    AsRead,
    CacheVersion,
    Json,
    Model,
    Output,
    Source,
    TableFormat,
    TableModel,
    TableReader,
)

table_app = typer.Typer(
    help="Calibration tables: show, convert, merge, accepts, explain, pairs, lint, to-qdq.", no_args_is_help=True
)


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
