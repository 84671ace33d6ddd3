"""A golden file's tensors as the files of a hardware bench: a folder of them and index.json, whole or not at all.

<tensor>.<ending>   one file per tensor, by its name in the store; NPZ: one archive, tensors.npz
accumulators/, constants/, arithmetic/<layer>/<role>/   as in the store
index.json          what was exported: each file's tensor, shape, layout, dtype, scale, zero point, how it is
                    packed, and its SHA-256; with the constants each layer's op, steps and numbers too
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from int8sim.formats.words import Words
from int8sim.golden.export_constants import constant_items, layer_entries
from int8sim.golden.export_formats import EXPORTERS, Exporter
from int8sim.golden.export_item import Item
from int8sim.golden.layer_view import tensor_words
from int8sim.golden.recorded import Recorded, chosen
from int8sim.golden.store import Golden
from int8sim.model.errors import NotAGoldenFileError, NotExportableError, ParameterError, UnknownNameError
from int8sim.model.files import replacing_folder
from int8sim.nvdla_trace.hardware import HARDWARE, Hardware

INDEX = "index.json"
SCHEMA = 1


def export(
    golden: Golden,
    folder: str | os.PathLike[str],
    form: str,
    *,
    tensors: Iterable[str] = (),
    samples: tuple[int, int] | None = None,
    constants: bool = False,
    words: Words | None = None,
    hardware: Hardware = HARDWARE["nv_small"],
) -> dict[str, Any]:
    """Write the folder; the content of its index.

    form: a key of EXPORTERS. tensors: names, `accumulators/<tensor>` too; all that the form can hold if none is given.
    samples: the first and the one behind the last; by default as many as every chosen tensor has. words: of readmemh.
    hardware: of nvdla-dat. A folder that is there is replaced if it is an export or empty.
    Raises UnknownNameError, ParameterError, NotExportableError, NotAGoldenFileError, OutputNotWritableError.
    """
    if form not in EXPORTERS:
        raise UnknownNameError("export format", form, EXPORTERS)
    if golden.count == 0:
        raise NotAGoldenFileError(golden.inputs.path, "it holds a graph but no samples; record some")
    found, named = chosen(golden, tensors), bool(tensors)
    first, last = _samples(found, samples)
    items = [_item(each, first, last) for each in found]
    more = list(constant_items(golden.graph)) if constants else []
    with replacing_folder(folder, INDEX) as partial:
        exporter = EXPORTERS[form](partial, words or Words(), hardware)
        kept, left_out = _fitting([*items, *more], exporter, named)
        entries = _written(kept, exporter, partial)
        index = {**_head(golden, form, (first, last)), "left_out": left_out, "files": entries}
        if constants:
            index["layers"] = layer_entries(golden.graph)
        text = json.dumps(index, indent=1, allow_nan=False)
        (partial / INDEX).write_text(f"{text}\n", "utf-8")
    return dict(json.loads(text))


def _samples(found: list[Recorded], samples: tuple[int, int] | None) -> tuple[int, int]:
    """The range that every tensor has. Raises ParameterError."""
    least = min(found, key=lambda each: each.count)
    first, last = samples or (0, least.count)
    if not 0 <= first < last <= least.count:
        allowed = f"parts of 0:{least.count}, what is recorded of tensor {least.name!r}"
        raise ParameterError("samples", f"{first}:{last}", allowed)
    return first, last


def _item(each: Recorded, first: int, last: int) -> Item:
    summed = each.role == "accumulator"
    words = {"layout": each.kind.layout} if summed else tensor_words(each.tensor, each.kind)
    about = {**words, "tensor": each.name, "layer": each.layer, "role": each.role}
    shape = (last - first, *each.shape)
    return Item(each.key, about, shape, each.dtype, each.kind.layout, lambda: each.blocks(first, last))


def _fitting(items: list[Item], exporter: Exporter, named: bool) -> tuple[list[Item], dict[str, str]]:
    """What the form can hold, and why not the others. Raises NotExportableError for a tensor that was asked for."""
    reasons = {item.key: exporter.obstacle(item) for item in items}
    for item in items:
        if reasons[item.key] and named and item.about["role"] not in {"constant", "parameter"}:
            raise NotExportableError(item.about["layer"], exporter.form, f"{item.about['tensor']}, {reasons[item.key]}")
    kept = [item for item in items if not reasons[item.key]]
    return kept, {key: reason for key, reason in reasons.items() if reason}


def _written(items: list[Item], exporter: Exporter, folder: Path) -> list[dict[str, Any]]:
    entries = [(item, exporter.write(item)) for item in items]
    exporter.close()
    hashes = {file: _sha256(folder / file) for file in dict.fromkeys(entry["file"] for _, entry in entries)}
    return [{**_described(item), **entry, "sha256": hashes[entry["file"]]} for item, entry in entries]


def _described(item: Item) -> dict[str, Any]:
    return {**_plain(item.about), "shape": list(item.shape), "dtype": item.dtype.name}


def _plain(words: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in words.items() if value is not None}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _head(golden: Golden, form: str, samples: tuple[int, int]) -> dict[str, Any]:
    """Where the values come from."""
    return {
        "int8sim_export": SCHEMA,
        "format": form,
        "graph": golden.graph.name,
        "profile": golden.graph.profile,
        "golden": {"file": golden.inputs.path.name, "digest": golden.digest},
        "producer": vars(golden.producer),
        "samples": list(samples),
    }
