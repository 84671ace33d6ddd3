"""A small float network as a file, data, labels and a table for it: what the reference backend runs in no time."""

import numpy as np

from int8sim import api
from int8sim.importers.onnx import load_onnx

from ..importers import onnx_models as models

CLASSES = 7


def write(folder):
    """model.onnx (conv, relu, flatten, fc), data.npy, labels.npy, ranges.txt; returns the folder."""
    rng = np.random.default_rng(5)
    nodes = [
        models.node("Conv", "x w b", "c", "conv"),
        models.node("Relu", "c", "r", "relu"),
        models.node("Flatten", "r", "f", "flat"),
        models.node("Gemm", "f v", "y", "fc", transB=1),
    ]
    shapes = {"w": (3, 1, 3, 3), "b": (3,), "v": (CLASSES, 12)}
    constants = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    graph = load_onnx(models.saved(models.model(nodes, {"x": ("N", 1, 4, 4)}, constants=constants), folder))
    x = rng.standard_normal((12, 1, 4, 4)).astype(np.float32)
    tensors = api.run(graph, {"x": x}, backend="reference", keep="all")
    labels = tensors["y"].argmax(1)
    labels[:3] = (labels[:3] + 1) % CLASSES
    np.save(folder / "data.npy", x)
    np.save(folder / "labels.npy", labels.astype(np.uint8))
    lines = [f"{name}: {float(np.abs(values).max())!r}" for name, values in tensors.items()]
    (folder / "ranges.txt").write_text("\n".join(lines) + "\n")
    table = api.read_table(folder / "ranges.txt", "ranges")
    api.write_table(table, folder / "small.cache", format="tensorrt")
    return folder
