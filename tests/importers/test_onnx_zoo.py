"""Float CNNs of many shapes by ONNX Runtime's static quantizer: every layer is the engine's, optimizations on.

Every layer is given what the engine computed before it; float32 layers within rounding, all others bit for bit.
"""

from __future__ import annotations

import onnx
import pytest
from onnx_quantizer import INT8_ALLOWED, KINDS, node_outputs, optimized, quantized, run_file

import int8sim

from .test_onnx_quantized import vnni
from .test_onnx_trained import layers_alone
from .zoo import NETWORKS, written

pytestmark = pytest.mark.engine

FORMS = ("QOperator", "QDQ")
OPTIONS = {
    "real bias": {"QuantizeBias": False},
    "com.microsoft's pairs": {"UseQDQContribOps": True},
    "asymmetric weights": {"WeightSymmetric": False},
    "symmetric activations": {"ActivationSymmetric": True},
    "pairs around weights": {"AddQDQPairToWeight": True},
    "a pair for each reader": {"DedicatedQDQPair": True},
    "activations kept": {"QDQKeepRemovableActivations": True},
    "real results": {"OpTypesToExcludeOutputQuantization": ["Conv", "Gemm", "MatMul", "Add"]},
}
LEAST = 100


def agree(path, inputs, names=None, optimizes=True):
    """How many values of all layers are the engine's. names: outputs of nodes; None: of QuantizeLinear alone."""
    graph, codes = int8sim.load(path), set(names or node_outputs(path, "QuantizeLinear"))
    codes |= set() if names else set(graph.outputs)
    asked = [layer.output for layer in graph.layers if layer.output in codes]
    return sum(layers_alone(graph, inputs, run_file(path, inputs, asked, optimizes, **{INT8_ALLOWED: "1"})).values())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "channels"), KINDS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_the_engines(name, form, kind, channels, tmp_path, compared):
    vnni()
    path, (*samples, last) = written(name, tmp_path)
    made = quantized(path, samples, kind, channels, tmp_path / "quantized.onnx", form)
    compared(agree(made, last, node_outputs(made) if form == "QOperator" else None), LEAST, f"{name} {form}")


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "u_net"])
def test_every_code_is_the_engines_by_any_option(name, option, tmp_path, compared):
    """Not of the U-Net: a float transposed convolution stands between its codes, whose last bits are its own."""
    vnni()
    path, (*samples, last) = written(name, tmp_path)
    made = quantized(path, samples, "u8s8", True, tmp_path / "quantized.onnx", "QDQ", **OPTIONS[option])
    compared(agree(made, last), LEAST, option)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["u8s4", "u8u4", "s8s4"])
@pytest.mark.parametrize("name", ["residual", "mobile", "mlp"])
def test_every_code_beside_weights_of_four_bits_is_the_engines(name, kind, tmp_path, compared):
    vnni()
    path, (*samples, last) = written(name, tmp_path)
    made = quantized(path, samples, kind, True, tmp_path / "quantized.onnx", "QDQ")
    compared(agree(made, last), LEAST, kind)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["s16s8", "u16s8", "u16s16"])
@pytest.mark.parametrize("name", ["dense", "shuffle", "pools"])
def test_codes_of_sixteen_bits_are_the_engines(name, kind, tmp_path, compared):
    """Around float32 layers, which the engine has too; no exponentials are among them, whose last bits are its own."""
    vnni()
    path, (*samples, last) = written(name, tmp_path)
    made = quantized(path, samples, kind, False, tmp_path / "quantized.onnx", "QDQ", UseQDQContribOps=True)
    compared(agree(made, last, node_outputs(made, "QuantizeLinear")), LEAST, kind)


@pytest.mark.parametrize("kind", ["u8s8", pytest.param("s8s8", marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", [pytest.param("QOperator", marks=pytest.mark.slow), "QDQ"])
@pytest.mark.parametrize(
    "name",
    [name if name == "pools" else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS if name != "u_net"],
)
def test_what_the_engines_optimizer_wrote_is_read(name, form, kind, tmp_path, compared):
    """QLinearConv, averages and NhwcMaxPool with channels last. Not Resize with channels last, which is not read."""
    vnni()
    path, (*samples, last) = written(name, tmp_path)
    made = quantized(path, samples, kind, True, tmp_path / "quantized.onnx", form)
    fused = optimized(made, tmp_path / "optimized.onnx", **{INT8_ALLOWED: "1"})
    assert name != "pools" or "NhwcMaxPool" in {each.op_type for each in onnx.load(fused).graph.node}
    compared(agree(fused, last, node_outputs(fused), optimizes=False), LEAST, name)
