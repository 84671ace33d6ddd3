"""A cache that TensorRT 7.2.2 wrote, reproduced from caffemodel and images: float run, histograms, search."""

import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.spec.float32 import float32_bits

sys.path.insert(0, str(Path(__file__).parents[1]))
from mnist_idx import idx_images


@pytest.mark.witness
def test_every_row_of_a_real_cache(oracle_folder, compared):
    """Images 50..549 of the training set, pixel / 255, ten batches of fifty: nine rows, every bit."""
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    graph = api.load(folder / "lenet.prototxt")
    pixels = idx_images(oracle_folder / "mnist" / "train-images-idx3-ubyte.gz", 500, 50)
    images = (pixels / np.float32(255)).astype(np.float32)[:, None]
    table = api.calibrate(graph, api.image_batches(images, 50, 10))
    real = api.read_table(folder / "lenet.calibration.table")
    assert list(table) == list(real)
    assert [float32_bits(row.scale) for row in table.values()] == [float32_bits(row.scale) for row in real.values()]
    compared(len(table), least=9)
