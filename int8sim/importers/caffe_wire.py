"""The weights in a .caffemodel: protobuf's wire format, as far as a NetParameter needs it, read without protobuf.

Source of the field numbers: BVLC/caffe:src/caffe/proto/caffe.proto; of the raw blobs (NVCaffe), NVIDIA/TensorRT:
parsers/caffe/proto/trtcaffe.proto. Source of the wire format: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from int8sim.model.errors import ModelBytesError, NotAModelError
from int8sim.model.step import Array

VARINT, WORD_64, BYTES, WORD_32 = 0, 1, 2, 5
WIDTHS = {WORD_64: 8, WORD_32: 4}
LONGEST_VARINT = 10

LAYER, V1_LAYER = 100, 2
"""Fields of a NetParameter that hold layers, of the current and of the old format."""
NAME_AND_BLOBS = {LAYER: (1, 7), V1_LAYER: (4, 6)}
"""Of each: the fields that hold a layer's name and its blobs."""

DATA, SHAPE, DOUBLE_DATA, RAW_TYPE, RAW_DATA = 5, 7, 8, 10, 12
LEGACY_SHAPE = (1, 2, 3, 4)
RAW_TYPES = ("<f8", "<f4", "<f2")
MOST_AXES = 32
"""Of a blob. Source: BVLC/caffe:include/caffe/blob.hpp, kMaxBlobAxes."""


@dataclass(frozen=True, eq=False)
class Blob:
    """shape: as the file states it; values: float32, flat."""

    shape: tuple[int, ...]
    values: Array


class Field(NamedTuple):
    """number, wire: of its key, at byte `key`. value: a varint's. start, end: of the content, in the file."""

    number: int
    wire: int
    key: int
    value: int
    start: int
    end: int


