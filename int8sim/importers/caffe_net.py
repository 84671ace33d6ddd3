"""A .prototxt as layers: Caffe's NetParameter, with the old spellings brought to the new one.

Network-level `input` fields become layers of type Input before all others, V1 `layers` with enumerated types become
layers with today's names, as Caffe does on reading (BVLC/caffe:src/caffe/util/upgrade_proto.cpp). A layer whose own
phase is TEST is left out, as TensorRT does (NVIDIA/TensorRT:parsers/caffe/caffeParser/caffeParser.cpp, release/7.2).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from int8sim.importers.caffe_message import Message
from int8sim.importers.caffe_prototxt import read_prototxt
from int8sim.model.errors import LayerError, ModelTextError, UnsupportedOperatorError

PHASES = ("TRAIN", "TEST")

V1_SPELLINGS = {
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}
"""V1 types whose name today is not simply their words, capitalised and joined."""

NET_FIELDS = (
    "name input input_dim input_shape layer layers force_backward state debug_info default_forward_type "
    "default_backward_type default_forward_math default_backward_math global_grad_scale default_conv_algos_override "
    "reduce_buckets default_cudnn_math_override"
)
LAYER_FIELDS = (
    "name type bottom top param blobs_lr weight_decay loss_weight propagate_down phase include exclude blob_share_mode "
    "forward_type backward_type forward_math backward_math cudnn_math_override debug"
)
"""Fields that a network and a layer of any type may have; those that nothing here asks for matter in training only."""

SOLVER_FIELDS = frozenset({"net", "train_net", "net_param", "base_lr"})

GIVE = "give the deploy file of this network, which begins with its inputs"
DEPLOY = f"this is a file for training: {GIVE}"


@dataclass(frozen=True, eq=False)
class CaffeLayer:
    """One layer as the file has it. message: everything it says; bottoms, tops: the blobs it reads and writes."""

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    message: Message

    @property
    def place(self) -> str:
        """File and line, for errors."""
        return f"{self.message.path}, line {self.message.line}"

    def refused(self, reason: str, supported: Iterable[str] = ()) -> UnsupportedOperatorError:
        """The error for a layer, or a form of one, that is not read."""
        return UnsupportedOperatorError(self.type, self.name, f"{self.place}: {reason}", supported)

    def misfit(self, reason: str) -> LayerError:
        """The error for numbers that contradict each other or the layer's inputs."""
        return LayerError(self.name, f"{self.place}: {reason}")


@dataclass(frozen=True, eq=False)
class Net:
    """layers: in the order of the file, inputs first. skipped: the layers whose own phase is TEST."""

    path: str
    name: str
    layers: tuple[CaffeLayer, ...]
    skipped: tuple[CaffeLayer, ...]


def read_net(path: str | os.PathLike[str]) -> Net:
    """The layers of a deploy file.

    Raises NotAModelError, ModelTextError for what is no network, UnsupportedOperatorError for a file for training.
    """
    message = read_prototxt(path)
    for name in (name for name in message.fields if name in SOLVER_FIELDS):
        raise ModelTextError(message.path, message.line_of(name), f"field {name} makes this a solver; {GIVE}")
    refuse_unknown_fields(message, NET_FIELDS, "a network")
    inputs, old = _inputs(message), message.messages("layers")
    entries = message.messages("layer") or old
    if not entries or (old and entries is not old):
        raise ModelTextError(
            message.path, message.line_of("layers"), "a network has layers, in the new or the old form"
        )
    every = _named([*inputs, *(_layer(entry, _v1_type(entry) if old else entry.text("type")) for entry in entries)])
    kept = tuple(layer for layer in every if layer.message.choice("phase", PHASES, "TRAIN") != "TEST")
    for layer in kept:
        _refuse_training(layer)
    skipped = tuple(layer for layer in every if layer not in kept)
    return Net(message.path, message.text("name", "") or Path(path).stem, kept, skipped)


def input_shapes(layer: CaffeLayer) -> list[list[int]]:
    """The shape of every top of an Input layer, the batch included; one that is given once serves all tops."""
    shapes = [shape.integers("dim", 1) for shape in layer.message.message("input_param").messages("shape")]
    if len(shapes) == 1:
        return shapes * len(layer.tops)
    if len(shapes) != len(layer.tops):
        raise layer.misfit(f"it has {len(layer.tops)} tops and {len(shapes)} shapes; one shape for all, or one each")
    return shapes


def refuse_unknown_fields(message: Message, known: str, what: str) -> None:
    """Raise ModelTextError for a field that Caffe would refuse, or that would change the result unread.

    known: field names with spaces between them.
    """
    for name in message.fields:
        if name not in known.split():
            line = message.line_of(name)
            raise ModelTextError(message.path, line, f"field {name} of {what} is not read; check its spelling")


def _inputs(message: Message) -> list[CaffeLayer]:
    """Network-level inputs, each with its `input_shape` or its four `input_dim`."""
    names, shapes = message.texts("input"), message.messages("input_shape")
    sizes = message.fields.get("input_dim", ())
    quads = [sizes[start : start + 4] for start in range(0, len(sizes), 4)]
    given = [*shapes, *(Message(message.path, quad[0].line, {"dim": quad}) for quad in quads)]
    if len(given) != len(names) or len(sizes) % 4:
        problem = f"{len(names)} inputs have {len(given)} shapes; each needs one input_shape, or four input_dim"
        raise ModelTextError(message.path, message.line_of("input"), problem)
    return [_input(message, name, shape) for name, shape in zip(names, given, strict=True)]


def _input(message: Message, name: str, shape: Message) -> CaffeLayer:
    parameter = Message(message.path, shape.line, {"shape": [shape]})
    entry = Message(message.path, message.line_of("input"), {"input_param": [parameter]})
    return CaffeLayer(name, "Input", (), (name,), entry)


def _named(layers: Sequence[CaffeLayer]) -> list[CaffeLayer]:
    """Each under a name of its own: the file's, its first top's where there is none; with the line where taken."""
    given = {layer.name for layer in layers}
    found: dict[str, CaffeLayer] = {}
    for layer in layers:
        name = layer.name
        if not name or name in found:
            name = name or "".join(layer.tops[:1])
            while name in found or name in given:
                name = f"{name}_{layer.message.line}"
        found[name] = replace(layer, name=name)
    return list(found.values())


def _layer(entry: Message, kind: str) -> CaffeLayer:
    return CaffeLayer(entry.text("name", ""), kind, tuple(entry.texts("bottom")), tuple(entry.texts("top")), entry)


def _v1_type(entry: Message) -> str:
    """Today's name of a V1 layer's enumerated type."""
    if "layer" in entry.fields:
        problem = "a layer of Caffe's oldest format (V0); convert the file with Caffe's upgrade_net_proto_text"
        raise ModelTextError(entry.path, entry.line, problem)
    word = entry.word("type")
    return V1_SPELLINGS.get(word) or "".join(part.capitalize() for part in word.split("_"))


def _refuse_training(layer: CaffeLayer) -> None:
    """A layer that Caffe has in one phase or stage only, or one that feeds or judges a training."""
    for field, phase in (("include", "TEST"), ("exclude", "TRAIN")):
        for rule in layer.message.messages(field):
            if set(rule.fields) != {"phase"} or rule.choice("phase", PHASES, "TRAIN") != phase:
                raise layer.refused(f"line {rule.line} says when it is there; {DEPLOY}")
    if layer.type.endswith(("Data", "Loss")) or layer.type == "Accuracy":
        raise layer.refused(DEPLOY)
