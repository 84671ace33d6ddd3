"""TensorFlow Lite networks that others trained and quantized: every output is what the engines answered."""

import pytest

import int8sim
from int8sim.graph.run import run

ENGINES = {
    "tflm": "tflm",
    "litert_ref": "tflite_reference",
    "litert_opt": "tflite_optimized",
    "litert_xnnpack": "xnnpack",
}
SMALL_NETWORKS = ("ad01_int8", "hello_world_int8", "kws_ref_model", "micro_speech_quantized", "pretrainedResnet_quant")
LARGE = "mobilenet_v2_quantized_1x3x224x224"
PAIRS = [(name, engine) for name in SMALL_NETWORKS for engine in ENGINES] + [("person_detect", "tflm")]
FAST = {("kws_ref_model", "litert_ref"), ("micro_speech_quantized", "litert_opt")}
"""Every engine compiles kernels of its own: the rest is slow. The second has a depthwise layer of one channel."""


def slow(values, fast):
    return pytest.param(*values, id="-".join(map(str, values)), marks=() if fast else pytest.mark.slow)


CASES = [slow(pair, pair in FAST) for pair in PAIRS]
IMAGES = [slow((engine, count), (engine, count) == ("litert_xnnpack", 1)) for engine in ENGINES for count in (1, 4)]
COUNTS = {"ad01_int8": 640, "hello_world_int8": 1, "kws_ref_model": 12, "micro_speech_quantized": 4}
COUNTS |= {"pretrainedResnet_quant": 10, "person_detect": 2}


def different(graph, inputs, answers):
    """How many values differ from the engine's: every image alone, as the engine was given them."""
    wrong = 0
    for image, answer in zip(inputs, answers, strict=True):
        (found,) = run(graph, {graph.inputs[0]: image}).values()
        assert (found.dtype, found.shape) == (answer.dtype, answer.shape)
        wrong += int((found != answer).sum())
    return wrong


@pytest.mark.witness
@pytest.mark.parametrize(("name", "engine"), CASES)
def test_every_output_is_the_engines(oracle_folder, oracles, compared, name, engine):
    graph = int8sim.load(oracle_folder / "tflite" / f"{name}.tflite", profile=ENGINES[engine])
    recorded = oracles(f"tflite/{name}.outputs.npz")
    assert different(graph, recorded["inputs"], recorded[engine]) == 0
    compared(recorded[engine].size, 32 * COUNTS[name], f"{name} {engine}")


@pytest.mark.witness
@pytest.mark.parametrize(("engine", "images"), IMAGES)
def test_mobilenet_v2_is_the_engines(oracle_folder, oracles, compared, engine, images):
    graph = int8sim.load(oracle_folder / "tflite" / f"{LARGE}.tflite", profile=ENGINES[engine])
    recorded = oracles(f"tflite/{LARGE}.outputs.npz")
    answers = recorded[engine][:images]
    assert graph.tensors[graph.inputs[0]].layout == "NCHW"
    assert different(graph, recorded["inputs"][:images], answers) == 0
    compared(answers.size, 1000 * images, engine)


@pytest.mark.witness
@pytest.mark.parametrize(("twin", "name"), [("kws_ref_model_float32", "kws_ref_model"), ("pretrainedResnet", "")])
def test_a_float_twin_is_a_float_network(oracle_folder, twin, name):
    graph = int8sim.load(oracle_folder / "tflite" / f"{twin}.tflite")
    assert graph.profile == ""
    assert {kind.dtype for kind in graph.tensors.values()} == {"float32"}
    other = int8sim.load(oracle_folder / "tflite" / f"{name or f'{twin}_quant'}.tflite", profile="tflm")
    weighted = [
        [graph.tensors[layer.inputs[1]].shape for layer in each.layers if layer.op.weighted] for each in (graph,)
    ]
    assert weighted == [[other.tensors[layer.inputs[1]].shape for layer in other.layers if layer.op.weighted]]
