"""The tensor names that TensorRT gives a Caffe network: the rows of its calibration cache, in its order.

Every layer that TensorRT adds makes a tensor, "(Unnamed Layer* n) [Kind]_output", n counting the added layers, and maps
the layer's first top to it. At the end each tensor that a blob name is mapped to takes that name. So the last writer of
a blob has the blob's name, what an in-place layer replaced keeps the other, and a layer's own name appears nowhere.

Source: NVIDIA/TensorRT release/7.2, parsers/caffe: caffeParser/caffeParser.cpp, opParsers/, blobNameToTensor.h.
Confirmed by the tables of three networks, 324 rows, that TensorRT 5.1 and 7.2.2 wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from int8sim.importers.caffe_net import CaffeLayer, Net
from int8sim.model.errors import GraphError

ALIASES = frozenset({"Dropout", "Flatten", "Split"})
"""Types that make no TensorRT layer: their tops are other names of the bottom's tensor. (TensorRT refuses Split.)"""

KINDS: Mapping[str, tuple[str, ...]] = {
    "AbsVal": ("Unary",),
    "BNLL": ("Activation",),
    "BatchNorm": ("Scale",),
    "Clip": ("Activation",),
    "Concat": ("Concatenation",),
    "Convolution": ("Convolution",),
    "Crop": ("Slice",),
    "Deconvolution": ("Deconvolution",),
    "ELU": ("Activation",),
    "Eltwise": ("ElementWise",),
    "InnerProduct": ("Fully Connected",),
    "LRN": ("LRN",),
    "PReLU": ("Constant", "Parametric ReLU"),
    "Permute": ("Shuffle",),
    "Pooling": ("Pooling",),
    "Power": ("Scale",),
    "ReLU": ("Activation",),
    "Reduction": ("Reduce",),
    "Reshape": ("Shuffle",),
    "Scale": ("Scale",),
    "Sigmoid": ("Activation",),
    "Softmax": ("Softmax",),
    "SoftmaxWithLoss": ("Softmax",),
    "TanH": ("Activation",),
}
"""Caffe type -> the kinds of the TensorRT layers that it becomes, in order; the last one carries the top's name.

Convolution, Scale, ElementWise and Fully Connected are seen in tables of Caffe networks; Activation, Pooling, Softmax,
Concatenation, Shuffle and Constant in those of others; the rest is not seen anywhere, and taken from the C++ names.
"""

BEFORE_REDUCTION = {"ASUM": ("Unary",), "SUMSQ": ("ElementWise",)}
REDUCTIONS = ("", "SUM", "ASUM", "SUMSQ", "MEAN")


@dataclass(frozen=True)
class Names:
    """rows: the names of all tensors, in TensorRT's order of creation. made: those that each layer adds, in order.

    tops: layer -> the tensor that its first top is, for a layer that adds none too.
    """

    rows: tuple[str, ...]
    made: Mapping[CaffeLayer, tuple[str, ...]]
    tops: Mapping[CaffeLayer, str]


def tensor_names(net: Net, kinds: Mapping[str, tuple[str, ...]] = KINDS) -> list[str]:
    """The rows of the network's calibration cache, in TensorRT's order. kinds: as KINDS.

    Raises UnsupportedOperatorError for a type that TensorRT does not parse, or a layer in place on an input; GraphError
    for a blob that nothing writes.
    """
    return list(name_tensors(net, kinds).rows)


def layer_tensors(net: Net, kinds: Mapping[str, tuple[str, ...]] = KINDS) -> dict[str, str]:
    """Layer name -> the tensor of its first top, for tables by layer (NVDLA's); in the order of the file."""
    return {layer.name: tensor for layer, tensor in name_tensors(net, kinds).tops.items()}


def name_tensors(net: Net, kinds: Mapping[str, tuple[str, ...]] = KINDS) -> Names:
    """The names, and which layer made which. Raises as `tensor_names`."""
    walk = _Walk(kinds)
    for layer in net.layers:
        walk.take(layer)
    return walk.names()


class _Walk:
    """TensorRT's state: names so far by the tensor's place, which blob is which tensor, how many layers there are."""

    def __init__(self, kinds: Mapping[str, tuple[str, ...]]) -> None:
        self.kinds = kinds
        self.tensors: list[str] = []
        self.blobs: dict[str, int] = {}
        self.inputs: set[int] = set()
        self.added = 0
        self.made: dict[CaffeLayer, list[int]] = {}
        self.tops: dict[CaffeLayer, int] = {}

    def take(self, layer: CaffeLayer) -> None:
        self._check(layer)
        first = len(self.tensors)
        self.tensors += self._added(layer)
        made = self.made[layer] = list(range(first, len(self.tensors)))
        if layer.type == "Input":
            self.inputs.update(made)
            self.blobs.update(zip(layer.tops, made, strict=True))
        elif layer.type in ALIASES:
            self.blobs |= dict.fromkeys(layer.tops, self.blobs[layer.bottoms[0]])
        else:
            self.blobs[layer.tops[0]] = made[-1]
        self.tops[layer] = self.blobs[layer.tops[0]]

    def _added(self, layer: CaffeLayer) -> list[str]:
        """The tensors that a layer makes, under their first names."""
        if layer.type == "Input":
            return list(layer.tops)
        kinds = () if layer.type in ALIASES else self._kinds(layer)
        start, self.added = self.added, self.added + len(kinds)
        return [f"(Unnamed Layer* {number}) [{kind}]_output" for number, kind in enumerate(kinds, start)]

    def _check(self, layer: CaffeLayer) -> None:
        if not layer.tops or (layer.type != "Input" and not layer.bottoms):
            raise layer.refused("it has no top, or no bottom; only an Input layer begins a network")
        if len(set(layer.tops)) < len(layer.tops):
            raise layer.refused(f"its tops {', '.join(layer.tops)} are not different blobs")
        for blob in layer.bottoms:
            if blob not in self.blobs:
                raise GraphError(f"{layer.place}: layer {layer.name!r} reads {blob!r}, which no layer before it writes")
        for place, blob in enumerate(layer.tops):
            if blob in self.blobs and blob not in layer.bottoms[place : place + 1]:
                raise GraphError(f"{layer.place}: layer {layer.name!r} writes {blob!r}, which a layer before it writes")
            if self.blobs.get(blob) in self.inputs:
                raise layer.refused(
                    f"it overwrites {blob!r}, an input; TensorRT refuses that: give it a top of its own"
                )

    def _kinds(self, layer: CaffeLayer) -> tuple[str, ...]:
        if layer.type not in self.kinds:
            raise layer.refused("TensorRT's Caffe parser does not read this type", {"Input", *ALIASES, *self.kinds})
        return self.kinds[layer.type] if layer.type != "Reduction" else self._reduction(layer)

    def _reduction(self, layer: CaffeLayer) -> tuple[str, ...]:
        """An absolute value or a square comes first, a coefficient other than 1 last."""
        settings = layer.message.message("reduction_param")
        before = BEFORE_REDUCTION.get(settings.choice("operation", REDUCTIONS, "SUM"), ())
        after = ("Scale",) if settings.real("coeff", 1.0) != 1.0 else ()
        return (*before, *self.kinds["Reduction"], *after)

    def names(self) -> Names:
        """Each tensor under the bytewise greatest of its blob names, or under its default."""
        names = list(self.tensors)
        for blob in sorted(self.blobs, key=str.encode):
            names[self.blobs[blob]] = blob
        made = {layer: tuple(names[place] for place in places) for layer, places in self.made.items()}
        tops = {layer: names[place] for layer, place in self.tops.items()}
        return Names(tuple(names), made, tops)
