"""Every way to give a Caffe network that is not read: the class, and a message with the file and the line."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim import api
from int8sim.importers.caffe import SUPPORTED, load_caffe
from int8sim.model.errors import GraphError, LayerError, ModelTextError, NotAModelError, UnsupportedOperatorError

from .caffe_models import NO_BLOBS, layer, placed, real, saved

DATA = placed("data", 1, 4, 7, 6)
CONV = {"y": [real(3, 4, 2, 2), real(3)]}


def conv(settings: str) -> str:
    return layer("Convolution", "data", "y", f"convolution_param {{ {settings} }}")


def one(kind: str, settings: str = "") -> str:
    return layer(kind, "data", "y", settings)


def load(folder, *lines: str, blobs=NO_BLOBS, head: str = DATA):
    return load_caffe(saved(folder, "\n".join([head, *lines]), blobs))


def test_an_unknown_layer(tmp_path):
    with pytest.raises(UnsupportedOperatorError) as caught:
        load(tmp_path, one("Interp"), layer("PriorBox", "y data", "z"), one("Interp"))
    error = caught.value
    assert (error.operator, error.node, error.supported) == ("Interp", "y", SUPPORTED)
    assert f"{tmp_path / 'net.prototxt'}, line 2: this type is not read; neither are PriorBox" in str(error)
    assert "Supported: BatchNorm, Clip" in str(error)


REFUSED = [
    (conv("num_output: 3 kernel_size: 2 axis: 2"), "its channels are not on axis 1"),
    (layer("Convolution", "data data", "y z", "convolution_param { num_output: 3 }"), "2 bottoms and 2 tops"),
    (one("Pooling", "pooling_param { pool: STOCHASTIC kernel_size: 2 }"), "pool is STOCHASTIC; MAX and AVE are read"),
    (layer("Pooling", "data", "y mask", "pooling_param { kernel_size: 2 }"), "1 bottoms and 2 tops"),
    (one("InnerProduct", "inner_product_param { num_output: 2 axis: 0 }"), "join the samples of a batch"),
    (one("BatchNorm", "batch_norm_param { use_global_stats: false }"), "use_global_stats is false"),
    (one("Scale", "scale_param { axis: 2 }"), "it does not scale axis 1 alone"),
    (one("Scale", "scale_param { num_axes: 2 }"), "it does not scale axis 1 alone"),
    (layer("Scale", "data data", "y"), "2 bottoms and 1 tops; only the form with one each"),
    (layer("Eltwise", "data data", "y z"), "it has 2 tops; one is read"),
    (one("Reshape", "reshape_param { shape { dim: 2 dim: -1 } }"), "axis 0 must stay the batch: 0, -1 or 1 there"),
    (one("Reshape", "reshape_param { shape { dim: 1 } num_axes: 0 }"), "axis 0 must stay the batch"),
    (one("Flatten", "flatten_param { axis: 0 }"), "axis 0 is the batch and must stay"),
    (layer("Flatten", "data", "y z"), "1 bottoms and 2 tops"),
    (layer("Dropout", "data", "y z"), "1 bottoms and 2 tops"),
    (layer("ReLU", "data", "data"), "it overwrites 'data', an input"),
    (layer("Split", "data", "y y"), "its tops y, y are not different blobs"),
    (one("Softmax", "include { phase: TRAIN }"), "give the deploy file of this network"),
    (one("Softmax", "exclude { phase: TEST }"), "give the deploy file"),
    (one("Softmax", 'include { stage: "deploy" }'), "give the deploy file"),
    (layer("Data", "", "d label"), "give the deploy file"),
    (layer("SoftmaxWithLoss", "data data", "loss"), "give the deploy file"),
    (layer("Accuracy", "data data", "top"), "give the deploy file"),
]


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_forms_that_are_refused(tmp_path, text, reason):
    with pytest.raises(UnsupportedOperatorError) as caught:
        load(tmp_path, text)
    assert f"{tmp_path / 'net.prototxt'}, line 2: " in str(caught.value)
    assert reason in str(caught.value)


MISFITS = [
    (conv("num_output: 3 kernel_size: 9"), "a window of 9 cells does not fit 7 cells"),
    (conv("num_output: 3 kernel_size: 2 group: 2"), "4 channels and 3 outputs do not split into 2 groups"),
    (conv("num_output: 3 kernel_size: [1, 2, 3]"), "3 values of kernel_size; one, or two"),
    (conv("num_output: 3"), "0 values of kernel_size; one, or two"),
    (
        conv("num_output: 3 kernel_size: 2 kernel_h: 2 kernel_w: 2"),
        "it has kernel_size as well as kernel_h or kernel_w",
    ),
    (one("Pooling", "pooling_param { kernel_size: 2 global_pooling: true }"), "global_pooling is set"),
    (one("Pooling", "pooling_param { kernel_size: 2 pad: 2 }"), "reach beyond the window"),
    (one("Pooling", "pooling_param { kernel_size: 1 stride: 5 }"), "starts behind the 7 cells"),
    (one("Concat", "concat_param { axis: 4 }"), "axis is 4; its bottom has 4 axes"),
    (one("Concat", "concat_param { axis: 1 concat_dim: 1 }"), "both axis and concat_dim"),
    (one("Concat", "concat_param { axis: 0 }"), "axis 0 is not in 1 .. 3"),
    (one("Eltwise"), "it has 1 input; two or more are needed"),
    (layer("Eltwise", "data data", "y", "eltwise_param { coeff: 1 }"), "2 bottoms have 1 coeff, in SUM"),
    (layer("Eltwise", "data data", "y", "eltwise_param { operation: MAX coeff: [1, 1] }"), "2 coeff, in MAX"),
    (one("LRN", "lrn_param { local_size: 4 }"), "size 4 must be odd"),
    (one("Softmax", "softmax_param { axis: 0 }"), "axis 0 is not in 1 .. 3"),
    (one("Clip", "clip_param { min: 1 max: 0 }"), "minimum 1.0 is above maximum 0.0"),
    (one("Reshape", "reshape_param { shape { dim: 0 dim: 5 } }"), "does not fit 168 values a sample"),
    (one("Reshape", "reshape_param { shape { dim: -1 dim: 4 } }"), "has 168 values a sample, the shape [4] has 4"),
    (one("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: -1 } }"), "does not fit 168 values a sample"),
    (one("Reshape", "reshape_param { shape { dim: 2 } axis: 5 }"), "axis 5 and num_axes -1 leave the 4 axes"),
    (one("Reshape", "reshape_param { shape { dim: [0, 1, 1, 1, 0] } }"), "copies a size that"),
    (one("Permute", "permute_param { order: [1, 0] }"), "moves the batch"),
    (one("Permute", "permute_param { order: [0, 9] }"), "is no order of the axes"),
]


@pytest.mark.parametrize(("text", "reason"), MISFITS)
def test_numbers_that_contradict_each_other(tmp_path, text, reason):
    blobs = {"y": [real(3, 4, 9, 9), real(3)]} if "kernel_size: 9" in text else NO_BLOBS
    with pytest.raises(LayerError) as caught:
        load(tmp_path, text, blobs=blobs)
    assert caught.value.layer == "y"
    assert f"{tmp_path / 'net.prototxt'}, line 2: " in str(caught.value)
    assert reason in str(caught.value)


TEXT_ERRORS = [
    (conv("num_output: 3 kernal_size: 2"), "field kernal_size of convolution_param of layer 'y' is not read"),
    (one("ReLU", "prelu_param { channel_shared: true }"), "field prelu_param of layer 'y' (ReLU) is not read"),
    (one("Dropout", "dropout_param { scale_train: false }"), "field scale_train of dropout_param"),
    (conv("kernel_size: 2"), "lacks the field num_output"),
    (conv("num_output: 0 kernel_size: 2"), "field num_output is 0; an integer of 1 or more is needed"),
    (conv("num_output: 3 kernel_size: 2 pad: -1"), "field pad is -1; an integer of 0 or more"),
    (one("Pooling", "pooling_param { pool: MIN }"), "field pool is MIN; one of MAX, AVE, STOCHASTIC"),
    ("layer { name: 'y' bottom: 'data' top: 'y' }", "lacks the field type"),
    ("layer { name: 'y' type: ReLU bottom: 'data' top: 'y' }", "field type is ReLU; a string in quotes is needed"),
    ("layers { type: RELU bottom: 'data' top: 'y' }", "a network has layers, in the new or the old form"),
    ("learning_rate: 1", "field learning_rate of a network is not read"),
    (conv(f"num_output: {'9' * 5000}"), f"field num_output is {'9' * 80}; an integer of 1 or more is needed"),
    (conv("num_output: 0x7fffffffffffffffffff"), "field num_output is 0x7fffffffffffffffffff; an integer"),
    ("base_lr: 0.1", "field base_lr makes this a solver; give the deploy file"),
    ("layer { ", "the } of line 2"),
]


@pytest.mark.parametrize(("text", "reason"), TEXT_ERRORS)
def test_texts_that_caffe_would_not_parse(tmp_path, text, reason):
    with pytest.raises(ModelTextError, match=r"net\.prototxt: line 2: ") as caught:
        load(tmp_path, text)
    assert caught.value.line == 2
    assert reason in str(caught.value)


HEADS = [
    ('input: "data"', ModelTextError, "1 inputs have 0 shapes"),
    ('input: "data" input_dim: [1, 3]', ModelTextError, "1 inputs have 1 shapes"),
    ('input: "a" input: "b" input_shape { dim: 1 dim: 2 }', ModelTextError, "2 inputs have 1 shapes"),
    (
        f'input: "data" input_shape {{ dim: 1 dim: 0 }} {one("ReLU")}',
        ModelTextError,
        "field dim is 0; an integer of 1 or more",
    ),
    (DATA, NotAModelError, "none of its layers computes anything"),
    (
        layer("Input", "", "a b", "input_param { shape { dim: 2 } shape { dim: 2 } shape { dim: 2 } }"),
        LayerError,
        "2 tops and 3",
    ),
    (layer("Input", "", "data", "input_param { shape { dim: 2 } }"), LayerError, "the batch and one dimension more"),
    (layer("Input", "", "data"), LayerError, "1 tops and 0 shapes"),
    (f"{DATA} {placed('b', 2, 3)}", LayerError, "a batch of 2, another one of 1"),
    ("# nothing", ModelTextError, "a network has layers"),
    ("layers { layer { name: 'y' type: 'conv' } }", ModelTextError, "Caffe's oldest format (V0)"),
    (layer("ReLU", "", "y"), UnsupportedOperatorError, "only an Input layer begins a network"),
    (
        f"{DATA}\n{one('ReLU')} {layer('ReLU', 'data', 'y', name='again')}",
        GraphError,
        "line 2: layer 'again' writes 'y', which a layer before it writes",
    ),
    (layer("ReLU", "nothing", "y"), GraphError, "reads 'nothing', which no layer before it writes"),
]


@pytest.mark.parametrize(("head", "error", "reason"), HEADS)
def test_networks_that_do_not_begin(tmp_path, head, error, reason):
    with pytest.raises(error) as caught:
        load(tmp_path, head=head)
    assert str(tmp_path / "net.prototxt") in str(caught.value)
    assert reason in str(caught.value)


WEIGHTS = [
    (NO_BLOBS, "layer 'y' (Convolution, ", "has 0 blobs, 2 are needed"),
    ({"y": CONV["y"][:1]}, "line 2)", "has 1 blobs, 2 are needed"),
    ({"y": [real(3, 4, 2, 3), real(3)]}, "has the shape [3, 4, 2, 3] in blob 0", "[3, 4, 2, 2] is needed"),
    ({"y": [real(4, 3, 2, 2), real(3)]}, "has the shape [4, 3, 2, 2] in blob 0", "of this network?"),
    ({"y": [real(3, 4, 2, 2), real(4)]}, "has the shape [4] in blob 1", "[3] is needed"),
]


@pytest.mark.parametrize(("blobs", "what", "hint"), WEIGHTS)
def test_weights_that_are_missing_or_of_another_size(tmp_path, blobs, what, hint):
    with pytest.raises(NotAModelError, match=r"net\.caffemodel: layer 'y'") as caught:
        load(tmp_path, conv("num_output: 3 kernel_size: 2"), blobs=blobs)
    assert what in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("variance", "total", "reason"),
    [
        (1.0, 0.0, "third blob, by which mean and variance are divided, is 0"),
        (-1.0, 1.0, "it must be positive"),
        (1.0, 1e-39, "infinite or no number"),
    ],
)
def test_statistics_that_cannot_be(tmp_path, variance, total, reason):
    blobs = {"y": [real(4), np.full(4, variance), np.array([total])]}
    with pytest.raises(LayerError, match="line 2: ") as caught:
        load(tmp_path, one("BatchNorm"), blobs=blobs)
    assert reason in str(caught.value)


def test_notes_say_what_is_not_in_the_graph(tmp_path):
    blobs = {**CONV, "aux": [real(2)]}
    late = layer("ReLU", "y", "y", "phase: TEST", name="late")
    graph = load(tmp_path, conv("num_output: 3 kernel_size: 2"), late, blobs=blobs)
    assert [note.partition(":")[0] for note in graph.notes] == ["late", "aux"]


def test_load_by_ending(tmp_path):
    path = saved(tmp_path, f"{DATA}\n{conv('num_output: 3 kernel_size: 2')}", CONV)
    assert api.load(path).outputs == ("y",)
    with pytest.raises(NotAModelError, match=r"\.prototxt"):
        api.load(path.with_suffix(".caffemodel"))
