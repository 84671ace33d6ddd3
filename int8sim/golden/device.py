"""A device's tensors beside a golden file's: the first samples of any of its tensors, from another golden file or NPZ.

Other files (hex, raw binary, NVDLA's) are read elsewhere and end as such arrays: `device_tensors` is the one place
where a dump's path becomes arrays.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from int8sim.golden.graph_json import tensor_key
from int8sim.golden.store import Golden, read
from int8sim.model.errors import FileProblemError
from int8sim.model.step import Array


def device_tensors(golden: Golden, path: Path) -> dict[str, Array]:
    """By name in topological order, [samples, ...]: what the dump holds of the golden file's activations.

    An NPZ file's arrays are named as the tensors, or as the golden file's data sets are. Raises FileProblemError for
    another dtype or shape, and where none of them is there; NotAGoldenFileError.
    """
    found = dict(_from_npz(golden, path) if path.suffix.lower() == ".npz" else _from_golden(golden, path))
    if not found:
        known = ", ".join(golden.graph.activations()[:12])
        raise FileProblemError(path, f"it holds no tensor of the golden file; those are {known}")
    for name, values in found.items():
        _check(golden, path, name, values)
    return found


def golden_tensor(golden: Golden, name: str) -> Array:
    """The recorded samples of an activation; an empty array where only hashes are."""
    groups = (golden.inputs, golden.outputs, golden.tensors)
    return next((group[name] for group in groups if name in group), np.empty(0))


def _from_golden(golden: Golden, path: Path) -> Iterator[tuple[str, Array]]:
    other = read(path)
    known = set(other.graph.activations())
    for name in golden.graph.activations():
        if name in known and len(golden_tensor(other, name)):
            yield name, golden_tensor(other, name)


def _from_npz(golden: Golden, path: Path) -> Iterator[tuple[str, Array]]:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            for name in golden.graph.activations():
                for key in dict.fromkeys((name, tensor_key(name))):
                    if key in file:
                        yield name, file[key]
                        break
    except (OSError, ValueError, EOFError, BadZipFile) as problem:
        raise FileProblemError(path, f"not an NPZ file, or a damaged one ({problem})") from None


def _check(golden: Golden, path: Path, name: str, values: Array) -> None:
    kind = golden.graph.tensors[name]
    if values.dtype != kind.dtype or values.ndim != len(kind.shape) or values.shape[1:] != kind.shape[1:]:
        expected = f"{kind.dtype} [N, {', '.join(map(str, kind.shape[1:]))}]"
        raise FileProblemError(path, f"tensor {name!r} is {values.dtype.name} {list(values.shape)}; needed: {expected}")
    if not 0 < len(values) <= golden.count:
        raise FileProblemError(path, f"tensor {name!r} has {len(values)} samples; the golden file has {golden.count}")
