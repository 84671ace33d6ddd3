"""Data on the command line: IDX files, images and batch files for calibrate, run and evaluate; options; bad input."""

import gzip
import json
import struct

import h5py
import numpy as np
import pytest
from PIL import Image

from int8sim.golden.packaged import lenet

LENET = lenet("lenet.onnx")
DIGITS = lenet("digits.h5")


@pytest.fixture(scope="module")
def digits():
    """uint8 [500, 28, 28], labels uint8 [500]."""
    with h5py.File(DIGITS) as file:
        return file["calibrate/images"][()], file["calibrate/labels"][()]


def write_idx(path, array):
    content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_the_same_digits_from_every_source_give_the_same_cache(command, tmp_path, digits):
    """HDF5, IDX, .npy, PNG images and TensorRT batch files (of float pixels): one cache, byte for byte."""
    images, _ = digits[0][:100], digits[1]
    write_idx(tmp_path / "images-idx3-ubyte.gz", images)
    np.save(tmp_path / "images.npy", images[:, None])
    (tmp_path / "png").mkdir()
    (tmp_path / "batches").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "png" / f"{number}.png")
    for number in range(5):
        part = images[20 * number : 20 * number + 20].astype("<f4")
        (tmp_path / "batches" / f"batch{number}").write_bytes(struct.pack("<4i", 20, 1, 28, 28) + part.tobytes())
    caches = set()
    for where in (
        f"{DIGITS}:calibrate/images",
        "images-idx3-ubyte.gz",
        "images.npy",
        "png",
        "batches",
        "batches/batch",
    ):
        data = ("--data", tmp_path / where, "--divide", "255", "--batch-size", "30", "--batches", "3")
        assert command("calibrate", LENET, *data, "-o", tmp_path / "cache")[0] == 0
        caches.add((tmp_path / "cache").read_bytes())
    assert len(caches) == 1


