"""NVDLA's memory layouts against their definition, one element at a time, and back."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.nvdla_packing import (
    WEIGHT_ALIGNMENT,
    Surface,
    pack_feature,
    pack_operands,
    pack_weights,
    unpack_feature,
    unpack_operands,
    unpack_weights,
)
from int8sim.model.errors import ParameterError

ATOMS = [8, 16, 32]


def numbered(*shape):
    """Different bytes as far as they go, none of them 0."""
    return (np.arange(np.prod(shape)) % 255 + 1).astype(np.uint8).view(np.int8).reshape(shape)


def feature_bytes(cube, atom, line, surface):
    """{address: byte} by the definition in format.rst."""
    places = np.ndindex(cube.shape)
    return {c // atom * surface + y * line + x * atom + c % atom: int(cube[c, y, x]) % 256 for c, y, x in places}


def weight_bytes(weights, atom_c, atom_k):
    """Group by group, block by block, row, column, kernel, channel."""
    kernels, channels, rows, columns = weights.shape
    out = []
    for group, block in product(range(0, kernels, atom_k), range(0, channels, atom_c)):
        for r, s in product(range(rows), range(columns)):
            for k in range(group, min(group + atom_k, kernels)):
                out += [int(weights[k, c, r, s]) % 256 for c in range(block, min(block + atom_c, channels))]
    return bytes(out)


@pytest.mark.parametrize("atom", ATOMS)
@pytest.mark.parametrize("gap", [0, 3])
def test_features_byte_by_byte(atom, gap, compared):
    count = 0
    for shape in product((1, atom - 1, atom, atom + 1, 3 * atom), (1, 2, 3), (1, 2, 5)):
        line = (shape[2] + gap) * atom
        surface = Surface(*shape, atom, line, shape[1] * line + gap * atom, base=0x1000)
        cube = numbered(*shape)
        data = pack_feature(cube, surface)
        expected = feature_bytes(cube, atom, surface.line_stride, surface.surface_stride)
        assert {place: byte for place, byte in enumerate(data) if byte} == expected
        assert len(data) == surface.size
        assert np.array_equal(unpack_feature(data + b"\x55", surface), cube)
        count += cube.size
    compared(count)


def test_packed_has_no_gaps():
    surface = Surface.packed(9, 2, 3, 8)
    assert (surface.line_stride, surface.surface_stride, surface.size) == (24, 48, 96)
    assert len(pack_feature(numbered(9, 2, 3), surface)) == 96


def test_address_and_place_are_inverse():
    surface = Surface(11, 2, 3, 8, line_stride=128, surface_stride=512, base=0x80, element=4)
    for c, y, x in product(range(16), range(2), range(3)):
        for byte in range(4):
            assert surface.place(surface.address(c, y, x) + byte) == (c, y, x)
    assert [surface.place(address) for address in (0x7F, 0x80 + 96, 0x80 + 512 + 128 + 96)] == [None, None, None]


def test_of_overlapping_lines_the_later_one_owns_a_byte():
    surface = Surface(8, 2, 3, 8, line_stride=16, surface_stride=0)
    assert [surface.place(address) for address in (8, 16, 23, 24)] == [(0, 0, 1), (0, 1, 0), (7, 1, 0), (0, 1, 1)]


@given(data=st.data(), atom=st.sampled_from([1, *ATOMS, 64]))
def test_features_come_back(data, atom):
    shape = data.draw(st.tuples(st.integers(1, 70), st.integers(1, 4), st.integers(1, 4)))
    gaps = data.draw(st.tuples(st.integers(0, 3), st.integers(0, 3)))
    line = (shape[2] + gaps[0]) * atom
    surface = Surface(*shape, atom, line, shape[1] * line + gaps[1] * atom)
    cube = np.random.default_rng(data.draw(st.integers(0, 99))).integers(-128, 128, shape, np.int8)
    assert np.array_equal(unpack_feature(pack_feature(cube, surface), surface), cube)


@pytest.mark.parametrize(("atom_c", "atom_k"), [(8, 8), (64, 32), (32, 16), (3, 2)])
def test_weights_byte_by_byte(atom_c, atom_k, compared):
    count = 0
    around_k, around_c = (1, atom_k - 1, atom_k, atom_k + 1), (1, atom_c - 1, atom_c, 2 * atom_c + 1)
    for shape in product(around_k, around_c, (1, 3), (1, 2)):
        weights = numbered(*shape)
        data = pack_weights(weights, atom_c, atom_k)
        assert data[: weights.size] == weight_bytes(weights, atom_c, atom_k)
        assert not any(data[weights.size :])
        assert len(data) % WEIGHT_ALIGNMENT == 0
        assert len(data) - weights.size < WEIGHT_ALIGNMENT
        assert np.array_equal(unpack_weights(data, shape, atom_c, atom_k), weights)
        count += weights.size
    compared(count)


@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 3), st.integers(1, 3)),
    atoms=st.tuples(st.integers(1, 9), st.integers(1, 9)),
)
def test_weights_come_back(shape, atoms):
    weights = numbered(*shape)
    assert np.array_equal(unpack_weights(pack_weights(weights, *atoms), shape, *atoms), weights)


def test_operands_are_little_endian_pairs():
    assert pack_operands(np.array([[1, -2], [0x1234, 3]]), 2) == bytes([1, 0, 0xFE, 0xFF, 0x34, 0x12, 3, 0])
    assert pack_operands(np.array([[1, -2], [5, 3]]), 1) == bytes([1, 0xFE, 5, 3])


@given(
    values=st.lists(st.tuples(st.integers(-128, 127), st.integers(-128, 127))),
    element=st.sampled_from([1, 2]),
    parts=st.sampled_from([1, 2]),
)
def test_operands_come_back(values, element, parts):
    rows = np.array(values, np.int64).reshape(-1, 2)[:, :parts]
    data = pack_operands(rows, element)
    assert len(data) == rows.size * element
    assert np.array_equal(unpack_operands(data, element, parts), rows)


@pytest.mark.parametrize(("values", "element"), [([[128]], 1), ([[-129]], 1), ([[1 << 15]], 2)])
def test_operands_that_do_not_fit(values, element):
    with pytest.raises(ParameterError, match=f"of {element} byte"):
        pack_operands(np.array(values), element)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda: pack_feature(numbered(9, 2, 3), Surface.packed(9, 3, 2, 8)), "as the surface says"),
        (lambda: pack_feature(numbered(9, 2, 3).astype(np.int16), Surface.packed(9, 2, 3, 8)), "int16"),
        (lambda: pack_feature(numbered(9, 2, 3), Surface(9, 2, 3, 8, 16, 48)), "lines overlap"),
        (lambda: pack_feature(numbered(9, 2, 3), Surface(9, 2, 3, 8, 24, 40)), "surfaces overlap"),
        (lambda: unpack_feature(bytes(95), Surface.packed(9, 2, 3, 8)), "at least 96"),
        (lambda: pack_weights(numbered(4, 2, 3), 8, 8), "K, C, R, S"),
        (lambda: unpack_weights(bytes(17), (1, 2, 3, 3), 8, 8), "at least 18"),
    ],
)
def test_what_cannot_be_packed(wrong, what):
    with pytest.raises(ParameterError, match=what):
        wrong()


def test_one_line_and_one_surface_need_no_strides():
    surface = Surface(3, 1, 2, 8, line_stride=0, surface_stride=0)
    assert np.array_equal(unpack_feature(pack_feature(numbered(3, 1, 2), surface), surface), numbered(3, 1, 2))
