"""Array forms of the instructions and of quantization: the spec, element by element."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import int8sim
from int8sim import spec
from int8sim.kernels.compile import build
from int8sim.model.errors import BadScaleError, InputMismatchError, UnknownNameError
from int8sim.model.tensor import QuantParams
from int8sim.spec.rounding import Rounding

RNG = np.random.default_rng(11)
WORDS = RNG.integers(0, 2**32, (3, 500), dtype=np.uint32)
CORNERS = np.array([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F], np.uint32)


@pytest.mark.parametrize("a_signed", [True, False])
@pytest.mark.parametrize("b_signed", [True, False])
def test_dp4a_and_dp2a(a_signed, b_signed, compared):
    a, b, c = (np.concatenate([words, CORNERS]) for words in WORDS)
    got = int8sim.dp4a(a, b, c, a_signed, b_signed)
    assert got.dtype == (np.int32 if a_signed or b_signed else np.uint32)
    triples = list(zip(a.tolist(), b.tolist(), c.tolist(), strict=True))
    assert got.tolist() == [spec.dp4a.dp4a(*t, a_signed, b_signed) for t in triples]
    for high in (True, False):
        got = int8sim.dp2a(a, b, c, high, a_signed, b_signed)
        assert got.tolist() == [spec.dp4a.dp2a(*t, high, a_signed, b_signed) for t in triples]
    compared(3 * len(triples), least=1500)


def test_words_broadcast_and_may_be_signed():
    got = int8sim.dp4a(WORDS[0].view(np.int32)[:, None], np.int32(-1), np.zeros(3, np.int64))
    assert got.shape == (500, 3)
    assert got[7, 2] == spec.dp4a.dp4a(int(WORDS[0][7]), 0xFFFFFFFF, 0)
    assert int8sim.dp4a(0x80808080, 0x80808080, 0x7FFFFFFF) == -2147418113
    with pytest.raises(InputMismatchError, match="float64"):
        int8sim.dp4a(np.zeros(2), 1, 1)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize("rounding", [Rounding.HALF_EVEN, Rounding.TOWARD_ZERO, Rounding.FLOOR, Rounding.CEIL])
@pytest.mark.parametrize("flush", [True, False])
def test_convert(dtype, rounding, flush, compared):
    halves = (np.arange(-600, 601) / 2).astype(np.float32)
    values = np.concatenate([WORDS.ravel(), halves.view(np.uint32), CORNERS]).view(np.float32)
    got = int8sim.convert(values, dtype, rounding=rounding, flush=flush)
    assert got.dtype == dtype
    bits = values.view(np.uint32).tolist()
    assert got.tolist() == [spec.cvt.float32_to_int8(b, rounding, dtype == "int8", flush) for b in bits]
    compared(len(bits), least=2700)


def test_convert_of_integers_and_numbers():
    assert int8sim.convert(np.array([-1000, -1, 0, 200]), "uint8").tolist() == [0, 0, 0, 200]
    assert int8sim.convert(np.array([-1000, -1, 0, 200], np.int16)).tolist() == [-128, -1, 0, 127]
    assert (int8sim.convert(2.5), int8sim.convert(300), int8sim.convert(float("nan"))) == (2, 127, 0)
    with pytest.raises(InputMismatchError, match="float64"):
        int8sim.convert(np.array([1.5]))
    with pytest.raises(UnknownNameError):
        int8sim.convert(1.5, "int16")
    with pytest.raises(UnknownNameError):
        int8sim.convert(1.5, rounding=Rounding.HALF_AWAY)


PARAMS = [
    QuantParams(0.05),
    QuantParams(0.05, 0, None, "int8", narrow=True),
    QuantParams(0.013, 131, dtype="uint8"),
    QuantParams((0.5, 0.001, 3.0), 0, 1, "int8", narrow=True),
    QuantParams((0.5, 0.001, 3.0), (1, -128, 127), 1),
    QuantParams((0.25, 0.5, 0.125), (0, 128, 255), 1, "uint8"),
]


@pytest.mark.parametrize("quant", PARAMS, ids=str)
@pytest.mark.parametrize("rounding", ["half_even", "half_away"])
def test_quantize_and_dequantize(quant, rounding, compared):
    values = (RNG.standard_normal((40, 3, 5)) * 20).astype(np.float32)
    values.ravel()[::7] = (RNG.integers(-40, 40, 86) + 0.5) * np.float32(0.5)
    codes = int8sim.quantize(values, quant, rounding)
    back = int8sim.dequantize(codes, quant)
    assert (codes.dtype, back.dtype, codes.shape) == (quant.dtype, "float32", values.shape)
    function = {"half_even": spec.affine.quantize_half_even, "half_away": spec.affine.quantize_half_away}[rounding]
    points = quant.zero_point if isinstance(quant.zero_point, tuple) else (quant.zero_point,) * len(quant.scales)
    for index in np.ndindex(*values.shape):
        channel = index[1] % len(quant.scales)
        scale, point = float(np.float32(quant.scales[channel])), points[channel]
        assert codes[index] == function(values[index].item(), scale, point, quant.low, quant.high)
        assert back[index] == spec.affine.dequantize(int(codes[index]), scale, point)
    compared(2 * values.size, least=1200)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(["int8", "uint8"]), st.booleans())
def test_asymmetric_ranges_hold_zero(low, high, dtype, tflite):
    low, high = min(low, high), max(low, high)
    quant = int8sim.asymmetric_params(low, high, dtype=dtype, rule="tflite" if tflite else "onnxruntime")
    zero = int8sim.quantize(np.zeros(1, np.float32), quant)
    assert zero[0] == quant.zero_point
    assert int8sim.dequantize(zero, quant)[0] == 0.0


def test_params_of_known_ranges():
    assert int8sim.symmetric_params(2.54) == QuantParams(float(np.float32(0.02)), 0, None, "int8", narrow=True)
    assert int8sim.asymmetric_params(-1.0, 1.55) == QuantParams(float(np.float32(0.01)), 100, None, "uint8")
    both = int8sim.asymmetric_params([0.0, -2.55], [2.55, 0.0], axis=0, dtype="int8", rule="tflite")
    assert both.zero_point == (-128, 127)
    assert int8sim.symmetric_params([127.0, 0.0], axis=0).scale == (1.0, 1.0)
    for bad in (float("nan"), float("inf"), -1.0):
        with pytest.raises(BadScaleError):
            int8sim.symmetric_params(bad)
    with pytest.raises(BadScaleError):
        int8sim.asymmetric_params(float("nan"), 1.0)


def test_strided_and_read_only_arrays_compile_nothing_more():
    from int8sim.kernels import arrays

    int8sim.dp4a(WORDS[0], WORDS[1], WORDS[2])
    signs = {"a_signed": 1, "b_signed": 1}
    bound = arrays.bind(arrays.Step(spec.dp4a.dp4a, signs))[0]
    kernel = build(arrays._dots, {"dot": bound})
    before = len(kernel.signatures)
    frozen = WORDS[0].copy()
    frozen.flags.writeable = False
    int8sim.dp4a(frozen, WORDS[1][::-1], WORDS[2].astype(">u4"))
    assert len(kernel.signatures) == before


def test_codes_of_32_bits_are_refused():
    """The greatest int32 is no float32: compiled, values beyond it came out as the lowest code."""
    with pytest.raises(UnknownNameError, match="int32"):
        int8sim.quantize(np.array([3e9], np.float32), QuantParams(1.0, 0, None, "int32"))
    assert int8sim.quantize(np.array([3e9], np.float32), QuantParams(1.0, 0, None, "int16")).tolist() == [32767]