def test_batches_skip_and_subset(command, tmp_path, digits):
    """What is asked for is what is used: the cache of those digits alone; the short last batch is reported."""
    data = ("--data", f"{DIGITS}:calibrate/images", "--divide", "255")
    chosen = digits[0][20 + np.arange(96) * 480 // 96][:90]
    np.save(tmp_path / "chosen.npy", chosen)
    options = ("--batch-size", "30", "--skip", "20", "--subset", "20%")
    status, out, _ = command("calibrate", LENET, *data, *options, "-o", tmp_path / "one", "--json")
    assert status == 0
    assert json.loads(out)["dropped"] == 6
    alone = ("--data", tmp_path / "chosen.npy", "--divide", "255", "--batch-size", "30")
    assert command("calibrate", LENET, *alone, "-o", tmp_path / "two")[0] == 0
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    status, out, _ = command("calibrate", LENET, *data, "--batch-size", "240", "-o", tmp_path / "three")
    assert status == 0
    assert "2 batches of 240" in out
    assert "dropped the last 20 samples: they do not fill a batch of 240" in out


def test_evaluate_and_run_take_idx_files(command, tmp_path, digits):
    images, labels = tmp_path / "t-images-idx3-ubyte", tmp_path / "t-labels-idx1-ubyte.gz"
    write_idx(images, digits[0])
    write_idx(labels, digits[1])
    plain = ("--data", f"{DIGITS}:calibrate/images", "--divide", "255")
    assert command("calibrate", LENET, *plain, "-o", tmp_path / "cache")[0] == 0
    shared = ("evaluate", LENET, "--table", tmp_path / "cache", "--profile", "nvdla", "--json", "--divide", "255")
    status, out, _ = command(*shared, "--data", images, "--labels", labels)
    assert status == 0
    _, again, _ = command(*shared, *plain, "--labels", f"{DIGITS}:calibrate/labels")
    found, expected = (
        [(entry["name"], entry["top1"], entry["top5"]) for entry in json.loads(text)["results"]]
        for text in (out, again)
    )
    assert found == expected
    for name, data in (("idx", images), ("h5", f"{DIGITS}:calibrate/images")):
        assert command("run", LENET, "--data", data, "--divide", "255", "-o", tmp_path / f"{name}.npz")[0] == 0
    with np.load(tmp_path / "idx.npz") as one, np.load(tmp_path / "h5.npz") as two:
        assert np.array_equal(one["prob"], two["prob"])


def test_run_preprocesses_as_calibrate_does(command, tmp_path, digits):
    """Images of 56x60, halved, cropped, and brought to mean and deviation: the run's own input says so."""
    (tmp_path / "png").mkdir()
    for number, image in enumerate(digits[0][:3]):
        Image.fromarray(np.pad(np.kron(image, np.ones((2, 2), np.uint8)), ((0, 0), (2, 2)))).save(
            tmp_path / "png" / f"{number}.png"
        )
    options = ("--divide", "255", "--mean", "0.1307", "--std", "0.3081", "--resize", "30x28", "--crop", "28")
    data = ("--data", tmp_path / "png", *options, "--channels", "gray")
    assert command("run", LENET, *data, "--all", "-o", tmp_path / "t.npz")[0] == 0
    with np.load(tmp_path / "t.npz") as tensors:
        found = tensors["data"]
    half = np.stack(
        [
            np.asarray(Image.open(path).resize((30, 28), Image.Resampling.BILINEAR))[:, 1:29]
            for path in sorted((tmp_path / "png").iterdir())
        ]
    )
    assert np.array_equal(found[:, 0], (half / np.float32(255) - np.float32(0.1307)) / np.float32(0.3081))


def bad_inputs(folder):
    """(arguments, what the message says)."""
    write_idx(folder / "labels", np.zeros(500, np.uint8))
    write_idx(folder / "images", np.zeros((500, 28, 28), np.uint8))
    (folder / "cut.gz").write_bytes(gzip.compress((folder / "images").read_bytes())[:-30])
    (folder / "empty").mkdir()
    (folder / "cache").write_text("TRT-7202-EntropyCalibration2\ndata: 3c008912\n")
    digits = ("--data", f"{DIGITS}:calibrate/images")
    calibrate = ("calibrate", LENET, "-o", folder / "out")
    evaluate = ("evaluate", LENET, "--table", folder / "cache", *digits, "--labels")
    return [
        ((*calibrate, "--data", folder / "cut.gz"), "cut.gz: cannot be read: truncated"),
        ((*calibrate, "--data", folder / "empty"), "empty: among its 0 files are no images"),
        ((*calibrate, "--data", folder / "labels"), "found " + str(folder / "labels") + ": [500]"),
        ((*calibrate, *digits, "--skip", "480"), "50 images were asked for, the data holds 20 after skip 480"),
        ((*calibrate, *digits, "--subset", "half"), "subset is 'half'; allowed: a number of samples"),
        ((*calibrate, *digits, "--mean", "1;2"), "mean is '1;2'; allowed: numbers with commas between"),
        ((*calibrate, *digits, "--mean", "1,2"), "found 2 values of mean, the network expects one"),
        ((*calibrate, *digits, "--std", "0"), "std is 0.0; allowed: finite float32 numbers other than 0"),
        ((*calibrate, *digits, "--divide", "0"), "divide is 0.0"),
        ((*calibrate, *digits, "--resize", "28*28"), "resize is '28*28'; allowed: pixels, as 256, or width"),
        ((*calibrate, *digits, "--resize", "28"), "resize is 28; allowed: with a folder of images only"),
        ((*calibrate, *digits, "--crop", "0"), "crop is 0; allowed: sides of at least 1 pixel"),
        ((*calibrate, *digits, "--channels", "rbg"), "unknown order of channels 'rbg'"),
        ((*evaluate, folder / "images"), "input 'labels': found " + str(folder / "images") + ": [500, 28, 28]"),
        ((*evaluate, f"{DIGITS}:test/labels"), "500 images, 1000 labels"),
    ]


def test_bad_input_is_one_message_and_status_2(command, tmp_path):
    for arguments, message in bad_inputs(tmp_path):
        before = sorted(tmp_path.rglob("*"))
        status, out, err = command(*arguments)
        assert (status, out) == (2, ""), arguments
        assert message in err, arguments
        assert err.startswith("int8sim: ")
        assert err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before, "something was left behind"
