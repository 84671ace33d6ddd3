"""An NVDLA trace from a file and to one, its form told by the name: .npz, or .cfg (.reg) with .dat files beside it."""

from __future__ import annotations

import os
from pathlib import Path

from int8sim.formats.nvdla_cfg import read_cfg, write_cfg
from int8sim.formats.nvdla_commands import Trace
from int8sim.formats.nvdla_npz import read_npz, write_npz
from int8sim.model.errors import NotATraceError, TraceNotWritableError

TEXT = (".cfg", ".reg")
"""The oldest traces name the same form .reg, and their memory .mem."""


def read_trace(path: str | os.PathLike[str]) -> Trace:
    """Raises NotATraceError, TraceTextError."""
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        return read_npz(path)
    if suffix in TEXT:
        return read_cfg(path)
    raise NotATraceError(path, f"traces are .npz, {' or '.join(TEXT)} files")


def write_trace(path: str | os.PathLike[str], trace: Trace) -> None:
    """Raises TraceNotWritableError, OutputNotWritableError."""
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        write_npz(path, trace)
    elif suffix in TEXT:
        write_cfg(path, trace)
    else:
        raise TraceNotWritableError(suffix or "a file without suffix", f"allowed: .npz, {' or '.join(TEXT)}")
