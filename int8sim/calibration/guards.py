"""What can go wrong in calibration without an error: one caution each, with the numbers.

The limits follow measurements on entropy calibrators, which cut deep where values pile up at one place (exact zeros
behind a ReLU, a constant background).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from int8sim.calibration.gather import Statistics
from int8sim.calibration.methods.base import Method, Parameters
from int8sim.calibration.statistics import TensorStatistics
from int8sim.kernels.cpu.entropy import noise
from int8sim.model.table import Caution, Row

DEEP_CUT = 0.25
"""A threshold below this share of max |x| is reported."""
FIRST_BATCH_ZERO = (
    "the first batch was all 0, a range of 0 cannot double: the first later batch with another value set the range. "
    "What TensorRT does then is not known: reorder the batches"
)


def cautions(
    statistics: Statistics, rows: Mapping[str, Row], method: Method, parameters: Parameters
) -> tuple[Caution, ...]:
    """All of them, the whole table's first, then by tensor. rows: those with statistics of their own."""
    found = list(_of_method(method, parameters))
    for name, row in rows.items():
        found += [Caution(kind, name, message) for kind, message in _of_tensor(statistics.tensors[name], row)]
    return tuple(found)


def _of_method(method: Method, parameters: Parameters) -> Iterator[Caution]:
    if method.unknown:
        yield Caution("unverified", "", f"{method.name}: {method.unknown}")
    if parameters.get("cutoff", 1.0) != 1.0:
        yield Caution("cutoff", "", f"cutoff {parameters['cutoff']:g} is written, and changes nothing (see above)")


def _of_tensor(tensor: TensorStatistics, row: Row) -> Iterator[tuple[str, str]]:
    if tensor.elements == 0:
        yield "never_seen", "no data ever reached it: scale 0"
    elif tensor.amax == 0.0:
        yield "all_zero", f"all {tensor.elements:,} values were 0: scale 0, which TensorRT prints as `0`"
    else:
        yield from _of_values(tensor, row)


def _of_values(tensor: TensorStatistics, row: Row) -> Iterator[tuple[str, str]]:
    if tensor.low == tensor.high:
        yield "constant", f"all {tensor.elements:,} values were {tensor.low:.9g}"
    if tensor.kind == "tensorrt" and tensor.first_peak == 0.0:
        yield "first_batch_zero", FIRST_BATCH_ZERO
    if row.threshold < DEEP_CUT * tensor.amax:
        yield "deep_cut", f"the threshold {row.threshold:.6g} is {row.threshold / tensor.amax:.3f} of max |x|"
    if 0.0 < row.threshold < tensor.amax:
        yield from _of_noise(tensor, row)


def _of_noise(tensor: TensorStatistics, row: Row) -> Iterator[tuple[str, str]]:
    mine, plain = (noise(tensor.counts, tensor.limit, amax) for amax in (row.threshold, tensor.amax))
    if mine > plain > 0.0:
        loss = 10 * math.log10(mine / plain)
        yield "noisier_than_minmax", f"{loss:.1f} dB more quantization noise than with max |x| as threshold"
