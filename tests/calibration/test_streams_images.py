"""Folders of images: order, resizing, cropping, channels, layout; images that cannot be used."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from int8sim import BatchStream, Preprocessing, open_samples
from int8sim.calibration.streams.images import folder_classes
from int8sim.model.errors import EmptyDataSetError, InputMismatchError, MissingPackageError, NotADataSetError

sys.path.insert(0, str(Path(__file__).parent))
from one_input import network

RNG = np.random.default_rng(0)


def pixels(width, height):
    return RNG.integers(0, 256, (height, width, 3), np.uint8)


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return values


def test_natural_order_of_path_and_nothing_but_images(tmp_path):
    names = ["a/2.png", "a/10.png", "a/010.PNG", "b/1.bmp", "b/c/1.ppm", "img2.png", "img10.tiff", "img10b.webp"]
    order = ["a/2.png", "a/010.PNG", "a/10.png", "b/1.bmp", "b/c/1.ppm", "img2.png", "img10.tiff", "img10b.webp"]
    for name in names:
        save(tmp_path / name, np.full((3, 5, 3), order.index(name), np.uint8))
    (tmp_path / "labels.txt").write_text("none")
    (tmp_path / "._img2.png").write_bytes(b"no image")
    samples = open_samples(tmp_path)
    assert (len(samples), samples.shape, samples.layout) == (8, (3, 5, 3), "NHWC")
    assert samples.read(0, 8)[:, 0, 0, 0].tolist()[:-1] == list(range(7))
    assert (samples.read(2, 4) == np.array([2, 3], np.uint8)[:, None, None, None]).all()


@pytest.mark.parametrize(
    ("layout", "shape", "axes"), [("NCHW", (1, 3, 4, 6), (2, 0, 1)), ("NHWC", (1, 4, 6, 3), (0, 1, 2))]
)
@pytest.mark.parametrize("channels", ["", "rgb", "bgr"])
def test_layout_and_order_of_channels(tmp_path, layout, shape, axes, channels):
    values = [save(tmp_path / f"{number}.png", pixels(6, 4)) for number in range(5)]
    preprocessing = Preprocessing(255, (0.1, 0.2, 0.3), (1.0, 2.0, 4.0), channels=channels)
    stream = BatchStream(open_samples(tmp_path, network(shape, layout=layout), preprocessing), 5)
    (batch,) = stream
    assert batch.flags.c_contiguous
    for found, value in zip(batch, values, strict=True):
        seen = value[..., ::-1] if channels == "bgr" else value
        mean, std = np.array([0.1, 0.2, 0.3], np.float32), np.array([1, 2, 4], np.float32)
        expected = (seen / np.float32(255) - mean) / std
        assert np.array_equal(found, expected.transpose(axes))


def test_gray_for_one_channel_and_when_asked_for(tmp_path):
    """(19595 R + 38470 G + 7471 B + 2**15) >> 16, Pillow's ITU-R 601-2 luma."""
    value = save(tmp_path / "a.png", pixels(6, 4)).astype(np.int64)
    luma = (value @ [19595, 38470, 7471] + 0x8000) >> 16
    found = open_samples(tmp_path, network((1, 1, 4, 6))).read(0, 1)
    assert np.array_equal(found[0, 0], luma)
    assert np.array_equal(
        open_samples(tmp_path, preprocessing=Preprocessing(channels="gray")).read(0, 1)[0, ..., 0], luma
    )
    save(tmp_path / "a.png", luma.astype(np.uint8))
    assert np.array_equal(open_samples(tmp_path).read(0, 1)[0], np.repeat(luma[..., None], 3, 2))


@pytest.mark.parametrize(
    ("size", "resize", "crop", "resized", "box"),
    [
        ((300, 200), 100, None, (150, 100), (0, 0, 150, 100)),
        ((200, 301), 100, None, (100, 150), (0, 0, 100, 150)),  # 150.5, rounded down
        ((300, 200), (40, 30), None, (40, 30), (0, 0, 40, 30)),
        ((341, 256), None, 224, (341, 256), (58, 16, 282, 240)),  # 58.5 to the even side
        ((256, 343), None, 224, (256, 343), (16, 60, 240, 284)),  # 59.5
        ((500, 375), 256, (224, 200), (341, 256), (58, 28, 282, 228)),
        ((224, 224), 224, 224, (224, 224), (0, 0, 224, 224)),
        ((3, 5), 8, 8, (8, 13), (0, 2, 8, 10)),  # 2.5
    ],
)
def test_resize_then_crop(tmp_path, size, resize, crop, resized, box):
    """Sizes and boxes as torchvision computes them, written out."""
    value = save(tmp_path / "a.png", pixels(*size))
    expected = np.array(Image.fromarray(value).resize(resized, Image.Resampling.BILINEAR).crop(box))
    found = open_samples(tmp_path, preprocessing=Preprocessing(resize=resize, crop=crop)).read(0, 1)
    assert np.array_equal(found[0], expected)


