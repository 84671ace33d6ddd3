"""How far ONNX Runtime's two answers to one QDQ graph are apart: the table of docs/quantized-onnx.md. --write: there.

The LeNet, quantized by ONNX Runtime's own quantizer; its codes with graph optimizations and without.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from onnx_quantizer import INT8_ALLOWED, KINDS, node_outputs, quantized, run_file
from pages import show, table

from int8sim.importers.onnx import load_onnx
from int8sim.model.step import Array

ROOT = Path(__file__).parents[1]
LENET, PAGE = ROOT / "golden" / "lenet", ROOT / "docs" / "quantized-onnx.md"


def digits(part: str, count: int) -> Array:
    """float32 [count, 1, 28, 28]."""
    with h5py.File(LENET / "digits.h5") as file:
        pixels: Array = file[f"{part}/images"][:count][:, None].astype(np.float32)
    return pixels / np.float32(255)


def distances(path: Path, images: Array) -> tuple[int, list[int], int]:
    """Codes compared; how many differ, of the layers but softmax and of softmax; the largest difference."""
    graph = load_onnx(path)
    codes = set(node_outputs(path, "QuantizeLinear"))
    layers = [layer for layer in graph.layers if layer.output in codes]
    names = [layer.output for layer in layers]
    fused = run_file(path, {"data": images}, names, **{INT8_ALLOWED: "1"})
    plain = run_file(path, {"data": images}, names, optimized=False)
    apart = [np.abs(fused[name].astype(int) - plain[name].astype(int)) for name in names]
    wrong = [0, 0]
    for layer, difference in zip(layers, apart, strict=True):
        wrong[layer.op.name == "softmax"] += int(np.count_nonzero(difference))
    return sum(each.size for each in apart), wrong, int(max(each.max() for each in apart))


def rows(images: Array, samples: list[dict[str, Array]]) -> Iterator[tuple[str, ...]]:
    """One for each kind."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, channels in KINDS:
            path = quantized(LENET / "lenet.onnx", samples, kind, channels, Path(folder) / "qdq.onnx", "QDQ")
            total, (others, softmax), largest = distances(path, images)
            name = f"{kind}, per {'channel' if channels else 'tensor'}"
            yield name, f"{total:,}", f"{others + softmax:,}", f"{softmax:,}", str(largest)


if __name__ == "__main__":
    columns = "activations and weights", " codes", " differ", " of these softmax's", " largest difference"
    samples = [{"data": image[None]} for image in digits("calibrate", 50)]
    show(PAGE, "distance", table(columns, rows(digits("test", 1000), samples)))
