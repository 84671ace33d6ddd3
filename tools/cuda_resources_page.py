"""The table of docs/cuda-resources.md: what NVIDIA's assembler says that every kernel of some networks takes of a GPU.

python tools/cuda_resources_page.py            print it
python tools/cuda_resources_page.py --write    put it into docs/cuda-resources.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from gpu.networks import images, shapes, table
from pages import show
from pages import table as markdown

from int8sim.golden.store import read
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.kernels.cuda.assembly import CAPABILITIES, distinct, ptx
from int8sim.kernels.cuda.availability import TENSOR_CORES
from int8sim.kernels.cuda.device import Launch, recorded
from int8sim.kernels.cuda.products import INSTRUCTIONS, forced
from int8sim.kernels.cuda.ptxas import resources
from int8sim.lowering.lower import lower
from int8sim.model.step import Array

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "cuda-resources.md"
PART = "kernels"
LENET = tuple(ROOT / "golden" / "lenet" / f"{engine}.h5" for engine in ("onnxruntime", "tflite_reference"))
PROFILES = ("tflite_reference", "tflite_optimized", "xnnpack", "onnxruntime", "nvdla", "tensorrt")
"""That ResNet-8 is lowered to."""


def lenet(path: Path) -> tuple[Graph, dict[str, Array]]:
    """The committed network, and one of its images."""
    golden = read(path)
    return golden.graph, {name: np.asarray(values)[:1] for name, values in golden.inputs.items()}


def networks() -> Iterator[tuple[Graph, dict[str, Array]]]:
    """All whose kernels stand on the page, and inputs of one sample."""
    yield from map(lenet, LENET)
    graph = shapes().resnet8()
    ranges = table(graph)
    yield graph, images(graph, 1)
    for profile in PROFILES:
        yield lower(graph, ranges, profile=profile), images(graph, 1)


def rows(given: Iterable[tuple[Graph, dict[str, Array]]]) -> list[list[str]]:
    """One of each kernel, by name: registers for every capability, bytes of shared memory."""
    found: dict[str, list[str]] = {}
    for graph, inputs in given:
        for instruction in INSTRUCTIONS:
            with forced(instruction), recorded() as launches:
                run(replace(graph), inputs, backend="cuda")
            for launch in distinct(launches):
                found.setdefault(launch.kernel.name, _row(launch))
    return sorted(found.values())


def _row(launch: Launch) -> list[str]:
    name = launch.kernel.name
    least = TENSOR_CORES if name.startswith("mma") else CAPABILITIES[0]
    taken = [resources(ptx(launch, each), each) if each >= least else None for each in CAPABILITIES]
    shared = max(each.shared for each in taken if each)
    beyond = max(each.stack + each.spills for each in taken if each)
    return [f"`{name}`", *(str(each.registers) if each else "" for each in taken), f"{shared:,}", str(beyond)]


def versions() -> str:
    """Of whoever compiles and assembles."""
    names = ("numba", "numba-cuda", "nvidia-nvvm", "nvidia-cuda-nvcc")
    return ", ".join(f"{name} {version(name)}" for name in names)


def text(lines: list[list[str]]) -> str:
    """The part of the page."""
    columns = ["kernel", *(" {}.{}".format(*each) for each in CAPABILITIES), " shared bytes", " stack and spills"]
    return f"By {versions()}.\n\n{markdown(columns, lines)}"


if __name__ == "__main__":
    show(PAGE, PART, text(rows(networks())))