def read_blobs(path: str | os.PathLike[str]) -> Mapping[str, tuple[Blob, ...]]:
    """The blobs of every layer that has some, by the layer's name, in the order of the file.

    Raises NotAModelError for a file that is not there or holds no layers, ModelBytesError for one that is truncated,
    foreign or damaged.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise NotAModelError(path, problem.strerror or str(problem)) from None
    return _Reader(path, memoryview(content)).layers()


class _Reader:
    """path: for errors. data: the whole file; places in it are counted from its beginning."""

    def __init__(self, path: str | os.PathLike[str], data: memoryview) -> None:
        self.path, self.data = path, data

    def problem(self, offset: int, what: str) -> ModelBytesError:
        return ModelBytesError(self.path, offset, f"{what}; is this a complete .caffemodel?")

    def varint(self, place: int, end: int) -> tuple[int, int]:
        """(value, the place behind it)."""
        value = 0
        for count in range(LONGEST_VARINT):
            if place + count >= end:
                raise self.problem(place, "a number is cut off")
            byte = self.data[place + count]
            value |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return value, place + count + 1
        raise self.problem(place, "a number has more than 64 bits")

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """The fields of the message in data[start:end]."""
        place = start
        while place < end:
            key, first = self.varint(place, end)
            number, wire = key >> 3, key & 7
            value, begin = self.varint(first, end) if wire in {VARINT, BYTES} else (0, first)
            if number == 0 or wire not in {VARINT, BYTES, *WIDTHS}:
                raise self.problem(place, f"field {number} of wire type {wire} is none")
            size = 0 if wire == VARINT else value if wire == BYTES else WIDTHS[wire]
            if size > end - begin:
                raise self.problem(place, f"field {number} needs {size} bytes, {end - begin} are left")
            yield Field(number, wire, place, value, begin, begin + size)
            place = begin + size

    def of_wire(self, field: Field, *wires: int) -> Field:
        """The field, if it is of one of these wire types."""
        if field.wire not in wires:
            raise self.problem(field.key, f"field {field.number} has wire type {field.wire}, {wires[0]} is needed")
        return field

    def layers(self) -> dict[str, tuple[Blob, ...]]:
        found: dict[str, tuple[Blob, ...]] = {}
        count = 0
        for field in self.fields(0, len(self.data)):
            if field.number in NAME_AND_BLOBS:
                name, blobs = self.layer(self.of_wire(field, BYTES))
                if blobs and name in found:
                    raise self.problem(field.key, f"layer {name!r} has blobs for the second time")
                found |= {name: blobs} if blobs else {}
                count += 1
        if not count:
            raise NotAModelError(self.path, "it holds no layers: no .caffemodel, or not a complete one")
        return found

    def layer(self, field: Field) -> tuple[str, tuple[Blob, ...]]:
        """A layer's name and blobs."""
        name, blobs = "", []
        name_field, blob_field = NAME_AND_BLOBS[field.number]
        for part in self.fields(field.start, field.end):
            if part.number == name_field:
                name = self.text(self.of_wire(part, BYTES))
            elif part.number == blob_field:
                blobs.append(self.blob(self.of_wire(part, BYTES)))
        return name, tuple(blobs)

    def text(self, field: Field) -> str:
        try:
            return bytes(self.data[field.start : field.end]).decode("utf-8")
        except UnicodeDecodeError:
            raise self.problem(field.start, "a layer's name is not text") from None

    def blob(self, field: Field) -> Blob:
        """A BlobProto: float32, float64, or NVCaffe's raw bytes; the shape in the new form or in the old one."""
        parts = list(self.fields(field.start, field.end))
        values = self.values(field, parts)
        shape = tuple(size for part in parts if part.number == SHAPE for size in self.sizes(self.of_wire(part, BYTES)))
        legacy = {part.number: self.of_wire(part, VARINT).value for part in parts if part.number in LEGACY_SHAPE}
        if len(shape) > MOST_AXES:
            raise self.problem(field.key, f"a blob has {len(shape)} axes; {MOST_AXES} are the most")
        if not shape:
            shape = tuple(legacy.get(axis, 0) for axis in LEGACY_SHAPE) if legacy else (values.size,)
        if math.prod(shape) != values.size:
            raise self.problem(field.key, f"a blob of the shape {list(shape)} holds {values.size} values")
        return Blob(shape, values)

    def sizes(self, field: Field) -> Iterator[int]:
        """The dimensions in a BlobShape, packed or one by one."""
        for part in self.fields(field.start, field.end):
            if part.number == 1 and self.of_wire(part, VARINT, BYTES).wire == VARINT:
                yield part.value
            place = part.start
            while part.number == 1 and place < part.end:
                size, place = self.varint(place, part.end)
                yield size

    def values(self, field: Field, parts: list[Field]) -> Array:
        """float32, flat. Doubles are rounded to the nearest and must stay finite where they are."""
        raw = [part.value for part in parts if part.number == RAW_TYPE]
        kinds = {DATA: ("<f4", WORD_32), DOUBLE_DATA: ("<f8", WORD_64)}
        if raw and raw[-1] < len(RAW_TYPES):
            kinds[RAW_DATA] = RAW_TYPES[raw[-1]], BYTES
        arrays = [self.numbers(parts, number, *kind) for number, kind in kinds.items()]
        filled = [array for array in arrays if array.size]
        if len(filled) > 1:
            raise self.problem(field.key, "a blob holds its values twice")
        return self.narrow(field, filled[0] if filled else arrays[0])

    def numbers(self, parts: list[Field], number: int, kind: str, single: int) -> Array:
        """A repeated field of floats, packed or one by one."""
        chosen = [self.of_wire(part, BYTES, single) for part in parts if part.number == number]
        width = np.dtype(kind).itemsize
        for part in chosen:
            if (part.end - part.start) % width:
                raise self.problem(part.key, f"{part.end - part.start} bytes are no values of {width} bytes each")
        return np.frombuffer(b"".join(self.data[part.start : part.end] for part in chosen), kind)

    def narrow(self, field: Field, values: Array) -> Array:
        with np.errstate(over="ignore", invalid="ignore"):
            narrow = values.astype(np.float32)
        if np.isinf(narrow).sum() > np.isinf(values).sum():
            raise self.problem(field.key, "a blob holds float64 values beyond the range of float32")
        return narrow
