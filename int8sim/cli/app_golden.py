"""`int8sim golden ...`: names, options and help."""

from __future__ import annotations

from enum import StrEnum
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


class ExportFormat(StrEnum):
    """Files for benches."""

    READMEMH = "readmemh"
    RAW = "raw"
    NPZ = "npz"
    C_HEADER = "c-header"
    NVDLA_DAT = "nvdla-dat"


DUMPS = ".h5, .npz, .npy, .hex, .bin, .h, .dat, .dimg; a folder."
DumpSamples = Annotated[
    str, typer.Option("--samples", help="Which samples the dump holds, as 0:8; the first ones by default.")
]
GoldenFile = Annotated[Path, typer.Argument(help="A golden file.")]
WordBits = Annotated[int, typer.Option(help="Of hexadecimal files: bits of a word, 8 .. 1024.")]
ByteOrder = Annotated[str, typer.Option(help="Of hexadecimal files: little, lane 0 in the low bits; or big.")]
Depth = Annotated[int | None, typer.Option(help="Of hexadecimal files: words of the memory, padding and all.")]
HardwareName = Annotated[str, typer.Option(help="Of NVDLA's files: nv_small, nv_large ..., or atoms as C/K/memory.")]

golden_app = typer.Typer(help="Golden files: record, verify, export, diff and generate.", no_args_is_help=True)


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
    file: GoldenFile,
    backend: Annotated[Backend, typer.Option(help="What computes.")] = Backend.CPU,
    dump: Annotated[Path | None, typer.Option(help=f"A device's tensors in place of a run: {DUMPS}")] = None,
    samples: DumpSamples = "",
    word_bits: WordBits = 32,
    byte_order: ByteOrder = "little",
    depth: Depth = None,
    hardware: HardwareName = "nv_small",
    json: Json = False,
) -> None:
    """Compare a run or a device's dump with a golden file, every tensor, every bit; explain the first mismatch.

    How a dump's words are packed need not be said where an export's index.json lies beside them.
    """
    from int8sim.cli.golden_files import golden_verify as command
    from int8sim.cli.golden_files import read_packing

    packing = read_packing(word_bits, byte_order, depth, 0, hardware, samples)
    raise typer.Exit(command(file, backend, dump, packing, json))


@golden_app.command("export")
def golden_export(
    file: GoldenFile,
    form: Annotated[ExportFormat, typer.Option("--format", help="The files to write.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write; an export there is replaced.")],
    tensor: Annotated[list[str] | None, typer.Option(help="This tensor; repeatable. By default all.")] = None,
    samples: Annotated[str, typer.Option(help="Which samples, as 0:8; by default all that are recorded.")] = "",
    constants: Annotated[
        bool, typer.Option("--constants", help="Also weights, biases and the numbers of every layer's steps.")
    ] = False,
    word_bits: WordBits = 32,
    byte_order: ByteOrder = "little",
    depth: Depth = None,
    pad_value: Annotated[int, typer.Option(help="Of readmemh: in lanes and words behind the last value.")] = 0,
    hardware: HardwareName = "nv_small",
    json: Json = False,
) -> None:
    """Write tensors for a hardware bench: a file for each, and index.json with shapes, scales, packing and hashes."""
    from int8sim.cli.golden_files import golden_export as command
    from int8sim.cli.golden_files import read_packing

    packing = read_packing(word_bits, byte_order, depth, pad_value, hardware, samples)
    raise typer.Exit(command(file, form, output, tensor or [], constants, packing, json))


@golden_app.command("diff")
def golden_diff(
    golden: GoldenFile,
    dump: Annotated[Path, typer.Argument(help=f"What the device gave: {DUMPS}")],
    png: Annotated[Path | None, typer.Option(help="Also the heat map of mismatches as this PNG (Pillow).")] = None,
    samples: DumpSamples = "",
    word_bits: WordBits = 32,
    byte_order: ByteOrder = "little",
    depth: Depth = None,
    hardware: HardwareName = "nv_small",
    json: Json = False,
) -> None:
    """Explain where a device differs: the first mismatch replayed, and the known wrong arithmetic that gives it."""
    from int8sim.cli.golden_diff import golden_diff as command
    from int8sim.cli.golden_files import read_packing

    packing = read_packing(word_bits, byte_order, depth, 0, hardware, samples)
    raise typer.Exit(command(golden, dump, packing, png, json))


@golden_app.command("generate")
def golden_generate(
    what: Annotated[
        str,
        typer.Argument(
            metavar="LAYER|GRAPH",
            help="conv2d, fully_connected, matmul, add, average_pool, softmax with --profile; or a lowered or "
            "quantized network's file.",
        ),
    ],
    profile: Annotated[
        str | None, typer.Option(help="Whose arithmetic; of a .tflite or .onnx file who computes.")
    ] = None,
    layer: Annotated[str, typer.Option(help="This layer of the graph; by default every one with arithmetic.")] = "",
    vectors: Annotated[int, typer.Option(min=1, max=200, help="At most so many samples for each layer.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Of the search.")] = 0,
    kill_score: Annotated[
        bool, typer.Option("--kill-score", help="Beside random vectors; what is proved equivalent, what survives.")
    ] = False,
    tell_apart: Annotated[
        bool, typer.Option("--tell-apart", help="More vectors, on which mutations differ from each other too.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The golden file to write; a folder for several layers.")
    ] = None,
    json: Json = False,
) -> None:
    """Search for few inputs that tell a layer's arithmetic from every known wrong one. Status 1 if one survives."""
    from int8sim.cli.golden_generate import golden_generate as command

    raise typer.Exit(command(what, profile, layer, vectors, seed, kill_score, tell_apart, output, json))
