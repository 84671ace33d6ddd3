"""Have the engines themselves produce golden/lenet/*.h5, and write golden/MANIFEST.

    python tools/make_golden.py            writes the files
    python tools/make_golden.py --check    produces them again in a temporary folder and compares every data set

Needs onnxruntime and ai-edge-litert. int8sim calibrates and lowers the LeNet; every tensor in the files was computed by
ONNX Runtime or by LiteRT's reference kernels from the exported model, none by int8sim.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding
import numpy as np
from engines import ENGINES

from int8sim import api
from int8sim.cli.recipe import KEPT, PRESETS, WITNESSES, calibrated, digits
from int8sim.golden import store
from int8sim.graph.ir import Graph

GOLDEN = Path(__file__).parent.parent / "golden"
LENET = GOLDEN / "lenet"
COMMAND = "python tools/make_golden.py"
PACKAGES = {
    "onnxruntime": ("ONNX Runtime", "onnxruntime"),
    "tflite_reference": ("LiteRT BUILTIN_REF", "ai-edge-litert"),
}
FEATURES = ("avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512vnni", "avxvnni", "neon", "dotprod")


def instruction_set() -> str:
    """The processor's architecture and those of its features that engines choose kernels by."""
    features = llvmlite.binding.get_host_cpu_features()
    return " ".join([platform.machine(), *(name for name in FEATURES if features.get(name))])


def produce(profile: str, graph: Graph, folder: Path) -> Path:
    """Run one engine on all test digits and write its golden file."""
    title, package = PACKAGES[profile]
    images = digits(graph, "test")
    tensors = {graph.inputs[0]: images, **ENGINES[profile](graph, {graph.inputs[0]: images})}
    producer = store.Producer(title, version(package), instruction_set(), COMMAND)
    path = folder / f"{profile}.h5"
    store.write(path, graph, tensors, producer, KEPT)
    return path


def files(folder: Path) -> Iterator[Path]:
    """The engines' golden files, made now."""
    graph, table = calibrated()
    for profile in WITNESSES:
        yield produce(profile, api.lower(graph, table, profile=profile, preset=PRESETS[profile]), folder)


def entry(path: Path) -> dict[str, str]:
    """One file's line in the manifest."""
    found = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    if path.name in {"lenet.onnx", "digits.h5"}:
        return {**found, "producer": "tools/train_lenet.py", "command": "python tools/train_lenet.py"}
    producer = store.read(path).producer
    return {
        **found,
        "producer": producer.name,
        "version": producer.version,
        "instruction_set": producer.instruction_set,
        "command": producer.command,
    }


def manifest() -> dict[str, dict[str, str]]:
    """Every file under golden/ by its path there."""
    kept = sorted(path for path in GOLDEN.rglob("*.*") if path.suffix in {".onnx", ".h5"})
    return {path.relative_to(GOLDEN).as_posix(): entry(path) for path in kept}


def differences(made: Path, kept: Path) -> list[str]:
    """Names of what differs between two golden files: the graph, or a tensor."""
    one, two = store.read(made), store.read(kept)
    found = [] if api_json(one.graph) == api_json(two.graph) else ["the graph"]
    names = one.hashes.keys() | two.hashes.keys()
    return found + sorted(name for name in names if not np.array_equal(one.hashes.get(name), two.hashes.get(name)))


def api_json(graph: Graph) -> str:
    """The graph as the store writes it."""
    from int8sim.golden.graph_json import encode

    return encode(graph)[0]


def check() -> int:
    """Produce the files again and compare; 0 if nothing differs."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for made in files(Path(folder)):
            kept = store.read(LENET / made.name)
            found = differences(made, LENET / made.name)
            values = sum(hashes.shape[0] for hashes in kept.hashes.values())
            print(f"{made.name}: {values} sample hashes, {', '.join(found) or 'nothing'} differs")
            if found and kept.producer.instruction_set != instruction_set():
                print(f"  recorded on {kept.producer.instruction_set}, this machine is {instruction_set()}")
            failed += bool(found)
    return 1 if failed else 0


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        return check()
    for path in files(LENET):
        print(f"{path.relative_to(GOLDEN.parent)}: {path.stat().st_size:,} bytes")
    (GOLDEN / "MANIFEST").write_text(json.dumps(manifest(), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
