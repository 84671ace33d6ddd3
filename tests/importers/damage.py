"""Damaged copies of model files, and what becomes of each: read, lowered and run, or refused.

In the folder tests, `python -m importers.damage NAME WAY FIRST COUNT` does that in a process of bounded memory
and prints a report as JSON. A copy is known by its seed: `damaged(whole, way, seed)` gives the same bytes again.
"""

from __future__ import annotations

import json
import random
import resource
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import int8sim
from int8sim.graph.ir import Graph
from int8sim.model.errors import Int8SimError
from int8sim.model.tensor import TensorType, dtype_range

from . import damaged_fields
from .whole_models import WHOLE, Whole

SECONDS = 60
"""Of the processor's time, for one copy; kernels may be compiled in it."""
MEMORY = 1 << 30
"""Bytes that may be mapped beyond what reading and running the whole file took."""
MOST = 1 << 20
"""Values of a tensor: a damaged file can describe a larger network, which is read and not run."""
RUN = "loaded and run"


class HungError(BaseException):
    """A copy took more than SECONDS. No `except Exception` holds it."""


def cut(whole: Whole, rng: random.Random) -> bytes:
    return whole.content[: rng.randrange(len(whole.content))]


def flipped(whole: Whole, rng: random.Random) -> bytes:
    """One to three bits."""
    content = bytearray(whole.content)
    for bit in rng.sample(range(8 * len(content)), rng.choice([1, 1, 2, 3])):
        content[bit // 8] ^= 1 << bit % 8
    return bytes(content)


def changed(whole: Whole, rng: random.Random) -> bytes:
    """A file that is still of its format, a field or two of it changed."""
    return damaged_fields.CHANGE[whole.form](whole.content, rng)


WAYS: Mapping[str, Callable[[Whole, random.Random], bytes]] = {"cut": cut, "flipped": flipped, "changed": changed}


def damaged(whole: Whole, way: str, seed: int) -> bytes:
    return WAYS[way](whole, random.Random(f"{way} {seed}"))


def read(whole: Whole, content: bytes, folder: Path) -> Graph:
    """The network of a copy."""
    for name, data in {**whole.beside, whole.name: content}.items():
        (folder / name).write_bytes(data)
    return int8sim.load(folder / whole.main, **whole.options)


def outcome(whole: Whole, content: bytes, folder: Path) -> str:
    """What becomes of a copy that is run where it can be read: the error's class, or how far it came."""
    try:
        graph = read(whole, content, folder)
    except Int8SimError as error:
        return type(error).__name__
    if any(np.prod(kind.shape, dtype=object) > MOST for kind in graph.tensors.values()):
        return "loaded, and large"
    try:
        run(graph)
    except Int8SimError as error:
        return f"loaded, then {type(error).__name__}"
    return RUN


def run(graph: Graph) -> None:
    """One sample, through the integer form where the network is float."""
    x = {name: sample(graph.tensors[name]) for name in graph.data_inputs}
    if not graph.profile:
        table = int8sim.calibrate(graph, [x])
        graph = int8sim.lower(graph, table, profile="onnxruntime", float_layers=True)
    int8sim.run(graph, x, keep="all")


def sample(kind: TensorType) -> np.ndarray:
    rng = np.random.default_rng(1)
    if kind.dtype == "float32":
        return rng.standard_normal(kind.shape).astype(np.float32)
    low, high = dtype_range(kind.dtype)
    return rng.integers(low, high + 1, kind.shape).astype(kind.dtype)


@contextmanager
def bounded_time() -> Iterator[None]:
    def hung(number: int, frame: object) -> None:
        raise HungError

    before = signal.signal(signal.SIGPROF, hung)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def report(whole: Whole, way: str, seeds: range, folder: Path) -> dict[str, Any]:
    """How often each outcome was, and the seeds of which anything but an Int8SimError got out, with the end of it."""
    found: Counter[str] = Counter()
    problems = {}
    for seed in seeds:
        content = damaged(whole, way, seed)
        try:
            with bounded_time():
                found[outcome(whole, content, folder)] += 1
        except (Exception, HungError):
            problems[seed] = traceback.format_exc().splitlines()[-12:]
    return {"outcomes": found, "problems": problems}


def bound_memory() -> None:
    """No more than MEMORY beyond what is mapped now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)


def peak() -> int:
    """The most bytes that were resident so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main(name: str, way: str, first: str, count: str) -> None:
    whole = WHOLE[name]()
    with tempfile.TemporaryDirectory() as made:
        found = outcome(whole, whole.content, Path(made))
        assert found == RUN, found
        before = peak()
        bound_memory()
        end = report(whole, way, range(int(first), int(first) + int(count)), Path(made))
    print(json.dumps({**end, "memory": peak() - before}, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
