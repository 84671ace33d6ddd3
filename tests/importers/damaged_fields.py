"""Files that are still of their format, with fields changed to what no sound file holds."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

INTEGERS = (0, 1, -1, 2, 3, 4, 5, 7, 8, 16, 99, 127, 128, -128, -129, 255, 256, 65535, 1 << 20, 1 << 31, -(1 << 31))
INTEGERS += ((1 << 31) - 1, 1 << 40, (1 << 63) - 1, -(1 << 63), (1 << 64) - 1)
REALS = (0.0, -0.0, 1.0, -1.0, 1e-45, 1e-38, 3e38, -3e38, float("nan"), float("inf"), float("-inf"), 0.5, 2.0, 300.0)
WORDS = ("", "x", "y", "a", "c", "no such", "Relu", "Conv", "..", "/etc/passwd", "\u00e9", "a" * 300)


KINDS = ("float16", "float64", "int8", "uint8", "int16", "int32", "int64", "uint64", "bool", "complex64", "str")


def _onnx(content: bytes, rng: random.Random) -> bytes:
    """Any field, or what a constant is."""
    model = onnx.load_from_string(content)
    if rng.random() < 0.7:
        return _protobuf(model, rng)
    tensor = rng.choice(model.graph.initializer)
    with np.errstate(all="ignore"):
        values = _other_array(onnx.numpy_helper.to_array(tensor), rng)
    tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    return model.SerializeToString()


def _other_array(values: Any, rng: random.Random) -> Any:
    """Of another shape, size, type or content."""
    if rng.random() < 0.5:
        kind = rng.choice(KINDS)
        return values.astype(str).astype(object) if kind == "str" else values.astype(kind)
    flat, kind = values.ravel(), values.dtype.type
    shapes = [flat[:1].reshape(()), values[None], values[..., None], flat, flat[:0], flat[:1], np.tile(flat, 2)]
    return rng.choice([*shapes, flat[::-1].reshape(values.shape), values * kind(0), -values, values * kind(100)])


def _caffemodel(content: bytes, rng: random.Random) -> bytes:
    return _protobuf(_net()(content), rng)


def _protobuf(message: Any, rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 1, 2])):
        slots = list(_slots(message))
        owner, field = rng.choice(slots)
        _change(owner, field, rng, [each for each in slots if each[1] == field])
    return message.SerializeToString()


def _slots(message: Any) -> Iterator[tuple[Any, FieldDescriptor]]:
    for field, value in message.ListFields():
        yield message, field
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if _is_list(value) else [value]:
                yield from _slots(each)


def _is_list(value: Any) -> bool:
    return hasattr(value, "extend")


def _change(owner: Any, field: FieldDescriptor, rng: random.Random, alike: list[Any]) -> None:
    value = getattr(owner, field.name)
    if not _is_list(value):
        if field.type == FieldDescriptor.TYPE_MESSAGE or rng.random() < 0.2:
            owner.ClearField(field.name)
        else:
            setattr(owner, field.name, _other(value, field, rng, alike))
        return
    place, way = rng.randrange(len(value)), rng.choice(["drop", "again", "swap", "other"])
    if way == "drop":
        del value[place]
    elif way == "again":
        value.extend([value[place]])
    elif way == "swap" or field.type == FieldDescriptor.TYPE_MESSAGE:
        turned = [*value][::-1] if rng.random() < 0.5 else rng.sample([*value], len(value))
        turned = [type(each).FromString(each.SerializeToString()) if _is_message(each) else each for each in turned]
        del value[:]
        value.extend(turned)
    else:
        value[place] = _other(value[place], field, rng, alike)


def _is_message(value: Any) -> bool:
    return hasattr(value, "SerializeToString")


LIMITS = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), 1 << 31),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1 << 32),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), 1 << 63),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1 << 64),
}


def _other(value: Any, field: FieldDescriptor, rng: random.Random, alike: list[Any]) -> Any:
    if isinstance(value, bytes):
        return rng.choice([value[:-1], value + b"\0", b"", value[::-1], b"\xff" * len(value), bytes(len(value))])
    if isinstance(value, str):
        owner, field = rng.choice(alike)
        other = getattr(owner, field.name)
        return rng.choice([rng.choice([*other]) if _is_list(other) else other, rng.choice(WORDS)])
    if isinstance(value, float):
        return rng.choice(REALS)
    if field.enum_type:
        return rng.choice([each.number for each in field.enum_type.values])
    low, high = LIMITS.get(field.cpp_type, (0, 2))
    near = [value - 1, value + 1, value + 1, -value, 2 * value]
    return rng.choice([each for each in (*INTEGERS, *near, *near) if low <= each < high])


STRING, FLOAT = FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_FLOAT
INT64, MESSAGE = FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_MESSAGE
NET = {
    "Shape": [("dim", 1, INT64, "")],
    "Blob": [("data", 5, FLOAT, ""), ("shape", 7, MESSAGE, "Shape")],
    "Layer": [("name", 1, STRING, ""), ("blobs", 7, MESSAGE, "Blob")],
    "Old": [("name", 4, STRING, ""), ("blobs", 6, MESSAGE, "Blob")],
    "Net": [("name", 1, STRING, ""), ("layers", 2, MESSAGE, "Old"), ("layer", 100, MESSAGE, "Layer")],
}
"""NetParameter, as far as a .caffemodel is read: of each message the name, number, type and message of its fields."""


def _net() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="net.proto", syntax="proto2")
    for name, rows in NET.items():
        made = file.message_type.add(name=name)
        for field, number, kind, of in rows:
            label = FieldDescriptor.LABEL_OPTIONAL if kind == STRING else FieldDescriptor.LABEL_REPEATED
            added = made.field.add(name=field, number=number, type=kind, label=label, type_name=of or None)
            added.options.packed = kind in {FLOAT, INT64}
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Net")).FromString


def _tflite(content: bytes, rng: random.Random) -> bytes:
    """By the schema's objects; what does not fit a field's type is drawn again."""
    from ai_edge_litert import schema_py_generated as schema
    from flatbuffers import Builder

    while True:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        builder = Builder(1024)
        try:
            for _ in range(rng.choice([1, 1, 2])):
                _change_object(rng, rng.choice(list(_places(model))))
            builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        except (TypeError, ValueError, struct.error, AttributeError, OverflowError):
            continue
        return bytes(builder.Output())


def _places(owner: Any) -> Iterator[tuple[Any, str, Any]]:
    for name, value in vars(owner).items():
        if value is None:
            continue
        yield owner, name, value
        for each in value if isinstance(value, list) else [value]:
            if type(each).__name__.endswith("T"):
                yield from _places(each)


def _change_object(rng: random.Random, place: tuple[Any, str, Any]) -> None:
    owner, name, value = place
    if isinstance(value, list | np.ndarray) and len(value):
        setattr(owner, name, _change_list(rng, [*value], value))
    elif isinstance(value, bytes | str):
        setattr(owner, name, rng.choice([value[:-1], value + value, *WORDS]))
    elif isinstance(value, bool | np.bool_):
        setattr(owner, name, not value)
    elif isinstance(value, float | np.floating):
        setattr(owner, name, rng.choice(REALS))
    elif isinstance(value, int | np.integer):
        setattr(owner, name, rng.choice([*INTEGERS, *(int(value) + each for each in (-1, 1, 1, 2))]))
    else:
        setattr(owner, name, None)


def _change_list(rng: random.Random, values: list[Any], before: Any) -> Any:
    place, way = rng.randrange(len(values)), rng.choice(["drop", "again", "swap", "other", "other"])
    first = values[place]
    if way == "drop":
        del values[place]
    elif way == "again":
        values.append(first)
    elif way == "swap" or not isinstance(first, int | float | np.number):
        rng.shuffle(values)
    else:
        values[place] = rng.choice(REALS if isinstance(first, float | np.floating) else [*INTEGERS, int(first) + 1])
    return np.array(values, before.dtype) if isinstance(before, np.ndarray) else values


TOKENS = (r"-?\b\d[\w.]*", r"-?\b\d[\w.]*", r'"[^"\n]*"', r"\b[A-Za-z_]\w*\b", r"[{}:\n]")
"""Numbers, twice as likely as strings, words and marks."""


def _prototxt(content: bytes, rng: random.Random) -> bytes:
    """By its words: each by another one of its kind, by none, or by itself twice."""
    text = content.decode()
    for _ in range(rng.choice([1, 1, 2])):
        token = rng.choice(TOKENS)
        found = list(re.finditer(token, text))
        chosen = rng.choice(found)
        others = [each.group() for each in found]
        if token == TOKENS[0]:
            others = [*map(str, (*INTEGERS, *REALS)), "9" * 5000, "1e999", "0x7", "09", *others]
        word = rng.choice([rng.choice(others), rng.choice(others), rng.choice(others), "", f"{chosen.group()} " * 2])
        text = text[: chosen.start()] + word + text[chosen.end() :]
    return text.encode()


CHANGE: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "onnx": _onnx,
    "tflite": _tflite,
    "prototxt": _prototxt,
    "caffemodel": _caffemodel,
}
"""By the file's ending."""
