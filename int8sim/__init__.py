"""int8sim: a bit-exact INT8 reference for hardware verification.

    graph = int8sim.load("lenet.onnx")
    table = int8sim.calibrate(graph, batches)
    integer = int8sim.lower(graph, table, profile="tflite_reference")
    tensors = int8sim.run(integer, {"data": images}, keep="all")

Everything is imported on first use: `import int8sim` itself loads no third-party package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from int8sim import spec as spec
    from int8sim.api import BatchStream as BatchStream
    from int8sim.api import Preprocessing as Preprocessing
    from int8sim.api import Session as Session
    from int8sim.api import accepts as accepts
    from int8sim.api import accumulators as accumulators
    from int8sim.api import asymmetric_params as asymmetric_params
    from int8sim.api import calibrate as calibrate
    from int8sim.api import convert as convert
    from int8sim.api import dequantize as dequantize
    from int8sim.api import divergence_curve as divergence_curve
    from int8sim.api import dp2a as dp2a
    from int8sim.api import dp4a as dp4a
    from int8sim.api import dynamic_quantize as dynamic_quantize
    from int8sim.api import float_inputs as float_inputs
    from int8sim.api import gather as gather
    from int8sim.api import image_batches as image_batches
    from int8sim.api import layer_pairs as layer_pairs
    from int8sim.api import layer_report as layer_report
    from int8sim.api import load as load
    from int8sim.api import load_statistics as load_statistics
    from int8sim.api import lower as lower
    from int8sim.api import merge_statistics as merge_statistics
    from int8sim.api import merge_tables as merge_tables
    from int8sim.api import open_samples as open_samples
    from int8sim.api import own_ranges as own_ranges
    from int8sim.api import prove as prove
    from int8sim.api import quantize as quantize
    from int8sim.api import read_table as read_table
    from int8sim.api import record as record
    from int8sim.api import run as run
    from int8sim.api import save_statistics as save_statistics
    from int8sim.api import symmetric_params as symmetric_params
    from int8sim.api import table_from as table_from
    from int8sim.api import verify as verify
    from int8sim.api import write_table as write_table
    from int8sim.exporters.onnx_qdq import export_qdq as export_qdq
    from int8sim.golden.compare import Report as Report
    from int8sim.graph.ir import Graph as Graph
    from int8sim.graph.ir import Layer as Layer
    from int8sim.model.errors import Int8SimError as Int8SimError
    from int8sim.model.table import Row as Row
    from int8sim.model.table import Table as Table
    from int8sim.model.tensor import QuantParams as QuantParams
    from int8sim.model.tensor import TensorType as TensorType
    from int8sim.profiles.base import Profile as Profile
    from int8sim.proof.report import Proof as Proof

__version__ = "0.1.0"

_API = (
    "BatchStream Preprocessing Session accepts accumulators asymmetric_params calibrate convert dequantize "
    "divergence_curve dp2a dp4a dynamic_quantize float_inputs gather image_batches layer_pairs layer_report load "
    "load_statistics lower merge_statistics merge_tables open_samples own_ranges prove quantize read_table record run "
    "save_statistics symmetric_params table_from verify write_table"
)
_HOMES = {
    **dict.fromkeys(_API.split(), "int8sim.api"),
    "export_qdq": "int8sim.exporters.onnx_qdq",
    "Report": "int8sim.golden.compare",
    "Graph": "int8sim.graph.ir",
    "Layer": "int8sim.graph.ir",
    "Int8SimError": "int8sim.model.errors",
    "Row": "int8sim.model.table",
    "Table": "int8sim.model.table",
    "QuantParams": "int8sim.model.tensor",
    "TensorType": "int8sim.model.tensor",
    "Profile": "int8sim.profiles.base",
    "Proof": "int8sim.proof.report",
}
_MODULES = ("spec",)

__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"int8sim.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    msg = f"module 'int8sim' has no attribute {name!r}; it has {', '.join(__all__)}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__
