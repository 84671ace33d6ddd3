"""The binary file: every form of a blob, every point where it can be cut, every byte that can be wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.importers.caffe import load_caffe
from int8sim.importers.caffe_wire import read_blobs
from int8sim.model.errors import ModelBytesError, NotAModelError

from .caffe_models import FORMS, blob, caffemodel, content, layer, number, placed, real, refused, saved

WEIGHTS = {"conv": [real(3, 2, 2, 2), real(3, seed=2)], "fc": [real(4, 12, seed=3), real(4, seed=4)]}
TEXT = "\n".join(
    [
        placed("data", 1, 2, 3, 3),
        layer("Convolution", "data", "conv", "convolution_param { num_output: 3 kernel_size: 2 }"),
        layer("InnerProduct", "conv", "fc", "inner_product_param { num_output: 4 }"),
    ]
)


def read(tmp_path, data: bytes):
    path = tmp_path / "net.caffemodel"
    path.write_bytes(data)
    return read_blobs(path)


@pytest.mark.parametrize("old", [False, True], ids=["layer", "V1"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_blob(tmp_path, form, old):
    arrays = [real(3, 2, 2, 2), real(5, seed=2), real(1, seed=3)]
    found = read(tmp_path, caffemodel({"conv": arrays, "empty": []}, form, old))
    assert list(found) == ["conv"]
    for read_back, array in zip(found["conv"], arrays, strict=True):
        exact = array.astype(np.float16).astype(np.float32) if form == "raw halves" else array
        assert read_back.values.dtype == np.float32
        assert np.array_equal(read_back.values, exact.ravel())
        expected = (1, 1, 1, *array.shape)[-4:] if form == "four dimensions" else array.shape
        assert read_back.shape == expected


@pytest.mark.parametrize("old", [False, True], ids=["layer", "V1"])
@pytest.mark.parametrize("form", FORMS[:-1])
def test_the_graph_is_the_same_from_every_form(tmp_path, form, old):
    graph = load_caffe(saved(tmp_path, TEXT, WEIGHTS, form=form, old=old))
    for name, (weight, bias) in WEIGHTS.items():
        assert np.array_equal(graph.constants[f"{name}_weight"], weight)
        assert np.array_equal(graph.constants[f"{name}_bias"], bias)


def test_unknown_fields_are_passed_over(tmp_path):
    extra = number(900, 1 << 40) + content(901, b"x" * 300) + b"\x95\x38abcd" + b"\x99\x38abcdefgh"
    entry = content(1, b"a") + extra + content(7, blob(real(2)) + extra)
    assert list(read(tmp_path, extra + content(100, entry) + extra)) == ["a"]


def test_every_truncation(tmp_path, compared):
    """Also where a message ends: then the blobs of the last layer are missing."""
    path = saved(tmp_path, TEXT, WEIGHTS)
    binary = path.with_suffix(".caffemodel")
    whole = binary.read_bytes()
    for length in range(len(whole)):
        binary.write_bytes(whole[:length])
        with pytest.raises(NotAModelError) as caught:
            load_caffe(path)
        assert caught.value.path == str(binary)
        if isinstance(caught.value, ModelBytesError):
            assert 0 <= caught.value.offset <= length
            assert f"at byte {caught.value.offset}: " in str(caught.value)
    compared(len(whole), least=300)


@given(place=st.integers(0, len(caffemodel(WEIGHTS)) - 1), bit=st.integers(0, 7))
def test_every_damaged_bit_is_read_or_refused(tmp_path_factory, place, bit):
    data = bytearray(caffemodel(WEIGHTS))
    data[place] ^= 1 << bit
    path = saved(tmp_path_factory.mktemp("damaged"), TEXT)
    path.with_suffix(".caffemodel").write_bytes(data)
    refusal = refused(lambda: load_caffe(path))
    assert refusal is None or str(path.with_suffix("")) in str(refusal)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, data):
    refusal = refused(lambda: read(tmp_path_factory.mktemp("any"), data))
    assert refusal is None or "net.caffemodel: " in str(refusal)


FOREIGN = [
    (b"", "holds no layers"),
    (b'name: "lenet"\n', "at byte 0: field 13 of wire type 6 is none"),
    (b"\x89PNG\r\n\x1a\n" + bytes(8), "at byte"),
    (content(1, b"only a name"), "holds no layers"),
    (b"\x80" * 11, "at byte 0: a number has more than 64 bits"),
    (content(100, b"\x0a\x05ab"), "at byte 3: field 1 needs 5 bytes, 2 are left"),
    (number(100, 7), "at byte 0: field 100 has wire type 0, 2 is needed"),
    (content(100, content(1, b"\xff")), "at byte 5: a layer's name is not text"),
    (content(100, content(7, content(5, b"abc"))), "3 bytes are no values of 4 bytes each"),
    (content(100, content(7, blob(real(6)) + content(5, b"abcd"))), "a blob of the shape [6] holds 7 values"),
    (content(100, content(7, blob(real(6)) + blob(real(6), "doubles"))), "holds its values twice"),
    (content(100, content(7, content(8, np.array([1e300]).tobytes()))), "beyond the range of float32"),
    (content(100, content(7, content(7, content(1, b"\x01" * 33)))), "a blob has 33 axes; 32 are the most"),
    (caffemodel({"a": [real(1)]}) + caffemodel({"a": [real(1)]}), "layer 'a' has blobs for the second time"),
]


@pytest.mark.parametrize(("data", "problem"), FOREIGN)
def test_foreign_files(tmp_path, data, problem):
    with pytest.raises(NotAModelError) as caught:
        read(tmp_path, data)
    assert problem in str(caught.value)


def test_files_that_are_not_there(tmp_path):
    path = saved(tmp_path, TEXT, WEIGHTS)
    path.with_suffix(".caffemodel").rename(tmp_path / "other.bin")
    with pytest.raises(NotAModelError, match=r"no such file, where the weights of net\.prototxt are") as caught:
        load_caffe(path)
    assert caught.value.path == str(tmp_path / "net.caffemodel")
    assert load_caffe(path, tmp_path / "other.bin").outputs == ("fc",)
    with pytest.raises(NotAModelError, match="Is a directory"):
        load_caffe(path, tmp_path)
