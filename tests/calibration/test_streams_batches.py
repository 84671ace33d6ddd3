"""Preprocessing bit by bit, samples as a network's input, and full batches: which samples, in which order."""

import sys
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import int8sim
from int8sim import BatchStream, Preprocessing, open_samples
from int8sim.model.errors import InputMismatchError, ParameterError, TooFewImagesError, UnknownNameError
from int8sim.spec.float32 import float32, float32_bits

sys.path.insert(0, str(Path(__file__).parent))
from one_input import network


class Numbered:
    """Sample i is [i]; keeps what was read."""

    source, shape, layout = "numbers", (1,), ""

    def __init__(self, count):
        self.count, self.reads = count, []

    def __len__(self):
        return self.count

    def read(self, start, stop):
        assert 0 <= start < stop <= self.count
        self.reads.append((start, stop))
        return np.arange(start, stop, dtype=np.int64)[:, None]


def numbers(stream):
    """The samples of each batch."""
    return [batch[:, 0].astype(int).tolist() for batch in stream]


@st.composite
def choices(draw):
    count = draw(st.integers(1, 300))
    skip = draw(st.integers(0, count - 1))
    chosen = draw(st.integers(1, count - skip))
    subset = draw(st.sampled_from([None, chosen, str(chosen)]))
    return count, skip, subset, draw(st.integers(1, chosen))


@given(choices())
def test_batches_are_full_in_order_and_each_sample_comes_at_most_once(choice):
    count, skip, subset, batch_size = choice
    stream = BatchStream(Numbered(count), batch_size, skip=skip, subset=subset)
    found = numbers(stream)
    left = count - skip
    chosen = left if subset is None else int(subset)
    assert len(stream) == len(found) == chosen // batch_size
    assert {len(batch) for batch in found} == {batch_size}
    flat = list(chain.from_iterable(found))
    assert flat == [skip + i * left // chosen for i in range(len(flat))]
    assert flat[0] == skip
    assert all(a < b < count for a, b in pairwise(flat))
    assert stream.dropped == chosen - len(flat) < batch_size
    assert numbers(stream) == found, "iterated again"
    assert all(batch.dtype == np.float32 and batch.flags.c_contiguous for batch in stream)


@given(st.integers(1, 400), st.integers(0, 50), st.integers(1, 1000))
def test_a_percentage_is_a_number_rounded_down(count, skip, tenths):
    chosen = max(count - skip, 0) * tenths // 1000
    if chosen == 0:
        with pytest.raises(TooFewImagesError):
            BatchStream(Numbered(count), 1, skip=skip, subset=f"{tenths / 10}%")
        return
    one = BatchStream(Numbered(count), 1, skip=skip, subset=f"{tenths / 10}%")
    assert numbers(one) == numbers(BatchStream(Numbered(count), 1, skip=skip, subset=chosen))


@given(choices(), st.integers(1, 400))
def test_as_many_batches_as_asked_or_an_error(choice, batches):
    count, skip, subset, batch_size = choice
    chosen = count - skip if subset is None else int(subset)
    if batches * batch_size > chosen:
        with pytest.raises(TooFewImagesError) as caught:
            BatchStream(Numbered(count), batch_size, batches, skip, subset)
        assert (caught.value.found, caught.value.asked) == (chosen, batches * batch_size)
        return
    stream = BatchStream(Numbered(count), batch_size, batches, skip, subset)
    assert numbers(stream) == numbers(BatchStream(Numbered(count), batch_size, None, skip, subset))[:batches]
    assert (len(stream), stream.dropped) == (batches, 0)


def test_neighbours_are_read_at_once_and_only_when_asked_for():
    samples = Numbered(1000)
    stream = BatchStream(samples, 50, 2, skip=50)
    assert samples.reads == []
    next(iter(stream))
    assert samples.reads == [(50, 100)]
    assert numbers(BatchStream(samples, 4, subset=4)) == [[0, 250, 500, 750]]
    assert samples.reads[1:] == [(0, 1), (250, 251), (500, 501), (750, 751)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 50, "batches": 3}, "150 images were asked for, the data holds 120;"),
        ({"batch_size": 121}, "121 images were asked for, the data holds 120;"),
        ({"batch_size": 50, "skip": 100}, "the data holds 20 after skip 100;"),
        ({"batch_size": 50, "skip": 200}, "the data holds 0 after skip 200;"),
        ({"batch_size": 50, "skip": 20, "subset": "10%"}, "the data holds 10 after skip 20 and subset 10%;"),
        (
            {"batch_size": 1, "skip": 20, "subset": 101},
            "101 images were asked for, the data holds 100 after the first 20",
        ),
    ],
)
def test_too_few_samples(arguments, message):
    with pytest.raises(TooFewImagesError, match=message):
        BatchStream(Numbered(120), **arguments)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batches", 0),
        ("skip", -1),
        ("subset", 0),
        ("subset", -3),
        ("subset", "0%"),
        ("subset", "101%"),
    ]
    + [("subset", text) for text in ("", "%", "ten", "1e3", "nan%", "1/0%", "-5%", "3.5", "5 %")],
)
def test_bad_options_are_named(option, value):
    with pytest.raises(ParameterError, match=f"{option} is ") as caught:
        BatchStream(Numbered(120), **{"batch_size": 10, option: value})
    assert (caught.value.name, caught.value.value) == (option, value)


