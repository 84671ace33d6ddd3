"""A cache that TensorRT 7.2.2 wrote, reproduced from caffemodel and images: float run, histograms, search."""

import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.spec.float32 import float32_bits

sys.path.insert(0, str(Path(__file__).parents[1]))
import caffe_lenet


@pytest.mark.witness
def test_every_row_of_a_real_cache(oracle_folder, compared):
    """Images 50..549 of the training set, pixel / 255, ten batches of fifty: nine rows, every bit."""
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    graph = caffe_lenet.lenet(folder / "lenet.caffemodel")
    pixels = caffe_lenet.idx_images(oracle_folder / "mnist" / "train-images-idx3-ubyte.gz", 500, 50)
    images = (pixels / np.float32(255)).astype(np.float32)[:, None]
    table = api.calibrate(graph, api.image_batches(images, 50, 10))
    real = api.read_table(folder / "lenet.calibration.table")
    names = {"(Unnamed Layer* 4) [Fully Connected]_output": "ip1", "ip1": "relu1"}
    found = {name: float32_bits(table[names.get(name, name)].scale) for name in real}
    assert found == {name: float32_bits(row.scale) for name, row in real.items()}
    compared(len(found), least=9)
