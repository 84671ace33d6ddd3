"""`int8sim nvdla-loadable` and `nvdla-scales`; each returns the exit status."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from int8sim import api
from int8sim.cli.commands import save_npz
from int8sim.cli.screen import Screen
from int8sim.importers.nvdla_loadable import STAGES, Operation, read_loadable
from int8sim.importers.nvdla_loadable_structs import ACTIVATIONS, POOL_MODES, STAGE_MODES, STAGE_TYPES
from int8sim.lowering.scale_breaks import scale_breaks
from int8sim.model.step import Array

COLUMNS = ("task", "op", "engine", "into", "out", "converter", "what it holds")
SHOWN = 4
"""Operands that the screen shows."""


def nvdla_loadable(file: Path, output: Path | None, as_json: bool) -> int:
    """Every operation; with `output` its weights and operands as arrays `task0_op1_x1_alu`."""
    screen, loadable = Screen(as_json), read_loadable(file)
    version = ".".join(map(str, loadable.version))
    screen.table(f"{file}, loadable {version}", COLUMNS, (_row(each) for each in loadable.operations))
    if output:
        arrays = {
            f"task{each.task}_op{each.index}_{k}": v for each in loadable.operations for k, v in each.arrays.items()
        }
        save_npz(output, arrays)
        screen.say(f"wrote {output}: {len(arrays)} arrays")
    content = {"file": str(file), "version": version, "operations": [_entry(each) for each in loadable.operations]}
    screen.result(content)
    return 0


def _row(each: Operation) -> list[str]:
    fused = "" if each.fused_with < 0 else f"of {each.fused_with}"
    cube = each.cubes.get("dst_data")
    out = f"{cube['channel']}x{cube['height']}x{cube['width']}" if cube else ""
    converter = each.fields.get("out_cvt")
    scale = f"{converter['scale']} / 2**{converter['truncate']}" if converter else ""
    return [str(each.task), str(each.index), each.engine, fused, out, scale, _held(each)]


def _held(each: Operation) -> str:
    """The rest of what matters of an operation, in words."""
    fields = each.fields
    if each.engine == "CONV":
        return f"{_weight(each)}, stride {fields['conv_stride_y']}, {fields['conv_stride_x']}"
    if each.engine == "SDP":
        return "; ".join(_stage(each, stage) for stage in STAGES if fields[f"{stage}_op"]["enable"])
    if each.engine == "PDP":
        return f"{_named(POOL_MODES, fields['pool_mode'])} {fields['pool_height'] + 1}x{fields['pool_width'] + 1}"
    if "input_scale_factor" in fields:
        return f"scales {fields['input_scale_factor']:.9g} in, {fields['output_scale_factor']:.9g} out"
    return ""


def _weight(each: Operation) -> str:
    weight = each.arrays.get("weight")
    if weight is None:
        return "weight in a form that is not unpacked"
    return f"weight {list(weight.shape)} sha256 {_hash(weight)[:12]}"


def _stage(each: Operation, stage: str) -> str:
    fields = each.fields[f"{stage}_op"]
    named = ((STAGE_TYPES, "type"), (STAGE_MODES, "mode"), (ACTIVATIONS, "act"))
    words = [_named(names, fields[key]) for names, key in named]
    arrays = {unit: each.arrays[f"{stage}_{unit}"] for unit in ("alu", "mul") if f"{stage}_{unit}" in each.arrays}
    operands = "".join(f", {unit} {_first(values)}" for unit, values in arrays.items())
    return f"{stage} {' '.join(words)} << {fields['shift_value']} >> {fields['truncate']}{operands}"


def _first(values: Array) -> str:
    shown = " ".join(map(str, values[:SHOWN].tolist()))
    return f"{shown} ... ({len(values)})" if len(values) > SHOWN else shown


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if number < len(names) else str(number)


def _entry(each: Operation) -> dict[str, Any]:
    plain = {name: getattr(each, name) for name in ("task", "index", "engine", "fused_with", "fields", "cubes")}
    return {**plain, "arrays": _arrays(each.arrays)}


def _arrays(arrays: Mapping[str, Array]) -> dict[str, Any]:
    """Operands in full; a weight as its shape and hash."""
    return {
        name: {"shape": list(values.shape), "sha256": _hash(values)} if name == "weight" else values.tolist()
        for name, values in arrays.items()
    }


def _hash(values: Array) -> str:
    return hashlib.sha256(values.tobytes()).hexdigest()


def nvdla_scales(model: Path, table: Path, fused: bool, as_json: bool) -> int:
    """1 where a tensor is written at one scale and read at another."""
    screen = Screen(as_json)
    found = scale_breaks(api.load(model), api.read_table(table), fused=fused)
    for each in found:
        screen.say(str(each))
    screen.say(f"{len(found)} tensors are written at one scale and read at another" if found else "every scale is kept")
    screen.result({"breaks": [{**asdict(each), "ratio": each.ratio} for each in found]})
    return 1 if found else 0
