"""Where the time of a layer goes: its products, its output step, and the rest. A table, or the part of the page.

    python tools/shares.py [--write]

A layer alone, channels last, in turns with the same layer whose output step keeps an accumulator's low byte, and with
the machine's ceiling. What the first takes longer than the second is the output step's arithmetic; the products take
what they would at the ceiling; the rest is what else there is: reading and writing memory, copying windows together,
calling. --write: docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from pages import show, table

from int8sim.bench.ceiling import ceiling
from int8sim.bench.integers import CONVOLUTIONS
from int8sim.bench.job import Contender, Job
from int8sim.bench.measure import lines_of
from int8sim.bench.networks import convolution, macs, product
from int8sim.bench.peers import codes_for, codes_only, normal, ranges
from int8sim.graph.ir import Graph
from int8sim.graph.run import plan
from int8sim.kernels.cpu.tile import DOT_PRODUCTS
from int8sim.kernels.storage import to_storage
from int8sim.lowering.lower import lower
from int8sim.model.step import Array, Step

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PROFILES = "xnnpack", "tflite_reference"
SETS = "amx_int8", "avx512_vnni"
SECONDS = 0.6


def low_byte(acc: int) -> int:
    """What is stored of an accumulator: its low byte."""
    return acc


def main() -> None:
    """Print the table, or write it to the page."""
    columns = ("layer", "output step of", "dot products", " us", " products", " output step", " rest")
    text = table(columns, rows())
    show(PAGE, "shares", text)


def rows() -> Iterator[list[str]]:
    """Every layer, step and instruction set of the machine."""
    for name, make, batch in layers():
        for profile in PROFILES:
            for which in (each for each in SETS if each in DOT_PRODUCTS.available()):
                with DOT_PRODUCTS.forced(which):
                    yield [name, profile, which, *shares(make("NHWC"), batch, profile)]


def layers() -> Iterator[tuple[str, Callable[[str], Graph], int]]:
    """The bench's large product and its convolutions."""
    yield "GEMM 1024x1024x1024", partial(product, 1024, 1024), 1024
    for shape in CONVOLUTIONS:
        channels, outputs, size, kernel, _ = shape
        yield f"conv {kernel}x{kernel} {channels}->{outputs} @{size}", partial(convolution, *shape), 1


def shares(graph: Graph, batch: int, profile: str) -> list[str]:
    """Microseconds, and the parts of them."""
    x = normal((batch, *graph.tensors["x"].shape[1:]))
    whole = codes_only(lower(graph, ranges(graph, x), profile=profile))
    (layer,) = whole.layers
    bare = replace(whole, layers=(replace(layer, arithmetic={"output": Step(low_byte, {})}),))
    work = batch * macs(graph) / 1e9
    calls = [Contender(f"int8sim {i}", call(each, x), work=work) for i, each in enumerate((whole, bare))]
    seconds, least, top = (line.seconds for line in lines_of(Job("", "GMAC/s", work, (*calls, ceiling())), SECONDS))
    products = top / ceiling().work * work
    parts = products, seconds - least, least - products
    return [f"{seconds * 1e6:,.0f}", *(f"{max(part, 0) / seconds:.0%}" for part in parts)]


def call(graph: Graph, x: Array) -> Callable[[], Array]:
    """The only layer's kernel, x in storage form."""
    (planned,) = plan(graph, "cpu")
    ((name, codes),) = codes_for(graph, x).items()
    stored = to_storage(np.ascontiguousarray(codes), graph.tensors[name])
    return lambda: planned.kernel(stored)


if __name__ == "__main__":
    main()
