"""Calibration: the float network over batches of data, statistics of every tensor, a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from int8sim.calibration.builder import Calibrator, build_table
from int8sim.calibration.derive import table_from
from int8sim.calibration.gather import Batch, Statistics, gather
from int8sim.calibration.methods.registry import method as find_method
from int8sim.calibration.methods.registry import parameters as find_parameters
from int8sim.graph.ir import Graph
from int8sim.model.errors import TooFewImagesError
from int8sim.model.step import Array
from int8sim.model.table import Table


def calibrate(
    graph: Graph,
    batches: Iterable[Batch] | Calibrator,
    *,
    method: str = "entropy2",
    statistics: str | Statistics = "tensorrt",
    backend: str = "cpu",
    progress: Callable[[int], None] | None = None,
    **parameters: float,
) -> Table:
    """A table with one row per tensor, in the network's order.

    graph: float32. batches: arrays [N, ...] for the one input, or mappings by input name, all used, in order; or an
    object with TensorRT's calibrator interface (calibration/builder.py). method: "entropy2", "entropy", "minmax",
    "legacy", "percentile" or "mse"; parameters: the method's own. statistics: "tensorrt", "mergeable", or earlier
    statistics of this network, to which these batches are added. progress: called with the number of batches done.
    Raises NotFiniteError (which batch, which tensor), InputMismatchError, TooFewImagesError for no data at all,
    UnknownNameError, ParameterError, UnmergeableError.
    """
    find_parameters(find_method(method), parameters)
    if isinstance(batches, Calibrator):
        return build_table(graph, batches, method=method, backend=backend, progress=progress)
    gathered = gather(graph, batches, statistics=statistics, backend=backend, progress=progress)
    return table_from(gathered, method, **parameters)


def image_batches(images: Array, batch_size: int, batches: int) -> Iterator[Array]:
    """`batches` full batches of an array [N, ...], in order. Raises TooFewImagesError before the first one."""
    if batch_size * batches > len(images):
        raise TooFewImagesError(len(images), batch_size * batches)
    return (images[i * batch_size : (i + 1) * batch_size] for i in range(batches))
