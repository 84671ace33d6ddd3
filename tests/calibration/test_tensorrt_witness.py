"""A cache that TensorRT 7.2.2 wrote, reproduced from caffemodel and images: float run, histograms, search."""

import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.calibration.methods.registry import method
from int8sim.calibration.statistics import TensorRTStatistics
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


@pytest.mark.witness
@pytest.mark.parametrize(
    ("skip", "divisor", "bits"),
    [(50, 255, "3c008912"), (0, 256, "3c000889")],
    ids=["TRT-7000, pixel / 255", "TRT-5100, pixel / 256"],
)
def test_input_rows_of_the_sampleint8_tables(oracle_folder, skip, divisor, bits):
    """The `data` rows of the tables in sampleINT8's README: 500 images from `skip` on, batches of fifty."""
    pixels = idx_images(oracle_folder / "mnist" / "train-images-idx3-ubyte.gz", 500, skip)
    statistics = TensorRTStatistics()
    for start in range(0, 500, 50):
        statistics.add(pixels[start : start + 50] / np.float32(divisor))
    scale, _ = method("entropy2").choose(statistics, {})
    assert f"{float32_bits(scale):08x}" == bits
