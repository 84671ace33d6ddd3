"""A float32 Caffe network, .prototxt and .caffemodel, as a graph with TensorRT's tensor names.

Layers keep their names. Dimension 0 of every activation is the batch, whatever number the file declares. A table of
the graph has the rows of TensorRT's (`Graph.listed`): none for a Flatten, one for the slopes of a PReLU.

caffe_prototxt.py and caffe_message.py read the text, caffe_net.py makes layers of it, caffe_names.py names the tensors,
caffe_wire.py reads the weights, caffe_layers.py has a function for each type, caffe_network.py is what they fill in.
"""

from __future__ import annotations

import os
from pathlib import Path

from int8sim.graph.ir import Graph
from int8sim.importers.caffe_layers import READERS, SUPPORTED, read_layer
from int8sim.importers.caffe_names import name_tensors
from int8sim.importers.caffe_net import read_net
from int8sim.importers.caffe_network import Network
from int8sim.importers.caffe_wire import read_blobs
from int8sim.importers.unknown import refuse_unknown
from int8sim.model.errors import NotAModelError

__all__ = ["SUPPORTED", "load_caffe"]


def load_caffe(prototxt: str | os.PathLike[str], caffemodel: str | os.PathLike[str] | None = None) -> Graph:
    """The graph of a deploy file and its weights, by default in the file of the same stem beside it.

    Raises NotAModelError (ModelTextError with the line, ModelBytesError with the byte) for files that are no complete
    Caffe network, UnsupportedOperatorError for a layer type, or a form of one, that is not read, LayerError for shapes
    that do not fit, GraphError for a blob that nothing writes, or two layers do.
    """
    net = read_net(prototxt)
    refuse_unknown(net.layers, lambda layer: layer.type, READERS, "this type is not read", SUPPORTED)
    names = name_tensors(net)
    path = _beside(Path(prototxt)) if caffemodel is None else caffemodel
    network = Network(net, names, read_blobs(path), str(path))
    for layer in net.layers:
        read_layer(network, layer)
    return network.graph()


def _beside(prototxt: Path) -> Path:
    """The .caffemodel of the same stem. Raises NotAModelError if there is none."""
    path = prototxt.with_suffix(".caffemodel")
    if not path.exists():
        raise NotAModelError(path, f"there is no such file, where the weights of {prototxt.name} are expected")
    return path
