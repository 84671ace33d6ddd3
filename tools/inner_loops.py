"""What the inner loops of the kernels are made of, from their own assembly: a table, or the part of the page.

    python tools/inner_loops.py [--write]

For every kernel, with the instruction sets of this machine: the loop in which its key instruction stands densest, how
many instructions it has, how many of them are that one, how many load or store vectors, and how many reach the stack
(spills). The output step's loop is that of a profile's scheme over 64 channels. --write: docs/performance.md.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from pages import show, table

from int8sim.bench.networks import Builder
from int8sim.bench.peers import normal, ranges
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.kernels import compile as compiler
from int8sim.kernels.cpu.float_tile import FLOAT_SUMS
from int8sim.kernels.cpu.tile import DOT_PRODUCTS
from int8sim.lowering.lower import lower

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
DOTS = {"amx_int8": "tdpbusd", "avx512_vnni": "vpdpbusd", "avx_vnni": "vpdpbusd", "avx2": "vpmaddwd"}
FMAS = {"avx512": "vfmadd", "avx2": "vfmadd"}
STEPS = {
    **dict.fromkeys(("onnxruntime", "xnnpack", "tensorrt"), "vcvtps2dq"),
    **dict.fromkeys(("tflite_reference", "tflite_optimized", "nvdla"), "vpmul"),
}


class Loop(NamedTuple):
    """Instructions between a label and a jump back to it, with no other loop inside."""

    lines: list[str]

    def count(self, pattern: str) -> int:
        """Instructions that match."""
        return sum(bool(re.search(pattern, line)) for line in self.lines)


def main() -> None:
    """Print the table, or write it to the page."""
    columns = ("kernel", "instruction set", "key instruction", " in", " instructions", " vector loads", " of the stack")
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, INT8SIM_CACHE=folder),
    ):  # the assembly of new code
        text = table(columns, rows())
    show(PAGE, "loops", text)


def rows() -> Iterator[list[str]]:
    """Every kernel with every instruction set."""
    for name in DOT_PRODUCTS.available():
        with DOT_PRODUCTS.forced(name):
            if name in DOTS:
                yield row("convolution", name, DOTS[name], assembly(convolution(), "onnxruntime"))
            if name == "avx512_vnni":
                yield row("depthwise convolution", name, DOTS[name], assembly(depthwise(), "onnxruntime"))
                for profile, key in STEPS.items():
                    yield row(f"output step, {profile}", name, key, assembly(convolution(), profile))
    for name in FLOAT_SUMS.available():
        if name in FMAS:
            with FLOAT_SUMS.forced(name):
                yield row("float32 convolution", name, FMAS[name], assembly(convolution(), ""))


def row(kernel: str, name: str, key: str, text: str) -> list[str]:
    """The loop that has most of the key instruction."""
    own = rf"^(\{{vex\}}\s+)?{key}"
    loop = max(loops(text), key=lambda each: (each.count(own), -len(each.lines)))
    loads = loop.count(r"^v?(movu|movd|broadcast|pbroadcast)|^tileload|^vcvt\w+\s+-?\d*\(")
    counts = loop.count(own), len(loop.lines), loads, loop.count(r"\(%[re]sp|\(%[re]bp")
    return [kernel, name, f"`{key}`", *map(str, counts)]


def loops(text: str) -> Iterator[Loop]:
    """The innermost ones of a listing: from a label to a jump back to it, with no other such jump in between."""
    labels: dict[str, int] = {}
    body: list[str] = []
    last = -1
    for line in map(str.strip, text.splitlines()):
        if label := re.match(r"(\.LBB\w+):", line):
            labels[label[1]] = len(body)
        elif line and not line.startswith((".", "#")) and not line.endswith(":"):
            body.append(line)
            jump = re.match(r"j\w+\s+(\.LBB\w+)", line)
            if jump and last < (start := labels.get(jump[1], -1)):
                yield Loop(body[start:])
                last = start


def assembly(graph: Graph, profile: str) -> str:
    """Of every kernel that a run of a graph calls. profile: "" for the float network."""
    x = normal((1, *graph.tensors["x"].shape[1:]))
    made = lower(graph, ranges(graph, x), profile=profile) if profile else replace(graph)
    called: list[Any] = []
    own = compiler.Kernel.__call__

    def call(kernel: Any, *arguments: Any) -> Any:
        called.append(kernel)
        return own(kernel, *arguments)

    with patch.object(compiler.Kernel, "__call__", call):
        run(made, {"x": x})
    return "\n".join("\n".join(kernel.inspect_asm().values()) for kernel in dict.fromkeys(called))


def convolution() -> Graph:
    """3x3, 128 channels to 64: deep enough for AMX."""
    net = Builder((128, 12, 12), "NHWC")
    net.conv(64, 3)
    return net.graph("convolution")


def depthwise() -> Graph:
    """3x3, 64 channels."""
    net = Builder((64, 12, 12), "NHWC")
    net.depthwise()
    return net.graph("depthwise")


if __name__ == "__main__":
    main()
