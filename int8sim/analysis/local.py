"""Every integer layer by itself: its inputs are the float network's, quantized."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from int8sim.graph.ir import Graph, Layer
from int8sim.lowering.steps import quantize_layer
from int8sim.model.tensor import TensorType
from int8sim.profiles.base import Profile


def local_graph(network: Graph, lowered: Graph, pairs: Mapping[str, str], profile: Profile) -> Graph:
    """The integer layers of a lowered graph side by side; none reads another.

    Inputs are the float tensors by their names in the network; the output of the layer that computes `tensor` keeps
    that name with "local:" before it. pairs: as `counterparts` gives them. A layer that reads a tensor without a
    counterpart is left out.
    """
    made = _Local(network, lowered, pairs, profile)
    for layer in lowered.layers:
        sources = [name for name in layer.inputs if name not in lowered.constants]
        if layer.arithmetic is not None and layer.output in pairs and all(map(made.can_read, sources)):
            made.add(layer)
    return made.graph()


class _Local:
    """Layers and tensors as they come."""

    def __init__(self, network: Graph, lowered: Graph, pairs: Mapping[str, str], profile: Profile) -> None:
        self.network, self.lowered, self.profile = network, lowered, profile
        self.source = dict(pairs) | {name: name for name in network.inputs}
        self.tensors: dict[str, TensorType] = {name: lowered.tensors[name] for name in lowered.constants}
        self.layers: list[Layer] = []
        self.inputs: list[str] = []

    def can_read(self, tensor: str) -> bool:
        return tensor in self.source

    def add(self, layer: Layer) -> None:
        """One layer, and before it the quantize layers that it needs."""
        inputs = [name if name in self.lowered.constants else self._codes(name) for name in layer.inputs]
        output = f"local:{layer.output}"
        self.layers.append(replace(layer, inputs=tuple(inputs), output=output))
        self.tensors[output] = self.lowered.tensors[layer.output]

    def graph(self) -> Graph:
        outputs = tuple(layer.output for layer in self.layers if layer.output.startswith("local:"))
        made = self.lowered
        return replace(
            made, layers=tuple(self.layers), tensors=self.tensors, inputs=tuple(self.inputs), outputs=outputs
        )

    def _codes(self, tensor: str) -> str:
        """The form in which the layer reads a tensor: codes of the float values, or those values themselves."""
        source, kind = self.source[tensor], self.lowered.tensors[tensor]
        if source not in self.inputs:
            self.inputs.append(source)
            self.tensors[source] = self.network.tensors[source]
        name = f"codes:{tensor}"
        if kind.quant is None:
            return source
        if name not in self.tensors:
            self.tensors[name] = kind
            self.layers.append(quantize_layer(self.profile, f"quantize:{tensor}", source, name, self.tensors))
        return name