FLOATS = st.floats(-(2.0**60), 2.0**60, width=32)
DIVISORS = st.floats(2.0**-20, 2.0**20, width=32) | st.floats(-(2.0**20), -(2.0**-20), width=32)


@given(st.lists(FLOATS, min_size=6, max_size=6), DIVISORS, st.lists(FLOATS, max_size=3), st.lists(DIVISORS, max_size=3))
def test_preprocessing_rounds_after_every_operation(values, divide, mean, std):
    """((x / divide) - mean) / std by spec/float32, for every value of both channels."""
    mean, std = (mean[:2] if len(mean) != 2 else mean), std[:2]
    array = np.array(values, np.float32).reshape(1, 2, 3)
    found = Preprocessing(divide, tuple(mean), tuple(std)).normalize(array, 1)
    for channel in range(2):
        for place in range(3):
            expected = float32(float(array[0, channel, place]) / divide)
            if mean:
                expected = float32(expected - mean[channel % len(mean)])
            if std:
                expected = float32(expected / std[channel % len(std)])
            assert float32_bits(float(found[0, channel, place]) + 0.0) == float32_bits(expected + 0.0)


def test_every_pixel_divided_by_255_is_the_correctly_rounded_quotient():
    pixels = np.arange(256, dtype=np.uint8)[None]
    for divide in (255, 256, 127.5):
        found = Preprocessing(divide).normalize(pixels, 0)
        assert found.dtype == np.float32
        assert found[0].tolist() == [float32(value / divide) for value in range(256)]
    assert Preprocessing().normalize(pixels, 0) is pixels


@pytest.mark.parametrize(
    ("arguments", "name"),
    [({"divide": value}, "divide") for value in (0.0, float("nan"), float("inf"), 1e39, 1e-60)]
    + [({"mean": (0.5, float("nan"))}, "mean"), ({"std": (1.0, 0.0)}, "std"), ({"std": (float("inf"),)}, "std")]
    + [({"resize": 0}, "resize"), ({"resize": (5, 0)}, "resize"), ({"crop": -1}, "crop")],
)
def test_unusable_preprocessing_is_named(arguments, name):
    with pytest.raises(ParameterError, match=f"{name} is "):
        Preprocessing(**arguments)


def test_unknown_channels_are_named():
    with pytest.raises(UnknownNameError, match="'rbg'; known: bgr, gray, rgb"):
        Preprocessing(channels="rbg")


