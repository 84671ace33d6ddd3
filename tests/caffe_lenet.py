"""The Caffe LeNet of the witnesses: its blobs, by a few lines of protobuf wire format; its graph; its digits."""

import gzip
import struct

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax


def fields(data):
    """(field number, value) of one message: ints for varints and fixed words, bytes for the rest."""
    place = 0
    while place < len(data):
        key, place = varint(data, place)
        if key & 7 == 0:
            value, place = varint(data, place)
        elif key & 7 == 2:
            size, place = varint(data, place)
            value, place = data[place : place + size], place + size
        else:
            size = 8 if key & 7 == 1 else 4
            value, place = data[place : place + size], place + size
        yield key >> 3, value


def varint(data, place):
    value = shift = 0
    while True:
        byte = data[place]
        value, place, shift = value | (byte & 0x7F) << shift, place + 1, shift + 7
        if byte < 128:
            return value, place


def blob(data):
    values, dims = [], []
    for number, value in fields(data):
        if number == 5:
            values.append(np.frombuffer(value, "<f4"))
        if number == 7:
            for inner, packed in fields(value):
                if inner == 1:
                    place = 0
                    while place < len(packed):
                        dim, place = varint(packed, place)
                        dims.append(dim)
        if number in (1, 2, 3, 4) and isinstance(value, int):
            dims.append(value)
    return np.concatenate(values).reshape(dims or -1)


def blobs(path):
    """Layer name -> its blobs, float32 (layers of the current format, field 100)."""
    found = {}
    for number, layer in fields(path.read_bytes()):
        if number == 100:
            parts = list(fields(layer))
            name = next(value for key, value in parts if key == 1).decode()
            arrays = [blob(value) for key, value in parts if key == 7]
            if arrays:
                found[name] = arrays
    return found


def idx_images(path, count, skip):
    """uint8 [count, 28, 28] of a gzipped MNIST IDX file."""
    with gzip.open(path) as file:
        _, total, rows, columns = struct.unpack(">4I", file.read(16))
        assert total >= skip + count
        file.seek(16 + skip * rows * columns)
        return np.frombuffer(file.read(count * rows * columns), np.uint8).reshape(count, rows, columns)


def idx_labels(path):
    """uint8 [N] of a gzipped MNIST IDX file."""
    with gzip.open(path) as file:
        return np.frombuffer(file.read()[8:], np.uint8)


def lenet(caffemodel):
    """The float graph; its tensors carry the Caffe layers' names."""
    constants = {}
    for name, (weight, bias) in blobs(caffemodel).items():
        shape = weight.shape[-2:] if name.startswith("ip") else weight.shape
        constants |= {f"{name}_w": weight.reshape(shape), f"{name}_b": bias.reshape(-1)}
    pool = MaxPool((2, 2), (2, 2))
    chain = [("conv1", Conv2d()), ("pool1", pool), ("conv2", Conv2d()), ("pool2", pool), ("flatten", Flatten())]
    chain += [("ip1", FullyConnected()), ("relu1", Relu()), ("ip2", FullyConnected()), ("prob", Softmax(1))]
    layers, source = [], "data"
    for name, op in chain:
        weights = (f"{name}_w", f"{name}_b") if op.weighted else ()
        layers.append(Layer(name, op, (source, *weights), name))
        source = name
    return float_graph("lenet", layers, {"data": TensorType((1, 1, 28, 28), "float32", "NCHW")}, ["prob"], constants)
