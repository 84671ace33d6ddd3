"""A folder of images, read with Pillow.

Resizing to a shorter side and the centre crop follow torchvision (pytorch/vision:torchvision/transforms/functional.py,
`_compute_resized_output_size`, `center_crop`); resizing itself is Pillow's bilinear filter on 8-bit values. The pixels
of a lossy format are those of Pillow's decoder. Gray is ITU-R 601-2 luma. Transparency is dropped, orientation tags are
not applied, and of several frames the first is taken.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from int8sim.calibration.streams.preprocessing import Size
from int8sim.calibration.streams.samples import reading
from int8sim.model.errors import EmptyDataSetError, InputMismatchError, MissingPackageError, NotADataSetError
from int8sim.model.step import Array

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Of the files taken, in any case; others in the folder are left alone."""
DEEP = ("I", "F")
"""First letter of Pillow's modes of more than 8 bits a channel."""


class ImageFolder:
    """Every image in a folder and below, in natural order of path: a/2.png, a/10.png, b/1.png.

    Samples are uint8 [height, width, channels].
    """

    layout = "NHWC"

    def __init__(self, folder: Path, tensor: str, resize: Size, crop: Size, channels: str) -> None:
        """tensor: the input's name, for messages. channels: "rgb", "bgr" or "gray".

        Raises NotADataSetError, InputMismatchError, MissingPackageError.
        """
        self._tensor, self._resize, self._crop, self._channels = tensor, resize, crop, channels
        self._paths = image_paths(folder)
        self.source = str(self._paths[0])
        self.shape = self._load(self._paths[0]).shape

    def __len__(self) -> int:
        return len(self._paths)

    def read(self, start: int, stop: int) -> Array:
        """Raises InputMismatchError for an image of another size than the first."""
        return np.stack([self._alike(path) for path in self._paths[start:stop]])

    def _alike(self, path: Path) -> Array:
        pixels = self._load(path)
        if pixels.shape != self.shape:
            expected = f"{list(self.shape)}, as in {self.source}; resize to WIDTHxHEIGHT, or crop"
            raise InputMismatchError(self._tensor, f"{path}: {list(pixels.shape)}", expected)
        return pixels

    def _load(self, path: Path) -> Array:
        """uint8 [height, width, channels]."""
        with reading(path), _pillow().open(path) as image:
            sized = _resized(_converted(image, path, self._channels), self._resize)
            if (box := _centre(sized.size, self._crop)) is None:
                found = f"{path}: {sized.width}x{sized.height} pixels"
                raise InputMismatchError(self._tensor, found, f"no fewer than the crop, {self._crop}; resize first")
            pixels = np.array(sized.crop(box), np.uint8)
        pixels = pixels.reshape(*pixels.shape[:2], -1)
        return np.ascontiguousarray(pixels[..., ::-1]) if self._channels == "bgr" else pixels


def image_paths(folder: Path) -> list[Path]:
    """The images of a folder and its subfolders. Raises EmptyDataSetError where there are none."""
    with reading(folder):
        files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    paths = [path for path in files if path.suffix.lower() in ENDINGS]
    if not paths:
        allowed = f"images ({' '.join(ENDINGS)}) or batch files (batch0 ..., NAME0.batch ...)"
        raise EmptyDataSetError(folder, f"among its {len(files)} files are no {allowed}")
    return sorted(paths, key=lambda path: _natural(path.relative_to(folder)))


def folder_classes(folder: Path) -> list[int]:
    """The class of every image, in the order of ImageFolder: of the folder right below `folder` that it lies in.

    Folders that are named by numbers are those classes; others count from 0 in the order of their names' characters
    (torchvision's ImageFolder). Raises EmptyDataSetError, NotADataSetError.
    """
    places = [path.relative_to(folder).parts for path in image_paths(folder)]
    bare = next((parts for parts in places if len(parts) < 2), None)
    if bare:
        raise NotADataSetError(folder, f"{bare[0]} lies in no folder below it that would name its class")
    names = sorted({parts[0] for parts in places})
    numbered = all(name.isascii() and name.isdigit() for name in names)
    return [int(parts[0]) if numbered else names.index(parts[0]) for parts in places]


def _natural(path: Path) -> tuple[Any, ...]:
    """Folder by folder, digits as numbers; the plain path decides between 1 and 01."""
    words = [re.split("([0-9]+)", part) for part in path.parts]
    return [[int(word) if i % 2 else word for i, word in enumerate(part)] for part in words], str(path)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError("Pillow", "images", "a folder of images") from None
    return Image


def _converted(image: Any, path: Path, channels: str) -> Any:
    """Mode L or RGB. A palette goes by way of RGBA, where Pillow takes any transparency it may have."""
    if image.mode.startswith(DEEP):
        raise NotADataSetError(path, f"an image of mode {image.mode}; images of 8 bits a channel are read")
    full = image.convert("RGBA") if image.mode == "P" else image
    return full.convert("L" if channels == "gray" else "RGB")


def _resized(image: Any, size: Size) -> Any:
    """Shorter side `size`, the longer one in proportion, rounded down; or exactly (width, height)."""
    if size is None:
        return image
    if isinstance(size, int):
        short = min(image.size)
        size = (int(size * image.width / short), int(size * image.height / short))
    return image.resize(size, _pillow().Resampling.BILINEAR)


def _centre(size: tuple[int, int], crop: Size) -> tuple[int, int, int, int] | None:
    """The box of a centre crop, an odd margin rounded half to even; None where the image is smaller."""
    width, height = size if crop is None else (crop, crop) if isinstance(crop, int) else crop
    left, top = round((size[0] - width) / 2), round((size[1] - height) / 2)
    return (left, top, left + width, top + height) if width <= size[0] and height <= size[1] else None
