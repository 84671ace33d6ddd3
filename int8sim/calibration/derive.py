"""From statistics to a table, by any calibrator: no second pass over the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from int8sim.calibration.gather import Statistics
from int8sim.calibration.guards import cautions
from int8sim.calibration.methods.base import Method
from int8sim.calibration.methods.registry import method as find_method
from int8sim.calibration.methods.registry import parameters as find_parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.model.table import Provenance, Row, Table


def table_from(statistics: Statistics, method: str = "entropy2", **parameters: float) -> Table:
    """The table, one row per tensor that the calibrator lists, in the network's order, with its cautions.

    method: a name in calibration/methods; parameters: its own, such as percentile=99.9. A tensor that was always 0, or
    never seen, gets scale 0. Raises UnknownNameError, ParameterError.
    """
    chosen = find_method(method)
    numbers = find_parameters(chosen, parameters)
    listed = [name for name in statistics.rows if not (chosen.after_fusion and name in statistics.fused)]
    shared = statistics.shared if chosen.pools_share else statistics.reordered
    origins = {name: shared.get(name, name) for name in listed}
    rows = {name: _row(statistics.tensors[name], chosen, numbers) for name in dict.fromkeys(origins.values())}
    provenance = Provenance(
        chosen.name,
        _producer(),
        statistics.network,
        statistics.data,
        statistics.batches,
        statistics.batch_size,
        statistics.kind,
        parameters=numbers,
        samples=tuple(statistics.samples),
    )
    every = {
        name: rows[origin] if origin == name else replace(rows[origin], shared_with=origin)
        for name, origin in origins.items()
    }
    return Table(every, provenance, cautions(statistics, rows, chosen, numbers))


def _row(statistics: TensorStatistics, chosen: Method, numbers: Mapping[str, float]) -> Row:
    if statistics.limit == 0.0:
        return Row(0.0, 0.0, 0.0, 0.0)
    scale, kept = chosen.choose(statistics, numbers)
    return Row(scale, statistics.low, statistics.high, statistics.limit, kept)


def _producer() -> str:
    try:
        return f"int8sim {version('int8sim')}"
    except PackageNotFoundError:
        return "int8sim"
