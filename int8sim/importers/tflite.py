"""A .tflite file as a graph: quantized networks as integer layers of one engine's arithmetic, float32 ones as such.

A quantized file holds codes, scales and zero points, and not who computes with them: the profile says that. Every
tensor of the file keeps its name, an empty or repeated one gets its number. Dimension 0 of every activation is the
batch, whatever number the file declares. The first subgraph is read. Integer weights of a float32 layer are read as
the float32 that they stand for, to be calibrated; TensorFlow Lite would quantize that layer's input on the way.

tflite_file.py reads the file, with no package; tflite_operators.py has a function for each operator, tflite_network.py
is what they fill in.
"""

from __future__ import annotations

import os

from int8sim.graph.ir import Graph
from int8sim.importers.tflite_file import read_model
from int8sim.importers.tflite_folding import fold
from int8sim.importers.tflite_network import Network
from int8sim.importers.tflite_operators import READERS, SUPPORTED
from int8sim.importers.unknown import refuse_unknown
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile

__all__ = ["SUPPORTED", "load_tflite"]


def load_tflite(path: str | os.PathLike[str], profile: str | Profile | None = None) -> Graph:
    """The graph of a .tflite file.

    profile: by which engine's arithmetic a quantized network's layers compute; a network in float32 needs none.
    Raises NotAModelError and ModelBytesError for a file that is none or is damaged, UnsupportedOperatorError for an
    operator or a form of one that is not read, LayerError and BadScaleError for what does not fit, GraphError for
    tensors without a producer or with two, ParameterError for a missing profile, UnknownNameError.
    """
    model = read_model(path)
    refuse_unknown(model.operators, lambda node: node.name, READERS, "it is not supported", SUPPORTED)
    network = Network(model, None if profile is None else find_profile(profile))
    for node in model.operators:
        if not fold(network, node):
            READERS[node.name](network, node)
    return network.graph()