def test_a_missing_channel_axis_is_added(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (7, 4, 5), np.uint8)
    np.save(tmp_path / "a.npy", pixels)
    for layout, shape, axis in (("NCHW", (1, 1, 4, 5), 1), ("NHWC", (1, 4, 5, 1), 3)):
        samples = open_samples(tmp_path / "a.npy", network(shape, layout=layout), Preprocessing(255))
        assert (len(samples), samples.shape, samples.layout) == (7, shape[1:], layout)
        assert np.array_equal(samples.read(2, 5), np.expand_dims(pixels[2:5], axis) / np.float32(255))


@pytest.mark.parametrize(
    ("layout", "shape", "axis"), [("NCHW", (1, 3, 4, 5), 1), ("NHWC", (1, 4, 5, 3), 3), ("", (1, 3), 1)]
)
def test_mean_and_std_go_along_the_channels(tmp_path, layout, shape, axis):
    array = np.random.default_rng(0).standard_normal((6, *shape[1:]))
    np.save(tmp_path / "a.npy", array)
    mean, std = (0.1, 0.2, 0.3), (1.5, 2.5, 3.5)
    graph = network(shape, layout=layout)
    (batch,) = BatchStream(open_samples(tmp_path / "a.npy", graph, Preprocessing(2, mean, std)), 6)
    for channel in range(3):
        plain = np.take(array, channel, axis).astype(np.float32) / np.float32(2)
        expected = (plain - np.float32(mean[channel])) / np.float32(std[channel])
        assert np.array_equal(np.take(batch, channel, axis), expected)


def test_data_of_another_size_is_named_with_its_file(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 1, 27, 28), np.float32))
    with pytest.raises(
        InputMismatchError, match=r"input 'x0': found .*a.npy: \[9, 1, 27, 28\].* float32 \[N, 1, 28, 28\]"
    ):
        open_samples(tmp_path / "a.npy", network((1, 1, 28, 28)))
    with pytest.raises(InputMismatchError, match=r"2 values of mean.* one, or one for each of 1 channels"):
        open_samples(tmp_path / "a.npy", network((1, 1, 27, 28)), Preprocessing(mean=(1.0, 2.0)))


def test_a_network_of_two_inputs_takes_no_one_array(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 2), np.float32))
    with pytest.raises(InputMismatchError, match="one for each of"):
        open_samples(tmp_path / "a.npy", network((1, 2), (1, 2), layout=""))


def test_options_for_images_are_refused_elsewhere(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((9, 2), np.float32))
    for option, value in (("resize", 3), ("crop", (2, 2)), ("channels", "bgr")):
        with pytest.raises(ParameterError, match=f"{option} is .* with a folder of images only, and .*a.npy is none"):
            open_samples(tmp_path / "a.npy", preprocessing=Preprocessing(**{option: value}))


def test_infinite_results_are_left_to_the_calibration(tmp_path):
    """A float64 beyond float32 becomes infinite, and calibration names it; nothing warns."""
    np.save(tmp_path / "a.npy", np.array([[1e300, 1.0], [3e38, 1.0]]))
    graph = network((1, 2), layout="")
    (batch,) = BatchStream(open_samples(tmp_path / "a.npy", graph), 2)
    assert np.isinf(batch[0, 0])
    (batch,) = BatchStream(open_samples(tmp_path / "a.npy", graph, Preprocessing(0.5)), 2)
    assert np.isinf(batch[:, 0]).all()


@pytest.mark.witness
def test_the_stream_of_a_real_cache(oracle_folder, compared):
    """sampleINT8's stream from the IDX file: the first batch skipped, ten of fifty; TensorRT's own nine rows."""
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    graph = int8sim.load(folder / "lenet.prototxt")
    where = oracle_folder / "mnist" / "train-images-idx3-ubyte.gz"
    stream = BatchStream(open_samples(where, graph, Preprocessing(255)), 50, 10, skip=50)
    table = int8sim.calibrate(graph, stream)
    real = int8sim.read_table(folder / "lenet.calibration.table")
    assert {name: float32_bits(row.scale) for name, row in table.items()} == {
        name: float32_bits(row.scale) for name, row in real.items()
    }
    compared(len(real), least=9)
