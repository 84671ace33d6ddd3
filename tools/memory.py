"""Memory and start-up of integer runs, each measured in a process of its own. Linux only.

    python tools/memory.py [--json FILE]

The peak of a ResNet-50 at batch 1, from its file to its output, beyond what the imports take; what further runs add;
how long it takes from the start of a process to the first output of a LeNet, with an empty kernel cache and with a
filled one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from int8sim.bench import networks
from int8sim.bench.peers import normal, ranges
from int8sim.golden import packaged, store
from int8sim.graph.ir import Graph
from int8sim.importers.onnx import load_onnx
from int8sim.lowering.lower import lower

LENETS = {f"LeNet {profile}": profile for profile in ("onnxruntime", "tflite_reference", "nvdla", "tensorrt")}
RESNET50 = "ResNet-50 onnxruntime"
RUNS = {RESNET50: 100, "LeNet onnxruntime": 1000}

FIRST = """
import sys, time
import numpy as np
import int8sim
graph = int8sim.load(sys.argv[1])
inputs = {name: np.zeros(graph.tensors[name].shape, graph.tensors[name].dtype) for name in graph.inputs}
int8sim.run(graph, inputs)
"""
"""From a lowered graph's file to its first output."""
MEMORY = f"""
import importlib, pathlib, pkgutil
import int8sim.api, int8sim.golden.store, int8sim.kernels.cpu
for module in pkgutil.iter_modules(int8sim.kernels.cpu.__path__):
    importlib.import_module("int8sim.kernels.cpu." + module.name)
def resident(kind):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024 / 1e6
imports = resident("VmRSS")
{FIRST}
peak = resident("VmHWM")
for _ in range(20):
    int8sim.run(graph, inputs)
before = resident("VmRSS")
for _ in range(int(sys.argv[2])):
    int8sim.run(graph, inputs)
print(imports, peak - imports, resident("VmRSS") - before)
"""
"""The same, then so many runs: megabytes of the imports, of the peak beyond them, of the growth."""


@dataclass(frozen=True)
class Figure:
    """What was measured, in `unit`, and the most that it may be."""

    name: str
    value: float
    unit: str
    most: float

    def __str__(self) -> str:
        return f"{self.name}: {self.value:.3g} {self.unit}, {self.most:g} {self.unit} at most"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    file = parser.parse_args().json
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for figure in figures(Path(folder)):
            print(figure, flush=True)
            found.append(figure)
    if file:
        file.write_text(json.dumps({"figures": [asdict(each) for each in found]}, indent=1))


def figures(folder: Path) -> Iterator[Figure]:
    """Every figure, one after the other. folder: for graphs and kernels."""
    write_graphs(folder)
    for network, runs in RUNS.items():
        first_output(folder, network, "kernels")
        _, peak, growth = child(MEMORY, folder, network, "kernels", runs)
        if network == RESNET50:
            yield Figure(f"{network}, peak of the first run beyond the imports", peak, "MB", 300)
        yield Figure(f"{network}, growth over {runs:,} runs", growth, "MB", 1)
    for network in LENETS:
        yield Figure(f"{network}, first output, no kernel cached", first_output(folder, network, network), "s", 3)
        again = median(first_output(folder, network, network) for _ in range(5))
        yield Figure(f"{network}, first output in a later process", again, "s", 0.7)


def write_graphs(folder: Path) -> None:
    """The networks as `int8sim lower` writes them."""
    lenet, resnet50 = load_onnx(packaged.lenet("lenet.onnx")), networks.resnet50()
    graphs = {name: _lowered(lenet, profile) for name, profile in LENETS.items()}
    for name, graph in {**graphs, RESNET50: _lowered(resnet50, "onnxruntime")}.items():
        store.write(folder / f"{name}.h5", graph, {}, store.Producer())


def _lowered(graph: Graph, profile: str) -> Graph:
    x = normal(graph.tensors[graph.inputs[0]].shape)
    return lower(graph, ranges(graph, x), profile=profile, preset="mixed")


def first_output(folder: Path, network: str, cache: str) -> float:
    """Seconds from the start of a process to its first output. cache: the folder of its kernels."""
    start = time.monotonic()
    (end,) = child(FIRST + "print(time.monotonic())", folder, network, cache)
    return end - start


def child(code: str, folder: Path, network: str, cache: str, *more: int) -> list[float]:
    """The numbers that a process prints."""
    command = [sys.executable, "-c", code, str(folder / f"{network}.h5"), *map(str, more)]
    environment = {**os.environ, "INT8SIM_CACHE": str(folder / cache), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


if __name__ == "__main__":
    main()
