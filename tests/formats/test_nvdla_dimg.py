"""The runtime's images: header, cubes that come back, the nv_small goldens' packing, damage."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.nvdla_dimg import (
    PLANAR,
    X8,
    X16,
    X32,
    Dimg,
    dimg,
    legacy,
    legacy_memory,
    read_dimg,
    write_dimg,
)
from int8sim.formats.nvdla_packing import Surface, pack_feature
from int8sim.model.errors import NotADimgError, ParameterError

HEADER = 36


def cube(*shape, seed=0):
    return np.random.default_rng(seed).integers(-128, 128, shape, np.int8)


@pytest.mark.parametrize(("atom", "code"), [(8, X8), (32, X32)])
def test_header_and_payload(tmp_path, atom, code):
    data = cube(33, 2, 3)
    write_dimg(tmp_path / "o.dimg", dimg(data, atom))
    content = (tmp_path / "o.dimg").read_bytes()
    surfaces = -(-33 // atom)
    expected = (b"DIMG", 0, code, 3, 2, 33, 3 * atom, 6 * atom, surfaces * 6 * atom)
    assert struct.unpack("<4s8I", content[:HEADER]) == expected
    assert content[HEADER:] == data.tobytes()


@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 4)),
    kind=st.sampled_from([(PLANAR, "i1"), (X8, "i1"), (X32, "i1"), (X16, "<i2"), (43, "<f2"), (44, "<f4")]),
)
def test_every_format_comes_back(tmp_path_factory, shape, kind):
    path, (code, dtype) = tmp_path_factory.mktemp("dimg") / "o.dimg", kind
    image = Dimg(cube(*shape).astype(dtype), code, 64, 128, 256)
    write_dimg(path, image)
    again = read_dimg(path)
    assert np.array_equal(again.cube, image.cube)
    assert again.cube.dtype == image.cube.dtype
    assert (again.surface_format, again.line_stride, again.surface_stride, again.size) == (code, 64, 128, 256)


def test_an_old_code_with_values_of_16_bits(tmp_path):
    """The int16 golden carries 41, which is int8 in atoms of 8 today."""
    values = np.arange(24, dtype="<i2").reshape(4, 2, 3) * 999
    header = struct.pack("<4s8I", b"DIMG", 0, X8, 3, 2, 4, 96, 192, 192)
    (tmp_path / "o.dimg").write_bytes(header + values.tobytes())
    assert np.array_equal(read_dimg(tmp_path / "o.dimg").cube, values)


def test_legacy_packing_byte_by_byte(compared):
    """x8 memory read with x32 addresses: of 8 x 8 x 32 only 704 of the 2,048 bytes are told."""
    data = cube(32, 8, 8)
    memory = pack_feature(data, Surface.packed(32, 8, 8, 8))
    image = legacy(data)
    for c, y, x in np.ndindex(32, 8, 8):
        assert image.cube[c, y, x] == np.frombuffer(memory, np.int8)[y * 64 + x * 32 + c]
    told, known = legacy_memory(image)
    assert int(known.sum()) == 704
    assert np.array_equal(told[known], np.frombuffer(memory, np.int8)[known])
    assert (image.surface_format, image.line_stride, image.surface_stride, image.size) == (X32, 64, 512, 2048)
    compared(data.size)


def test_legacy_images_come_back(tmp_path):
    write_dimg(tmp_path / "o.dimg", legacy(cube(32, 8, 8)))
    told, known = legacy_memory(read_dimg(tmp_path / "o.dimg"))
    expected, _ = legacy_memory(legacy(cube(32, 8, 8)))
    assert np.array_equal(told, expected)
    assert known.sum() == 704


def test_an_image_that_contradicts_itself():
    image = legacy(cube(32, 8, 8))
    image.cube[0, 1, 0] ^= 1
    with pytest.raises(ParameterError, match="contradict"):
        legacy_memory(image)


@pytest.mark.parametrize("image", [dimg(cube(32, 8, 8), 8), dimg(cube(33, 1, 1), 8)])
def test_what_is_no_legacy_image(image):
    with pytest.raises(ParameterError, match="nv_small"):
        legacy_memory(image)


def test_a_cube_whose_addresses_leave_its_memory():
    with pytest.raises(ParameterError, match="x32 addresses"):
        legacy(cube(8, 1, 4))


@pytest.mark.parametrize(
    ("image", "what"),
    [
        (Dimg(cube(1, 1, 1), X16, 8, 8, 8), "one for int8"),
        (Dimg(cube(1, 1, 1).astype(np.int32), X8, 8, 8, 8), "one for int32"),
        (Dimg(cube(1, 1, 1), 5, 8, 8, 8), "surface_format"),
    ],
)
def test_formats_that_do_not_fit_the_cube(tmp_path, image, what):
    with pytest.raises(ParameterError, match=what):
        write_dimg(tmp_path / "o.dimg", image)
    assert not (tmp_path / "o.dimg").exists()


def test_atoms_without_a_code():
    with pytest.raises(ParameterError, match="8 or 32"):
        dimg(cube(1, 1, 1), 16)


def header(code=X8, version=0, shape=(3, 2, 4)):
    return struct.pack("<4s8I", b"DIMG", version, code, *shape, 24, 48, 48)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "header of 36 bytes"),
        (b"DIMG" + bytes(20), "header of 36 bytes"),
        (b"JPEG" + header()[4:] + bytes(24), "begins with DIMG"),
        (header(version=1) + bytes(24), "version 1"),
        (header(code=5) + bytes(24), "format 5"),
        (header() + bytes(23), "23 bytes follow the header; 24 values"),
        (header() + bytes(25), "25 bytes"),
        (header(code=X16) + bytes(24), "need 48"),
        (header(shape=(0, 2, 4)), "0 bytes"),
        (header(shape=(2**32 - 1,) * 3) + bytes(24), "24 bytes"),
    ],
)
def test_damaged_images(tmp_path, content, what):
    (tmp_path / "o.dimg").write_bytes(content)
    with pytest.raises(NotADimgError, match=what):
        read_dimg(tmp_path / "o.dimg")


def test_a_missing_image(tmp_path):
    with pytest.raises(NotADimgError, match="No such file"):
        read_dimg(tmp_path / "o.dimg")