def test_images_of_many_sizes_become_one(tmp_path):
    for number, size in enumerate([(40, 30), (31, 55), (32, 32)]):
        save(tmp_path / f"{number}.png", pixels(*size))
    graph = network((1, 3, 24, 24))
    samples = open_samples(tmp_path, graph, Preprocessing(resize=28, crop=24))
    assert samples.read(0, 3).shape == (3, 3, 24, 24)


def test_an_image_of_another_size_is_named(tmp_path):
    save(tmp_path / "0.png", pixels(6, 4))
    save(tmp_path / "1.png", pixels(6, 5))
    samples = open_samples(tmp_path, network((1, 3, 4, 6)))
    with pytest.raises(
        InputMismatchError, match=r"input 'x0': found .*1.png: \[5, 6, 3\].* expects \[4, 6, 3\], as in .*0.png"
    ):
        samples.read(0, 2)
    with pytest.raises(InputMismatchError, match=r"0.png: \[2, 4, 6, 3\], the network expects float32 \[N, 3, 8, 8\]"):
        open_samples(tmp_path, network((1, 3, 8, 8)))
    with pytest.raises(InputMismatchError, match=r"0.png: 6x4 pixels, .* no fewer than the crop, 5; resize first"):
        open_samples(tmp_path, network((1, 3, 5, 5)), Preprocessing(crop=5))


def test_palettes_and_transparency(tmp_path):
    """A palette with transparency, gray with alpha, RGBA: the colours as they are, no warning."""
    value = pixels(6, 4)
    palette = Image.fromarray(value).quantize(16)
    palette.save(tmp_path / "0.png", transparency=bytes(range(16)))
    save(tmp_path / "1.png", np.dstack([value, value[..., :1]]))
    Image.fromarray(value[..., 0]).convert("LA").save(tmp_path / "2.png")
    found = open_samples(tmp_path).read(0, 3)
    assert np.array_equal(found[0], np.array(palette.convert("RGB")))
    assert np.array_equal(found[1], value)
    assert np.array_equal(found[2], np.repeat(value[..., :1], 3, 2))


def test_images_of_more_than_8_bits_are_refused(tmp_path):
    for mode in (np.uint16, np.int32, np.float32):
        Image.fromarray(np.zeros((4, 6), mode)).save(tmp_path / "a.tiff")
        with pytest.raises(NotADataSetError, match=r"a.tiff: an image of mode [IF].*; images of 8 bits"):
            open_samples(tmp_path)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "gif", "tiff", "ppm", "webp"])
def test_damaged_images_are_named(tmp_path, ending):
    Image.fromarray(pixels(40, 30)).save(tmp_path / f"0.{ending}")
    whole = (tmp_path / f"0.{ending}").read_bytes()
    (tmp_path / f"1.{ending}").write_bytes(whole[: len(whole) // 2])
    (tmp_path / f"2.{ending}").write_bytes(b"hello")
    samples = open_samples(tmp_path)
    assert samples.read(0, 1).shape == (1, 30, 40, 3)
    for number in (1, 2):
        with pytest.raises(NotADataSetError, match=rf"{number}.{ending}: cannot be read"):
            samples.read(number, number + 1)


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["b/1.png", "a/2.png", "a/10.png", "a/deep/0.png"], [0, 0, 0, 1]),
        (["10/a.png", "2/b.png", "07/c.png"], [2, 7, 10]),
        (["10/a.png", "2/b.png", "x/c.png"], [1, 0, 2]),
    ],
)
def test_the_folder_right_below_names_the_class(tmp_path, names, classes):
    """Numbers are classes; other names count in the order of their characters; images come in natural order."""
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, pixels(2, 2))
    assert folder_classes(tmp_path) == classes
    save(tmp_path / "bare.png", pixels(2, 2))
    with pytest.raises(NotADataSetError, match=r"bare.png lies in no folder below it that would name its class"):
        folder_classes(tmp_path)


def test_a_folder_without_images_is_named(tmp_path):
    with pytest.raises(EmptyDataSetError, match="among its 0 files are no images"):
        open_samples(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    with pytest.raises(EmptyDataSetError, match=r"among its 1 files are no images \(.bmp .*\) or batch files"):
        open_samples(tmp_path)


def test_without_pillow_its_extra_is_named(tmp_path, monkeypatch):
    save(tmp_path / "a.png", pixels(6, 4))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'int8sim\[images\]'"):
        open_samples(tmp_path)
