"""Caffe networks made for a test: the text of a .prototxt, the bytes of a .caffemodel, and OpenCV, which runs both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from int8sim.model.errors import Int8SimError

Array = np.ndarray


def real(*shape: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def content(field: int, data: bytes) -> bytes:
    """A field of wire type 2."""
    return varint(field << 3 | 2) + varint(len(data)) + data


def shape_of(array: Array, packed: bool = True) -> bytes:
    if packed:
        return content(7, content(1, b"".join(varint(size) for size in array.shape)))
    return content(7, b"".join(number(1, size) for size in array.shape))


def blob(array: Array, form: str = "packed") -> bytes:
    """A BlobProto in one of the forms that Caffe and its forks have written."""
    values = np.asarray(array, np.float32).ravel()
    match form:
        case "packed":
            return content(5, values.tobytes()) + shape_of(array)
        case "one by one":
            return shape_of(array, packed=False) + b"".join(b"\x2d" + value.tobytes() for value in values)
        case "in two parts":
            half = values.size // 2
            return shape_of(array) + content(5, values[:half].tobytes()) + content(5, values[half:].tobytes())
        case "doubles":
            return shape_of(array) + content(8, values.astype(np.float64).tobytes())
        case "doubles one by one":
            return shape_of(array) + b"".join(b"\x41" + value.tobytes() for value in values.astype(np.float64))
        case "four dimensions":
            sizes = (1, 1, 1, 1, *array.shape)[-4:]
            return b"".join(number(axis, size) for axis, size in enumerate(sizes, 1)) + content(5, values.tobytes())
        case "raw halves":
            return shape_of(array) + number(10, 2) + content(12, values.astype(np.float16).tobytes())
    raise ValueError(form)


NO_BLOBS: Mapping[str, Sequence[Array]] = {"none": ()}
FORMS = ("packed", "one by one", "in two parts", "doubles", "doubles one by one", "four dimensions", "raw halves")


def caffemodel(blobs: Mapping[str, Sequence[Array]], form: str = "packed", old: bool = False) -> bytes:
    """A NetParameter of layers with blobs; old: as V1 layers."""
    layer_field, name_field, blob_field = (2, 4, 6) if old else (100, 1, 7)
    layers = [
        content(name_field, name.encode()) + b"".join(content(blob_field, blob(array, form)) for array in arrays)
        for name, arrays in blobs.items()
    ]
    return content(1, b"net") + b"".join(content(layer_field, layer) for layer in layers)


def layer(kind: str, bottoms: str, tops: str, settings: str = "", name: str = "") -> str:
    """The text of a layer; settings: `message { ... }` and whatever else; its name is its first top's."""
    ends = [f'bottom: "{blob}"' for blob in bottoms.split()] + [f'top: "{blob}"' for blob in tops.split()]
    return f'layer {{ name: "{name or tops.split()[0]}" type: "{kind}" {" ".join(ends)} {settings} }}'


def placed(name: str, *shape: int) -> str:
    """The text of an Input layer."""
    dims = " ".join(f"dim: {size}" for size in shape)
    return layer("Input", "", name, f"input_param {{ shape {{ {dims} }} }}")


def saved(
    folder: Path,
    text: str,
    blobs: Mapping[str, Sequence[Array]] = NO_BLOBS,
    **options: Any,
) -> Path:
    """Both files; the .prototxt's path."""
    path = folder / "net.prototxt"
    path.write_text(text)
    path.with_suffix(".caffemodel").write_bytes(caffemodel(blobs, **options))
    return path


def by_opencv(path: Path, feeds: Mapping[str, Array], output: str = "") -> Array:
    """A layer's output, or the last one's, computed by OpenCV. Skips where it is not installed."""
    cv2 = pytest.importorskip("cv2")
    net = cv2.dnn.readNetFromCaffe(str(path), str(path.with_suffix(".caffemodel")))
    net.enableFusion(False)
    net.enableWinograd(False)
    for name, values in feeds.items():
        net.setInput(values, name)
    return net.forward(output) if output else net.forward()


def refused(call: Callable[[], object]) -> Int8SimError | None:
    """The error of the package's own that a call raises, if it does; anything else gets out."""
    try:
        call()
    except Int8SimError as error:
        return error
    return None
