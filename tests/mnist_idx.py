"""The MNIST digits of the witnesses, from their gzipped IDX files."""

import gzip
import struct

import numpy as np


def idx_images(path, count, skip):
    """uint8 [count, 28, 28]."""
    with gzip.open(path) as file:
        _, total, rows, columns = struct.unpack(">4I", file.read(16))
        assert total >= skip + count
        file.seek(16 + skip * rows * columns)
        return np.frombuffer(file.read(count * rows * columns), np.uint8).reshape(count, rows, columns)


def idx_labels(path):
    """uint8 [N]."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read()[8:], np.uint8)
