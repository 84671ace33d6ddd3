"""The table of ONNX's operators: what reads a node of each.

A reader takes the network so far and one node, and adds a layer, a constant or an alias to the network. It refuses
what the layer cannot express with `node.refused`, and what an axis 0 that is the batch does not allow with
`node.moves_batch`; whether shapes fit is for the op's `infer`. The readers lie in a module per family; a new operator
is a function there and its row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from int8sim.importers import onnx_constants as constants
from int8sim.importers import onnx_elementwise as elementwise
from int8sim.importers import onnx_products as products
from int8sim.importers import onnx_reductions as reductions
from int8sim.importers import onnx_resize as resize
from int8sim.importers import onnx_shapes as shapes
from int8sim.importers import onnx_windows as windows
from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.ops.erf import Erf
from int8sim.ops.hard_swish import HardSwish
from int8sim.ops.power import Power
from int8sim.ops.relu import Relu
from int8sim.ops.sigmoid import Sigmoid
from int8sim.ops.tanh import Tanh

Reader = Callable[[Network, Node], None]

READERS: Mapping[str, Reader] = {
    **dict.fromkeys(constants.ONLY_CONSTANT, constants.read_of_constants),
    "Add": elementwise.read_add,
    "AveragePool": windows.read_average_pool,
    "BatchNormalization": windows.read_batch_normalization,
    "Cast": shapes.read_cast,
    "Clip": elementwise.read_clip,
    "Concat": shapes.read_concat,
    "Constant": constants.read_constant,
    "Conv": windows.read_conv,
    "ConvTranspose": windows.read_conv_transpose,
    "Div": elementwise.read_div,
    "Dropout": shapes.read_dropout,
    "Elu": elementwise.read_elu,
    "Erf": elementwise.each(Erf()),
    "Flatten": shapes.read_flatten,
    "Gather": shapes.read_gather,
    "Gelu": elementwise.read_gelu,
    "Gemm": products.read_gemm,
    "GlobalAveragePool": windows.read_global_average_pool,
    "GlobalMaxPool": windows.read_global_max_pool,
    "HardSigmoid": elementwise.read_hard_sigmoid,
    "HardSwish": elementwise.each(HardSwish()),
    "Identity": shapes.read_identity,
    "InstanceNormalization": reductions.read_instance_normalization,
    "LRN": windows.read_lrn,
    "LayerNormalization": reductions.read_layer_normalization,
    "LeakyRelu": elementwise.read_leaky_relu,
    "MatMul": products.read_matmul,
    "MaxPool": windows.read_max_pool,
    "Mul": elementwise.read_mul,
    "PRelu": elementwise.read_prelu,
    "Pad": shapes.read_pad,
    "Pow": elementwise.read_pow,
    "Reciprocal": elementwise.each(Power(-1.0)),
    "ReduceMean": reductions.read_reduce_mean,
    "Relu": elementwise.each(Relu()),
    "Reshape": shapes.read_reshape,
    "Resize": resize.read_resize,
    "Shape": constants.read_shape,
    "Sigmoid": elementwise.each(Sigmoid()),
    "Slice": shapes.read_slice,
    "Softmax": shapes.read_softmax,
    "Split": shapes.read_split,
    "Sqrt": elementwise.each(Power(0.5)),
    "Squeeze": shapes.read_squeeze,
    "Sub": elementwise.read_sub,
    "Sum": elementwise.read_sum,
    "Tanh": elementwise.each(Tanh()),
    "Transpose": shapes.read_transpose,
    "Unsqueeze": shapes.read_unsqueeze,
    "Upsample": resize.read_upsample,
}
"""ONNX operator -> what reads a node of it."""

SUPPORTED = tuple(sorted(READERS.keys() - constants.ONLY_CONSTANT))
"""Operators of activations."""
