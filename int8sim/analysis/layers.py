"""Every layer of a lowered graph against the float network: the error that it makes, and the one that has gathered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.analysis.accumulators import Observed
from int8sim.analysis.batches import Batch, in_pieces
from int8sim.analysis.codes import Codes
from int8sim.analysis.counterparts import counterparts
from int8sim.analysis.difference import Difference
from int8sim.analysis.local import local_graph
from int8sim.analysis.sums import accumulates, weights, width
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile


@dataclass(frozen=True)
class LayerReport:
    """One layer's output against the float tensor that it stands for, over all samples.

    tensor: of the float network. dtype: of the output; scale, zero_point: None in a float layer. values: compared.
    local_sqnr: dB, the layer fed with the float network's tensors, quantized; None in a float layer. sqnr, cosine,
    max_lsb: of the whole lowered run; max_lsb: the greatest error in steps of the output's scale. saturated_low,
    saturated_high: shares of values clipped at the lowest and highest code. unused: codes that never occurred.
    accumulator: lowest and highest; bits: of the two's complement word that holds both. spread: the greatest |weight|
    of an output channel over that of the channel where it is smallest, channels of zeros aside.
    """

    layer: str
    op: str
    tensor: str
    dtype: str
    scale: float | None
    zero_point: int | None
    values: int
    local_sqnr: float | None
    sqnr: float
    cosine: float
    max_lsb: float | None
    saturated_low: float | None
    saturated_high: float | None
    unused: int | None
    accumulator: tuple[int, int] | None
    bits: int | None
    spread: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON and CSV: the accumulator's ends by themselves."""
        content = dict(vars(self))
        low, high = content.pop("accumulator") or (None, None)
        return {**content, "accumulator_low": low, "accumulator_high": high}


def layer_report(
    network: Graph,
    lowered: Graph,
    batches: Iterable[Batch],
    *,
    profile: str | Profile | None = None,
    backend: str = "cpu",
) -> list[LayerReport]:
    """One entry for each layer of the lowered graph, in its order; dequantize layers aside.

    network: the float network that `lowered` was made from. batches: inputs by name, used once, one after the other.
    profile: of the lowered graph, where its name is not registered. Raises UnmatchedGraphsError, UnknownNameError and
    what `run` raises.
    """
    pairs = counterparts(network, lowered)
    alone = local_graph(network, lowered, pairs, find_profile(profile or lowered.profile))
    chosen = [layer for layer in lowered.layers if layer.output in pairs and layer.op.name != "dequantize"]
    watched = [_Watched(lowered, layer, pairs[layer.output]) for layer in chosen]
    for batch in in_pieces(network, batches):
        real = run(network, batch, backend=backend, keep="all")
        whole = run(lowered, {name: batch[name] for name in lowered.inputs}, backend=backend, keep="all")
        local = run(alone, {name: real[name] for name in alone.inputs}, backend=backend) if alone.layers else {}
        for entry in watched:
            entry.take(real, whole, local)
    return [entry.result() for entry in watched]


class _Watched:
    """One layer's sums as batches come."""

    def __init__(self, graph: Graph, layer: Layer, source: str) -> None:
        self.graph, self.layer, self.source = graph, layer, source
        self.quant = graph.tensors[layer.output].quant
        self.local, self.whole = Difference(), Difference()
        self.codes = Codes(self.quant) if self.quant else None
        self.sums = Observed(graph, layer) if accumulates(layer) else None

    def take(self, real: Mapping[str, Array], whole: Mapping[str, Array], local: Mapping[str, Array]) -> None:
        x, found, alone = real[self.source], whole[self.layer.output], local.get(f"local:{self.layer.output}")
        self.whole.take(x, reals(found, self.quant))
        if alone is not None:
            self.local.take(x, reals(alone, self.quant))
        if self.codes:
            self.codes.take(found, x)
        if self.sums:
            self.sums.take(whole[self.layer.inputs[0]])

    def result(self) -> LayerReport:
        kind, quant, codes = self.graph.tensors[self.layer.output], self.quant, self.codes
        both = self.sums.both if self.sums else None
        return LayerReport(
            self.layer.name,
            self.layer.op.name,
            self.source,
            kind.dtype,
            quant.tensor_scale if quant else None,
            quant.tensor_zero_point if quant else None,
            self.whole.values,
            self.local.sqnr if self.local.values else None,
            self.whole.sqnr,
            self.whole.cosine,
            self.whole.greatest / quant.tensor_scale if quant else None,
            codes.below / codes.values if codes and codes.values else None,
            codes.above / codes.values if codes and codes.values else None,
            codes.unused if codes else None,
            both,
            width(*both) if both else None,
            spread(self.graph, self.layer) if self.sums else None,
        )


def reals(codes: Array, quant: QuantParams | None) -> Array:
    """The real values of codes, float64; float values as they are."""
    if quant is None:
        return codes
    return (codes.astype(np.float64) - quant.tensor_zero_point) * quant.tensor_scale


def spread(graph: Graph, layer: Layer) -> float | None:
    """The greatest |weight| of an output channel over the smallest such of another; None where all are 0."""
    real = np.abs(weights(graph, layer)).reshape(len(graph.constants[layer.inputs[1]]), -1).max(1)
    scales = np.array(graph.tensors[layer.inputs[1]].quantized.scales)
    greatest = (real * scales)[real > 0]
    return float(greatest.max() / greatest.min()) if greatest.size else None
